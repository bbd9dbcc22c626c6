from __future__ import annotations

import csv
import io
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sync_ledger.engine.validate import normalise
from target_zoho import coql, values
from target_zoho.bulk_files import csv_file
from target_zoho.fields import module_fields
from test_target_zoho_fields import KEY, field, options

FIELDS = module_fields(
    "Accounts",
    [
        KEY,
        field("id", "bigint", read_only=True),
        field("Account_Name", length=200, system_mandatory=True),
        field("Description", "textarea", length=2000),
        field("Employees", "integer"),
        field("Account_Number", "bigint"),
        field("Credit_Limit", "currency"),
        field("On_Hold", "boolean"),
        field("Since", "date"),
        field("Checked_At", "datetime"),
        field("Status", "picklist", pick_list_values=options("Active", "Closed")),
        field("Regions", "multiselectpicklist", pick_list_values=options("EMEA", "US", "A;B")),
        field("Parent_Account", "lookup", lookup={"module": {"api_name": "Accounts"}}),
        field("Owner", "ownerlookup"),
    ],
    "JDE Number",
    users={"sam@acme.example": "5725767000000411004"},
)
SENT = {
    "Account_Name": "Müller & Söhne",
    "Employees": 12,
    "Account_Number": 123456789012345678,
    "Credit_Limit": 12.5,
    "On_Hold": False,
    "Since": "2026-03-01",
    "Checked_At": "2026-03-01T08:15:00Z",
    "Status": "Active",
    "Regions": ["EMEA", "US"],
    "Parent_Account": "5725767000000524157",
    "Owner": "5725767000000411004",
}


def test_a_create_is_sent_in_zohos_own_forms() -> None:
    assert values.body(FIELDS, SENT, external_id="1001") == {
        "JDE_Number": "1001",
        **SENT,
        "Account_Number": "123456789012345678",
        "Checked_At": "2026-03-01T08:15:00+00:00",
        "Parent_Account": {"id": "5725767000000524157"},
        "Owner": {"id": "5725767000000411004"},
    }


def test_an_update_empties_with_null_lists_with_nothing_and_a_checkbox_with_false() -> None:
    emptied = dict.fromkeys(("Description", "Credit_Limit", "Regions", "On_Hold", "Parent_Account"))
    assert values.body(FIELDS, emptied) == {
        "Description": None,
        "Credit_Limit": None,
        "Regions": [],
        "On_Hold": False,
        "Parent_Account": None,
    }


def test_records_come_back_in_the_form_they_are_sent_in() -> None:
    record = {
        **values.body(FIELDS, SENT, external_id=" 1001 "),
        "id": "5725767000000524157",
        "Checked_At": "2026-03-01T09:15:00+01:00",
        "Parent_Account": {"id": "5725767000000524157", "name": "Parent"},
        "Regions": ["US", "EMEA"],
        "Description": None,
        "Owner": {"id": "5725767000000411004", "name": "Sam", "email": "sam@acme.example"},
    }
    found = values.record_values(FIELDS, record)
    assert {name: found[name] for name in SENT} == SENT
    assert found["Description"] is None
    assert values.external_id(FIELDS, record) == "1001"
    assert values.external_id(FIELDS, {"JDE_Number": " "}) is None
    assert values.external_id(FIELDS, {}) is None


@pytest.mark.parametrize(("value", "expected"), [("-None-", None), ("", None), ("Active", "Active")])
def test_no_choice_is_no_value(value: str, expected: str | None) -> None:
    assert values.record_values(FIELDS, {"Status": value}) == {"Status": expected}


def test_cells_hold_plain_text_and_leave_out_what_is_empty() -> None:
    assert values.cells(FIELDS, {**SENT, "Description": None}) == {
        "Account_Name": "Müller & Söhne",
        "Employees": "12",
        "Account_Number": "123456789012345678",
        "Credit_Limit": "12.5",
        "On_Hold": "false",
        "Since": "2026-03-01",
        "Checked_At": "2026-03-01T08:15:00+00:00",
        "Status": "Active",
        "Regions": "EMEA;US",
        "Parent_Account": "5725767000000524157",
        "Owner": "5725767000000411004",
    }


