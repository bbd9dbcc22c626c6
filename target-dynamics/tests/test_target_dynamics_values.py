from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.engine.diff import same
from sync_ledger.engine.validate import normalise
from target_dynamics import queries, results, values
from target_dynamics.chunks import GOOD, ChunkSize
from target_dynamics_metadata import fields

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from target_dynamics.fields import Column

FIELDS = fields()
ID = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"


def path_of(column: Column, row: str) -> str:
    return f"{column.table or column.kind}({row})"


def sent(**given_values: t.Any) -> dict[str, t.Any]:
    return values.body(FIELDS, given_values, path_of)


@pytest.mark.parametrize(
    ("name", "value", "wire"),
    [
        ("name", "Acme", {"name": "Acme"}),
        ("name", None, {"name": None}),
        ("creditlimit", 100.25, {"creditlimit": 100.25}),
        ("creditonhold", False, {"creditonhold": False}),
        ("jde_flags", [1, 10, 3], {"jde_flags": "1,10,3"}),
        ("jde_flags", None, {"jde_flags": None}),
        ("parentaccountid", ID, {"ParentAccount@odata.bind": f"/account({ID})"}),
        ("parentaccountid", None, {"ParentAccount@odata.bind": None}),
        ("parentcustomerid_contact", ID, {"parentcustomerid_contact@odata.bind": f"/contact({ID})"}),
        ("ownerid", ID, {"ownerid@odata.bind": f"/Owner({ID})"}),
    ],
)
def test_a_value_goes_out_in_the_form_of_its_type(name: str, value: object, wire: Mapping[str, t.Any]) -> None:
    assert sent(**{name: value}) == wire


def test_a_lookup_given_for_one_table_is_not_emptied_for_another() -> None:
    assert sent(parentcustomerid_account=ID, parentcustomerid_contact=None) == {
        "parentcustomerid_account@odata.bind": f"/account({ID})"
    }
    assert sent(parentcustomerid_account=None, parentcustomerid_contact=None) in (
        {"parentcustomerid_account@odata.bind": None},
        {"parentcustomerid_contact@odata.bind": None},
    )


def test_a_lookup_to_several_tables_is_read_as_the_one_it_points_to() -> None:
    row = {"_parentcustomerid_value": ID.upper(), f"_parentcustomerid_value{values.LOOKUP_TABLE}": "account"}
    assert values.record_values(FIELDS, row) == {"parentcustomerid_account": ID, "parentcustomerid_contact": None}


TOO_LONG = (
    "A validation error occurred.  The length of the 'name' attribute of the 'account' entity exceeded the maximum"
    " allowed length of '160'."
)

ROWS: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
    ({"name": "Acme  "}, {"name": "Acme"}),
    ({"description": "a\r\nb\r"}, {"description": "a\nb"}),
    ({"creditlimit": "100.255"}, {"creditlimit": 100.26}),
    ({"creditlimit": 100.10}, {"creditlimit": 100.1000}),
    ({"creditlimit": 100}, {"creditlimit": 100.0}),
    ({"creditonhold": True}, {"creditonhold": True}),
    ({"paymenttermscode": "Net 30"}, {"paymenttermscode": 1}),
    ({"jde_flags": ["C", "A", "B"]}, {"jde_flags": "3,10,1"}),
    ({"jde_since": "2026-01-09T00:00:00"}, {"jde_since": "2026-01-09"}),
    ({"jde_seen": "2026-01-09T15:05:00+01:00"}, {"jde_seen": "2026-01-09T14:05:00Z"}),
    ({"name": ""}, {"name": None}),
]


@pytest.mark.parametrize(("row", "stored"), ROWS)
def test_a_stored_row_is_recognised_as_unchanged(row: dict[str, t.Any], stored: dict[str, t.Any]) -> None:
    wanted = normalise(FIELDS.description, row)
    found = values.record_values(FIELDS, stored)
    assert all(same(found[name], value) for name, value in wanted.items()), (wanted, found)


_amounts = st.floats(0, 1e9).map(lambda one: round(one, 4))
_payloads = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20),
        "description": st.text(st.sampled_from("ab \r\n"), max_size=10),
        "creditlimit": _amounts,
        "numberofemployees": st.integers(0, 10**9),
        "creditonhold": st.booleans(),
        "paymenttermscode": st.sampled_from(["Net 30", 2, "1"]),
        "jde_flags": st.lists(st.sampled_from(["A", "B", 10]), unique_by=str),
        "jde_since": st.dates(datetime(1753, 1, 1).date()).map(str),
        "jde_seen": st.datetimes(datetime(1753, 1, 2), timezones=st.just(timezone.utc)),
    },
)


@given(_payloads)
def test_what_is_written_reads_back_as_what_was_wanted(payload: dict[str, t.Any]) -> None:
    wanted = normalise(FIELDS.description, payload)
    found = values.record_values(FIELDS, values.body(FIELDS, wanted, path_of))
    assert all(same(found[name], value) for name, value in wanted.items()), (wanted, found)


