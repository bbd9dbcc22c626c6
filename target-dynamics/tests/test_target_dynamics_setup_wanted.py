from __future__ import annotations

import typing as t

import pytest
from sync_ledger.errors import ConfigError
from target_dynamics.setup import definitions
from target_dynamics.setup.wanted import Wanted, lacking, wanted_columns
from target_dynamics_metadata import COLUMNS, TABLES, column, key, metadata

NUMBER = Wanted("accounts", "JDE Number", "text", key=True)


def wanted(*entities: str, **settings: t.Any) -> list[str]:
    config = {"external_id_field": "JDE Number", "entities": [], **settings}
    return [str(one) for one in wanted_columns(config, TABLES, entities)]


def test_the_external_id_column_is_wanted_in_all_tables_a_load_writes() -> None:
    assert wanted() == [
        "accounts: JDE Number, text with an alternate key",
        "contacts: JDE Number, text with an alternate key",
    ]
    assert wanted("contacts") == ["contacts: JDE Number, text with an alternate key"]
    assert len(wanted(entities=["teams"])) == 3


def test_custom_fields_are_wanted_with_their_type() -> None:
    fields = {"accounts": {"Tax ID": "text", "Region": {"type": "choice", "options": ["North", "South"]}}}
    assert wanted("accounts", custom_fields=fields)[1:] == [
        "accounts: Tax ID, text",
        "accounts: Region, choice (North, South)",
    ]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"custom_fields": {"nothings": {}}}, "no entity set 'nothings'"),
        ({"custom_fields": {"accounts": "Tax ID"}}, "wants its columns as label -> type"),
        ({"custom_fields": {"accounts": {"Tax ID": "string"}}}, "'Tax ID' has no type setup can make; there are text,"),
        ({"custom_fields": {"accounts": {"Region": "choice"}}}, "options belong to the types choice and choices"),
        ({"custom_fields": {"accounts": {"X": {"type": "text", "options": ["a"]}}}}, "options belong to the types"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, t.Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        wanted(**settings)


def test_what_is_there_is_not_made_again() -> None:
    assert not lacking([NUMBER], metadata(), "jde")


def test_a_table_without_the_column_lacks_it_and_its_key() -> None:
    found = lacking([NUMBER], metadata(COLUMNS[2:], []), "jde")
    assert (found.columns, found.keys) == ([NUMBER], ["jde_number"])


@pytest.mark.parametrize(("status", "part"), [("Pending", "waiting"), ("InProgress", "waiting"), ("Failed", "failed")])
def test_a_key_that_does_not_work_yet_is_told(status: str, part: str) -> None:
    found = lacking([NUMBER], metadata(keys=[key(status)]), "jde")
    assert found
    assert [one.status for one in getattr(found, part)] == [status]


def test_a_column_of_another_type_is_in_the_way() -> None:
    columns = [column("jde_number", "Integer", "JDE Number"), *COLUMNS[2:]]
    found = lacking([NUMBER], metadata(columns, []), "jde")
    assert not found
    assert found.conflicts == [
        (
            "accounts: column jde_number is of type Integer, not String; a type can never be changed, so name another"
            " column"
        )
    ]


def test_a_label_that_two_columns_have_is_in_the_way() -> None:
    found = lacking([NUMBER], metadata([*COLUMNS, column("x_n", "String", "JDE Number")]), "jde")
    assert found.conflicts[0].startswith("accounts has 2 columns 'JDE Number' (jde_number, x_n)")


def test_a_table_with_all_its_keys_takes_no_other() -> None:
    keys = [{**key("Active", f"k{number}"), "LogicalName": f"k{number}"} for number in range(10)]
    found = lacking([NUMBER], metadata(COLUMNS[2:], keys), "jde")
    assert "has its 10 alternate keys already" in found.conflicts[0]


@pytest.mark.parametrize("kind", definitions.KINDS)
def test_every_type_has_a_definition(kind: str) -> None:
    found = definitions.column("Big Thing", kind, ["A", "B"], "jde")
    assert found["SchemaName"] == "jde_BigThing"
    assert found["@odata.type"].endswith("AttributeMetadata")
    if kind in definitions.WITH_OPTIONS:
        assert len(found["OptionSet"]["Options"]) == 2


def test_options_that_a_choice_lacks_are_added() -> None:
    one = Wanted("accounts", "paymenttermscode", "choice", ("Net 30", "Net 90"))
    assert lacking([one], metadata(), "jde").options == [(one, "paymenttermscode", ("Net 90",))]
