from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.describing import snapshot
from sync_ledger.engine.validate import Invalid, check_create, normalise
from sync_ledger.errors import ConfigError
from sync_ledger.fields import FieldType
from target_dynamics import forms
from target_dynamics.choices import Choices, choices
from target_dynamics.naming import key_schema_name, logical_name, schema_name
from target_dynamics_metadata import COLUMNS, HOLDER, column, fields, key, label, metadata

DESCRIBED = fields().description


@pytest.mark.parametrize(
    ("name", "kind", "creatable"),
    [
        ("name", FieldType.STRING, True),
        ("description", FieldType.STRING, True),
        ("numberofemployees", FieldType.INTEGER, True),
        ("creditlimit", FieldType.NUMBER, True),
        ("creditonhold", FieldType.BOOLEAN, True),
        ("paymenttermscode", FieldType.OPTION, True),
        ("jde_flags", FieldType.OPTIONS, True),
        ("jde_since", FieldType.DATE, True),
        ("jde_seen", FieldType.DATETIME, True),
        ("modifiedon", FieldType.DATETIME, False),
        ("parentaccountid", FieldType.RELATION, True),
        ("parentcustomerid_account", FieldType.RELATION, True),
        ("transactioncurrencyid", FieldType.OPTION, True),
        ("slaid", FieldType.STRING, False),
        ("ownerid", FieldType.OPTION, True),
        ("statecode", FieldType.OPTION, True),
        ("accountid", FieldType.STRING, False),
    ],
)
def test_a_column_is_described_by_its_type(name: str, kind: FieldType, creatable: bool) -> None:
    field = DESCRIBED.find(name)
    assert field is not None
    assert (field.type, field.creatable) == (kind, creatable)


def test_a_mapping_may_use_the_label_or_the_logical_name() -> None:
    assert DESCRIBED.find("Credit Limit") is DESCRIBED.find("creditlimit")
    assert normalise(DESCRIBED, {"Account Name": "Acme", "Payment Terms": "Net 30"}) == {
        "name": "Acme",
        "paymenttermscode": 1,
    }


def test_a_label_that_is_the_name_of_another_column_means_that_column() -> None:
    found = fields(metadata([*COLUMNS, column("jde_name", "String", "name", MaxLength=10)])).description
    assert found.find("name").key == "name"  # type: ignore[union-attr]


def test_a_lookup_is_bound_by_its_navigation_property_and_one_to_several_tables_is_a_field_for_each() -> None:
    parent, company = DESCRIBED.find("parentaccountid"), DESCRIBED.find("parentcustomerid_contact")
    assert parent is not None
    assert company is not None
    assert (parent.key, parent.relation) == ("ParentAccount", "accounts")
    assert (company.key, company.relation, company.label) == (
        "parentcustomerid_contact",
        "contacts",
        "Company Name (contact)",
    )
    assert DESCRIBED.find("parentcustomerid") is None


def test_rows_of_tables_that_are_not_written_go_by_their_name() -> None:
    values = normalise(DESCRIBED, {"transactioncurrencyid": "eur"})
    assert values == {"transactioncurrencyid": "00000000-0000-0000-0000-0000000000e0"}


@pytest.mark.parametrize("given_option", [2, "2", "2% 10, Net 30", "2% 10, NET 30"])
def test_an_option_is_given_by_label_or_value(given_option: object) -> None:
    assert normalise(DESCRIBED, {"paymenttermscode": given_option}) == {"paymenttermscode": 2}


def test_an_unknown_option_is_held_with_those_there_are() -> None:
    with pytest.raises(Invalid, match="paymenttermscode has no option 'Net 90'; it has: 2% 10, Net 30, Net 30"):
        normalise(DESCRIBED, {"paymenttermscode": "Net 90"})


def test_a_status_has_the_options_of_the_state_beside_it() -> None:
    assert normalise(DESCRIBED, {"statuscode": "Gone", "statecode": "Inactive"}) == {"statecode": 1, "statuscode": 3}
    with pytest.raises(Invalid, match="statuscode has no option"):
        normalise(DESCRIBED, {"statuscode": "Gone", "statecode": "Active"})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("name", "x" * 161, "takes 160 characters"),
        ("numberofemployees", -1, "takes values from 0"),
        ("creditlimit", 10**15, "up to 100000000000000"),
        ("jde_since", "1752-12-31", "from 1753-01-01"),
        ("jde_seen", "1752-12-31T23:59:59Z", "from 1753-01-01"),
    ],
)
def test_what_the_service_would_refuse_is_held_with_the_column_and_the_bound(
    name: str, value: object, text: str
) -> None:
    with pytest.raises(Invalid, match=text) as problem:
        normalise(DESCRIBED, {name: value})
    assert problem.value.field == name


