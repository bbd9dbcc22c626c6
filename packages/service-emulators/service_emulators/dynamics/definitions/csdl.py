"""`$metadata`: the tables as a CSDL document (fact sheet section 9)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.values import edm_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import Column, Table

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"
_NAMESPACE = "Microsoft.Dynamics.CRM"
_KEYS = "OData.Community.Keys.V1.AlternateKeys"


class DocumentApi:
    """Endpoint of the document; it knows nothing of actions, functions and inherited types."""

    def __init__(self, parts: Parts) -> None:
        self._catalog = parts.catalog

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        return {"GET /$metadata": self._document}

    def _document(self, _call: Call) -> Reply:
        return Reply(document(self._catalog.tables()), content_type="application/xml")


def document(tables: Mapping[str, Table]) -> bytes:
    """Returns the document of some tables.

    Args:
        tables: tables by logical name; relationships to others are left out.
    """
    ET.register_namespace("edmx", _EDMX)
    ET.register_namespace("", _EDM)
    root = ET.Element(f"{{{_EDMX}}}Edmx", Version="4.0")
    services = ET.SubElement(root, f"{{{_EDMX}}}DataServices")
    schema = _child(services, "Schema", Namespace=_NAMESPACE, Alias="mscrm")
    container = ET.Element(f"{{{_EDM}}}EntityContainer", Name="System")
    for table in tables.values():
        _type(schema, table, tables)
        entity_set = _child(container, "EntitySet", Name=table.set_name, EntityType=f"{_NAMESPACE}.{table.name}")
        for relation in table.relations.values():
            if relation.target in tables:
                target = tables[relation.target].set_name
                _child(entity_set, "NavigationPropertyBinding", Path=relation.navigation, Target=target)
    schema.append(container)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _type(schema: ET.Element, table: Table, tables: Mapping[str, Table]) -> None:
    entity = _child(schema, "EntityType", Name=table.name)
    _child(_child(entity, "Key"), "PropertyRef", Name=table.id_column)
    for name, column in table.properties.items():
        _property(entity, name, column)
    for relation in table.relations.values():
        if relation.target in tables:
            target = f"mscrm.{relation.target}"
            navigation = _child(entity, "NavigationProperty", Name=relation.navigation, Type=target)
            referenced = {"Property": f"_{relation.column}_value", "ReferencedProperty": relation.target_id}
            _child(navigation, "ReferentialConstraint", **referenced)
    for other in tables.values():
        for relation in other.relations.values():
            if relation.target == table.name and relation.inverse:
                kind = f"Collection(mscrm.{other.name})"
                _child(entity, "NavigationProperty", Name=relation.inverse, Type=kind, Partner=relation.navigation)
    active = [key for key in table.keys.values() if key.status == "Active"]
    if active:
        collection = _child(_child(entity, "Annotation", Term=_KEYS), "Collection")
        for key in active:
            value = _child(_child(collection, "Record", Type=_KEYS[:-1]), "PropertyValue", Property="Key")
            names = _child(value, "Collection")
            for name in key.columns:
                alias = _child(names, "Record", Type="OData.Community.Keys.V1.PropertyRef")
                _child(alias, "PropertyValue", Property="Alias", String=name)
                _child(alias, "PropertyValue", Property="Name", PropertyPath=table.columns[name].property_name)


def _property(entity: ET.Element, name: str, column: Column) -> None:
    facets = {"Name": name, "Type": edm_type(column)}
    if column.max_length is not None:
        facets["MaxLength"] = str(column.max_length)
    if facets["Type"] == "Edm.Decimal":
        facets["Scale"] = "Variable"
    _child(entity, "Property", **facets)


def _child(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{_EDM}}}{tag}", attributes)
