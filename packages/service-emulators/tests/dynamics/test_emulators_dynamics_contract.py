"""The emulated metadata against exports of real environments, by folder `API_SPECS_DIR`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract
NAMESPACE = "Microsoft.Dynamics.CRM."
PLAIN = (
    "SchemaName",
    "AttributeType",
    "AttributeOf",
    "IsValidForCreate",
    "IsValidForUpdate",
    "IsValidForRead",
    "IsPrimaryId",
    "IsPrimaryName",
    "IsLogical",
)
TYPED = ("MaxLength", "MinValue", "MaxValue", "Precision", "Targets", "DateTimeBehavior", "FormatName", "DefaultValue")
NOT_TYPED = "BigInt"  # its range is no limit that anybody could meet


@pytest.fixture(scope="module", params=["account", "contact"])
def export(request):
    folder = os.environ.get("API_SPECS_DIR")
    file = Path(folder or "/nowhere") / "dataverse" / f"{request.param}.entitydefinition.json"
    if not file.is_file():
        pytest.skip(f"set API_SPECS_DIR to a folder that holds dataverse/{file.name}")
    return json.loads(file.read_text())


@pytest.fixture
def shown(crm, export):
    """The columns as the emulator shows them, with the properties of their types."""
    table = f"EntityDefinitions(LogicalName='{export['LogicalName']}')/Attributes"
    found = {one["LogicalName"]: one for one in crm.ok("GET", table)["value"]}
    for kind in {one["@odata.type"].lstrip("#") for one in found.values()} - {f"{NAMESPACE}AttributeMetadata"}:
        options = (
            "?$expand=OptionSet" if kind.split(".")[-1].startswith(("Picklist", "State", "Status", "Boolean")) else ""
        )
        for one in crm.ok("GET", f"{table}/{kind}{options}")["value"]:
            found[one["LogicalName"]].update(one)
    return found


def test_every_column_is_what_the_export_says(export, shown):
    for column in export["Attributes"]:
        own = shown[column["LogicalName"]]
        assert {name: own[name] for name in PLAIN} == {name: column[name] for name in PLAIN}, column["LogicalName"]
        assert own["RequiredLevel"]["Value"] == column["RequiredLevel"]["Value"]
        if column["AttributeType"] == NOT_TYPED:
            continue
        expected = {name: column[name] for name in TYPED if name in column}
        assert {name: own.get(name) for name in expected} == expected, column["LogicalName"]


def test_every_option_is_what_the_export_says(export, shown):
    compared = 0
    for column in export["Attributes"]:
        given = column.get("OptionSet")
        if not given:
            continue
        own = shown[column["LogicalName"]]["OptionSet"]
        options = own["Options"] if "Options" in own else [own["FalseOption"], own["TrueOption"]]
        wanted = given.get("Options") or [given["FalseOption"], given["TrueOption"]]
        found = [(one["Value"], one["Label"]["UserLocalizedLabel"]["Label"]) for one in options]
        assert found == [(one["Value"], one["Label"]) for one in wanted]
        compared += 1
    assert compared > 20


def test_every_navigation_property_is_what_the_export_says(crm, export):
    table = f"EntityDefinitions(LogicalName='{export['LogicalName']}')/ManyToOneRelationships"
    names = (
        "ReferencingAttribute",
        "ReferencingEntityNavigationPropertyName",
        "ReferencedEntity",
        "ReferencedAttribute",
    )
    found = {tuple(one[name] for name in names) for one in crm.ok("GET", table)["value"]}
    assert {tuple(one[name] for name in names) for one in export["ManyToOneRelationships"]} <= found