def test_application_required_columns_are_checked_here_since_the_service_does_not() -> None:
    with pytest.raises(Invalid, match="name is required"):
        check_create(DESCRIBED, {"creditlimit": 1})
    assert check_create(DESCRIBED, {"name": "Acme"}) == {"name": "Acme"}


def test_people_are_not_listed_in_a_snapshot() -> None:
    found = snapshot("target-dynamics", "dynamics:x", [DESCRIBED])["entities"]["accounts"]
    by_name = {field["name"]: field for field in found["fields"]}
    assert by_name["ownerid"]["options"] is None
    assert by_name["paymenttermscode"]["options"] == [{"id": 1, "label": "Net 30"}, {"id": 2, "label": "2% 10, Net 30"}]
    assert found["external_id_field"]["key"] == "jde_number"


@pytest.mark.parametrize("wanted", ["JDE Number", "jde_number"])
def test_the_external_id_is_held_by_the_column_of_that_label_or_name(wanted: str) -> None:
    assert fields(external_id_field=wanted).key == "jde_number"


def test_a_column_that_setup_made_is_found_after_its_label_was_changed() -> None:
    renamed = {**HOLDER, "DisplayName": label("Adresse")}
    assert fields(metadata([renamed, *COLUMNS[2:]])).key == "jde_number"


@pytest.mark.parametrize(
    ("columns", "keys", "text"),
    [
        (COLUMNS[2:], [key()], "has no such column; `target-dynamics setup accounts` makes it"),
        ([*COLUMNS, column("x_number", "String", "JDE Number")], [key()], "has 2 columns with that label"),
        ([column("jde_number", "Integer"), *COLUMNS[2:]], [key()], "is no text column that can be written"),
        (COLUMNS, [], "has no alternate key of its own"),
        (COLUMNS, [key("Active", "jde_number", "name")], "has no alternate key of its own"),
        (COLUMNS, [key("Pending")], r"is still being built \(Pending\); `target-dynamics setup accounts` waits"),
        (COLUMNS, [key("InProgress")], "is still being built"),
        (
            COLUMNS,
            [key("Failed")],
            "failed, because rows share a value of jde_number; `target-dynamics setup accounts`",
        ),
    ],
)
def test_the_target_refuses_to_start_without_an_active_key(columns: list, keys: list, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        fields(metadata(columns, keys))


def test_an_active_key_counts_beside_one_that_failed() -> None:
    assert fields(metadata(keys=[key("Failed"), key("Active")])).key == "jde_number"


def test_options_that_share_a_label_go_by_their_number() -> None:
    found = choices([{"Value": 1, "Label": label("Net")}, {"Value": 2, "Label": label("Net")}])
    assert dict(found) == {"1": 1, "2": 2}


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 50), max_size=6))
def test_every_label_and_every_number_finds_its_option(labels: dict[str, int]) -> None:
    found = Choices(labels)
    assert dict(found) == labels
    for value in labels.values():
        assert found[str(value)] == value or str(value) in labels or str(value).casefold() in map(str.casefold, labels)


@pytest.mark.parametrize(
    ("text", "logical", "schema"),
    [
        ("JDE Number", "jde_number", "jde_Number"),
        ("Tax ID", "jde_taxid", "jde_TaxID"),
        ("JDE", "jde_jde", "jde_JDE"),
        ("Größe", "jde_gre", "jde_GrE"),
        ("税", "jde_column", "jde_Column"),
    ],
)
def test_names_of_columns_follow_their_labels(text: str, logical: str, schema: str) -> None:
    assert (logical_name(text, "jde"), schema_name(text, "jde")) == (logical, schema)
    assert key_schema_name(logical) == f"{logical}_key"


@given(st.floats(-1e15, 1e15, allow_nan=False), st.integers(0, 6))
def test_a_rounded_amount_is_rounded(value: float, decimals: int) -> None:
    form = forms.rounded(decimals)
    once = form(value)
    assert form(once) == once
    assert abs(once - value) <= 0.5 * 10**-decimals + abs(value) * 1e-15


@given(st.text())
def test_a_text_in_its_form_stays_as_it_is(value: str) -> None:
    once = forms.memo(value)
    assert once is None or (forms.memo(once) == once and "\r" not in once)