@pytest.mark.parametrize("value", [{"Regions": ["A;B", "US"]}, {"Account_Name": " Acme"}, {"Account_Name": "Acme\n"}])
def test_what_a_cell_would_change_is_told(value: dict[str, t.Any]) -> None:
    assert values.cells(FIELDS, value) is None


@given(st.text(max_size=60))
@example("a\rb")
@example('"a", b\n')
@example("a\0b")
def test_a_text_is_itself_after_the_way_through_a_cell(text: str) -> None:
    cells = values.cells(FIELDS, {"Account_Name": text})
    if cells is None:
        assert text != text.strip()
        return
    content = csv_file(("JDE_Number", "Account_Name"), [["1", cells.get("Account_Name", "")], ["2", "next"]]).decode()
    # The reader of Python 3.10 takes no null character, which has no meaning in CSV.
    read = csv.reader(io.StringIO(content.replace("\0", "\ue000"), newline=""))
    assert list(read)[1:] == [["1", text.replace("\0", "\ue000")], ["2", "next"]]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Employees": st.integers(0, 999_999_999),
            "Account_Number": st.integers(0, 10**17),
            "Credit_Limit": st.floats(-1e9, 1e9),
            "On_Hold": st.booleans(),
            "Since": st.dates().map(lambda day: day.isoformat()),
            "Checked_At": st.datetimes(timezones=st.just(timezone.utc)).map(lambda moment: moment.isoformat()),
            "Regions": st.lists(st.sampled_from(["EMEA", "US"]), unique=True),
            "Account_Name": st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text),
        },
    )
)
def test_what_is_sent_reads_as_the_same_values(given_values: dict[str, t.Any]) -> None:
    sent = normalise(FIELDS.description, given_values)
    assert values.record_values(FIELDS, values.body(FIELDS, sent)) == sent


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)), st.integers(-12, 14))
def test_a_moment_keeps_its_place_in_time(naive: datetime, hours: int) -> None:
    moment = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    assert values.moment(moment.isoformat()) == moment
    assert values.moment(values.stamp(moment)) == moment


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=1, max_size=50))
def test_a_quote_in_a_value_never_ends_it(given_values: list[str]) -> None:
    condition = coql.within("JDE_Number", given_values)
    inside = condition.removeprefix("JDE_Number in (").removesuffix(")")
    assert [text.replace("''", "'") for text in _split(inside)] == given_values


def _split(text: str) -> list[str]:
    """Read quoted values as the language does."""
    found, position = [], 0
    while position < len(text):
        assert text[position] == "'"
        end = position + 1
        while text[end] != "'" or text[end + 1 : end + 2] == "'":
            end += 2 if text[end] == "'" else 1
        found.append(text[position + 1 : end])
        position = end + len("', ")
        if position <= len(text):
            assert text[end : end + 3] in {"', ", "'"}
    return found


def test_columns_beyond_fifty_come_in_groups_that_all_know_the_id() -> None:
    columns = ["id", *(f"F{number}" for number in range(120))]
    groups = list(coql.groups(columns))
    assert [len(group) for group in groups] == [50, 50, 23]
    assert all(group[0] == "id" for group in groups)
    assert [name for group in groups for name in group[1:]] == columns[1:]
    assert list(coql.groups(["id"])) == [("id",)]


def test_a_field_named_like_a_word_of_the_language_is_quoted() -> None:
    assert coql.select(("id", "Group", "Order_No"), "Accounts", coql.ALL, 5) == (
        "select id, 'Group', Order_No from Accounts where id is not null order by id asc limit 5"
    )


def test_conditions_are_joined_two_by_two() -> None:
    assert coql.both(coql.ALL, coql.after(None)) == "id is not null"
    assert coql.both(coql.ALL, coql.after("7")) == "id > '7'"
    changed = "Modified_Time >= 'x'"
    assert coql.both(changed, coql.both(coql.after("7"), "id <= '9'")) == (
        "(Modified_Time >= 'x') and ((id > '7') and (id <= '9'))"
    )
