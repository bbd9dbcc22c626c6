"""Adding columns, options and alternate keys (fact sheet sections 5 and 9)."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.definitions.columns import base_twin, new_option, read_column, shadow
from service_emulators.dynamics.definitions.keys import read_key
from service_emulators.dynamics.definitions.labels import label_text
from service_emulators.dynamics.definitions.reading import DefinitionsApi
from service_emulators.dynamics.errors import ApiError, payload
from service_emulators.dynamics.schema.model import metadata_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import AlternateKey, Table

_SOLUTION = "mscrm.solutionuniquename"
_CHOICES = frozenset({"Picklist", "MultiSelectPicklist"})


class CustomizationApi:
    """Endpoints that change metadata."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._catalog = parts.catalog
        self._definitions = DefinitionsApi(parts)

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        one = "/EntityDefinitions/()"
        return {
            f"POST {one}/Attributes": self._create_column,
            f"POST {one}/Keys": self._create_key,
            f"DELETE {one}/Keys/()": self._delete_key,
            "POST /InsertOptionValue": self._insert_option,
            "POST /ReactivateEntityKey": self._reactivate,
            "POST /PublishXml": self._publish,
            "POST /PublishAllXml": self._publish_all,
        }

    def _create_column(self, call: Call) -> Reply:
        table = self._definitions.table(call.predicates[0])
        call.user.need_named("prvCreateAttribute", table.name)
        column = read_column(call.json_object("EntityDefinitions"), self._prefixes())
        if column.name in table.columns:
            raise ApiError(  # code from memory
                400, "0x80047013", f"An attribute with the specified name {column.name} already exists."
            )
        column.solution = self._solution(call.headers.get(_SOLUTION))
        column.made_at = self._parts.clock.seconds()
        table = self._catalog.add_column(table, column)
        for more in (shadow(column), base_twin(column) if column.type == "Money" else None):
            if more is not None:
                more.made_at = column.made_at
                table = self._catalog.add_column(table, more)
        return self._made(call, table, "Attributes", metadata_id(table.name, column.name))

    def _create_key(self, call: Call) -> Reply:
        table = self._definitions.table(call.predicates[0])
        call.user.need_named("prvCreateEntityKey", table.name)
        self._solution(call.headers.get(_SOLUTION))
        key = read_key(table, call.json_object("EntityDefinitions"), self._prefixes())
        key = msgspec.structs.replace(key, id=str(uuid.uuid4()), made_at=self._parts.clock.seconds())
        self._parts.indexes.start(key)
        return self._made(call, table, "Keys", key.id)

    def _delete_key(self, call: Call) -> Reply:
        table = self._definitions.table(call.predicates[0])
        call.user.need_named("prvDeleteEntityKey", table.name)
        wanted = call.predicates[1]
        for key in table.keys.values():
            if key.id == wanted.guid or f"LogicalName='{key.name}'" == wanted.text.replace(" ", ""):
                self._parts.indexes.drop(key)
                self._catalog.remove_key(key)
                return Reply(status=204)
        raise ApiError(404, "0x80040217", f"EntityKey {wanted.text} Does Not Exist")

    def _insert_option(self, call: Call) -> Reply:
        body = _known(
            call.json_object(),
            {
                "EntityLogicalName",
                "AttributeLogicalName",
                "OptionSetName",
                "Value",
                "Label",
                "Description",
                "SolutionUniqueName",
                "ParentValues",
            },
        )
        table = self._table(body)
        call.user.need_named("prvWriteAttribute", table.name)
        column = table.columns.get(str(body.get("AttributeLogicalName", "")))
        if column is None or column.type not in _CHOICES:
            raise payload("", f"'{body.get('AttributeLogicalName')}' is no choice of '{table.name}'.")
        solution = self._solution(body.get("SolutionUniqueName"))
        prefix = self._option_prefix(solution)
        option = new_option(
            column, label_text(body.get("Label")), body.get("Value"), prefix, self._parts.clock.seconds()
        )
        self._catalog.save_column(table, msgspec.structs.replace(column, options=[*column.options, option]))
        context = f"{call.root}$metadata#Microsoft.Dynamics.CRM.InsertOptionValueResponse"
        return Reply({"@odata.context": context, "NewOptionValue": option.value})

    def _reactivate(self, call: Call) -> Reply:
        body = _known(call.json_object(), {"EntityLogicalName", "EntityKeyLogicalName"})
        table = self._table(body)
        call.user.need_named("prvCreateEntityKey", table.name)
        key: AlternateKey | None = table.keys.get(str(body.get("EntityKeyLogicalName", "")))
        if key is None:
            raise ApiError(404, "0x80040217", f"EntityKey {body.get('EntityKeyLogicalName')} Does Not Exist")
        if key.status != "Failed":
            raise ApiError(  # code from memory
                400, "0x80060890", f"Invalid EntityKey Operation performed : the index of {key.name} has not failed."
            )
        self._parts.indexes.start(key)
        return Reply(status=204)

    def _publish(self, call: Call) -> Reply:
        body = _known(call.json_object(), {"ParameterXml"})
        call.user.need_named("prvPublishCustomization", "customization")
        try:
            root = ET.fromstring(str(body.get("ParameterXml")))  # noqa: S314 - a test's own document, of no entities
        except ET.ParseError as error:
            raise payload("", f"'ParameterXml' is no XML: {error}") from error
        if root.tag != "importexportxml":
            raise payload("", "'ParameterXml' must be an 'importexportxml'.")
        return Reply(status=204)

    def _publish_all(self, call: Call) -> Reply:
        call.user.need_named("prvPublishCustomization", "customization")
        return Reply(status=204)

    def _table(self, body: dict[str, Any]) -> Table:
        name = str(body.get("EntityLogicalName", ""))
        table = self._catalog.tables().get(name)
        if table is None:
            raise ApiError(404, "0x80040217", f"Could not find an entity with specified name: {name}")
        return table

    def _made(self, call: Call, table: Table, part: str, made_id: str) -> Reply:
        call.origin.tally.writes += 1
        address = f"{call.root}EntityDefinitions({metadata_id(table.name)})/{part}({made_id})"
        return Reply(status=204, headers=(("OData-EntityId", address), ("Location", address)))

    def _prefixes(self) -> dict[str, int]:
        """Returns the prefix of option values by prefix of each publisher."""
        rows = self._parts.store.select(self._catalog.tables()["publisher"])
        return {
            row["customizationprefix"].lower(): int(row["customizationoptionvalueprefix"] or 10_000)
            for row in rows
            if row["customizationprefix"]
        }

    def _solution(self, name: Any) -> str:
        """Returns the unique name of a solution that a request names, empty for none.

        Raises:
            ApiError: 404, there is no such solution.
        """
        if not name:
            return ""
        solutions = self._catalog.tables()["solution"]
        if not self._parts.store.select(solutions, [solutions.sql.c.uniquename == name]):
            raise ApiError(404, "0x80040217", f"The solution with the unique name {name} Does Not Exist")
        return str(name)

    def _option_prefix(self, solution: str) -> int:
        """Returns the prefix of option values of a solution's publisher; without a solution the default publisher's."""
        tables = self._catalog.tables()
        solutions, publishers = tables["solution"], tables["publisher"]
        name = solution or "Default"
        (found,) = self._parts.store.select(solutions, [solutions.sql.c.uniquename == name])
        publisher = self._parts.store.get(publishers, found["publisherid"])
        return int((publisher or {}).get("customizationoptionvalueprefix") or 10_000)


def _known(body: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Returns the body of an action, which may name its parameters alone."""
    for name in body:
        if name not in names and "@" not in name:
            raise payload("", f"The parameter '{name}' in the request payload is not a parameter of the operation.")
    return body