@pytest.mark.parametrize(
    ("record", "made", "after"),
    [
        ({"name": "x"}, {"name": "x"}, {}),
        ({"name": "x", "statecode": 0}, {"name": "x"}, {}),
        ({"name": "x", "statecode": 1}, {"name": "x"}, {"statecode": 1, "statuscode": 2}),
        ({"name": "x", "statuscode": 3}, {"name": "x"}, {"statecode": 1, "statuscode": 3}),
        ({"name": "x", "statuscode": 1}, {"name": "x", "statuscode": 1}, {}),
        ({"name": "x", "statecode": 1, "statuscode": 3}, {"name": "x"}, {"statecode": 1, "statuscode": 3}),
    ],
)
def test_a_state_is_set_once_the_row_is_made(record: dict, made: dict, after: dict) -> None:
    assert values.without_state(FIELDS, record) == (made, after)


def test_a_state_goes_with_a_status() -> None:
    assert values.with_status(FIELDS, {"statecode": 1}) == {"statecode": 1, "statuscode": 2}
    assert values.with_status(FIELDS, {"statuscode": 3}) == {"statecode": 1, "statuscode": 3}
    assert values.with_status(FIELDS, {"name": "x"}) == {"name": "x"}


@pytest.mark.parametrize(
    ("action", "status", "code", "text", "result", "field"),
    [
        ("create", 400, "0x80044331", TOO_LONG, Result.REJECTED, "name"),
        ("create", 404, "0x80040217", f"account With Id = {OTHER} Does Not Exist", Result.REJECTED, "parentaccountid"),
        ("update", 404, "0x80040217", f"account With Id = {OTHER} Does Not Exist", Result.REJECTED, "parentaccountid"),
        ("update", 404, "0x80040217", f"account With Id = {ID} Does Not Exist", Result.GONE, None),
        ("delete", 404, "404", "", Result.GONE, None),
        ("create", 429, "0x80072322", "Number of requests exceeded the limit", Result.UNSENT, None),
        ("update", 412, "0x80060882", "The version does not match", Result.POSTPONED, None),
        ("update", 500, "0x80040216", "An unexpected error occurred.", Result.UNKNOWN, None),
        ("create", 400, "0x80040216", "An unexpected error occurred.", Result.REJECTED, None),
        ("create", 503, "503", "", Result.UNKNOWN, None),
        ("create", 500, "0x80040333", "A duplicate exists", Result.REJECTED, None),
        ("delete", 405, "0x80040227", "referenced by others", Result.REJECTED, None),
    ],
)  # fmt: skip
def test_a_refusal_is_read_by_its_code(
    action: str, status: int, code: str, text: str, result: Result, field: str | None
) -> None:
    operation = Operation(Action(action), "1", {}, None if action == "create" else ID)
    record = {"ParentAccount@odata.bind": f"/accounts({OTHER})", "name": "x"}
    found = results.refused(FIELDS, operation, status, code, text, record)
    assert (found.result, found.field) == (result, field)


def test_a_duplicate_names_the_rows_it_doubles_and_what_helps() -> None:
    text = f"A record was not created or updated because a duplicate of the current record already exists: {OTHER}."
    found = results.refused(FIELDS, Operation(Action.UPDATE, "1", {}, ID), 412, "0x80040333", f"{text} {ID}", {})
    assert found.candidates == (OTHER,)
    assert "duplicate_detection" in (found.text or "")


def test_the_id_of_a_new_row_is_in_a_header() -> None:
    address = f"https://org.api.crm.dynamics.com/api/data/v9.2/accounts({ID.upper()})"
    assert results.made({"OData-EntityId": address}) == ID
    assert results.made({"OData-EntityId": "https://x/accounts(jde_number='1')"}) is None
    assert results.made({}) is None


@given(st.lists(st.text(min_size=1, max_size=30), max_size=40), st.integers(50, 400))
def test_values_are_cut_into_queries_that_fit(given_values: list[str], room: int) -> None:
    parts = list(queries.groups(given_values, room))
    assert [value for part in parts for value in part] == given_values
    for part in parts:
        length = len(queries.quote("".join(queries.text(value) + "," for value in part), safe=""))
        assert length <= room or len(part) == 1


def test_quotes_are_doubled_and_moments_are_whole_seconds_of_utc() -> None:
    assert queries.within("name", ["O'Neil", "b"]) == (
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['O''Neil','b'])"
    )
    moment = datetime(2026, 1, 9, 1, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert queries.since("modifiedon", moment) == "modifiedon ge 2026-01-08T23:00:00Z"


def test_chunks_halve_when_there_was_too_much_and_grow_again() -> None:
    chunk = ChunkSize(500, seconds=120)
    chunk.was_too_much(500)
    assert chunk.rows == 250
    chunk.went_well(250, 61)
    assert chunk.rows == 125
    for _ in range(GOOD):
        chunk.went_well(125, 1)
    assert chunk.rows == 250
    for _ in range(GOOD):
        chunk.went_well(100, 1)
    assert chunk.rows == 250, "a chunk that was not full says nothing of larger ones"


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 500), st.floats(0, 120))))
def test_a_chunk_never_has_less_than_one_row_or_more_than_set(steps: list[tuple[bool, int, float]]) -> None:
    chunk = ChunkSize(500, seconds=120)
    for good, rows, seconds in steps:
        if good:
            chunk.went_well(min(rows, chunk.rows), seconds)
        else:
            chunk.was_too_much(min(rows, chunk.rows))
        assert 1 <= chunk.rows <= 500
