"""A date of a key is never null, since databases refuse that: an empty one has a value, the same everywhere."""

from __future__ import annotations

import pytest
from service_emulators.testing import start_jde

EMPTY = "1900-01-01"
NUMBER = 1004


@pytest.fixture
def undated(jde):
    """A company with an address and a ledger line whose key dates are empty."""
    jde.control.set_clock(now="2026-11-20T09:00:00")
    address = jde.control.rows("F0116", {"AN8": NUMBER})[0]
    jde.control.insert_rows("F0116", [{**address, "EFTB": "", "CTY1": "Nowhen"}])
    line = {"DOC": 7, "DCT": "JE", "KCO": "00001", "DGJ": "", "JELN": 1, "LT": "AA", "EXTL": ""}
    jde.control.insert_rows("F0911", [line, {**line, "DOC": 8, "DGJ": "2026-11-19"}])
    return jde


def marks(output, stream):
    """Keys of the records with the moment of their deletion."""
    at = (record["_sdc_deleted_at"] for record in output.records[stream])
    return list(zip(output.keys(stream), at, strict=True))


@pytest.mark.parametrize("null_dates", [False, True])
def test_tables_and_documents_hold_it(undated, run, null_dates):
    undated.control.switch(null_dates=null_dates)
    output = run(tables=["F0116", "F0911"], streams=["gl_postings", "customers"])
    assert (NUMBER, EMPTY) in output.keys("F0116")
    assert output.keys("gl_postings")[:1] == [(7, "JE", "00001", EMPTY, 1, "AA", "")]
    for stream, schema in output.schemas.items():
        for name in schema["key_properties"]:
            assert "null" not in schema["schema"]["properties"][name]["type"], (stream, name)
        assert not any(part is None for key in output.keys(stream) for part in key)
    others = {name for name, one in output.schemas["F0911"]["schema"]["properties"].items() if one.get("format")}
    others -= {"DGJ", "UPMJ"}
    assert {record[name] for record in output.records["F0911"] for name in others} == {None}  # null elsewhere


@pytest.mark.parametrize("after", [1, 6, 7, 8])
def test_a_first_load_goes_on_behind_it(undated, run, after):
    whole = run(tables=["F0116"]).keys("F0116")
    place = whole.index((NUMBER, EMPTY)) + after - 6
    cut = run(tables=["F0116"], page_size=1, die_after=place)
    rest = run(tables=["F0116"], state=cut.state)
    assert list(dict.fromkeys([*cut.keys("F0116"), *rest.keys("F0116")])) == whole


@pytest.mark.parametrize("stream", ["F0116", "F0911", "gl_postings"])
def test_deletions_and_rows_that_come_back_tell_the_same_key(undated, run, tmp_path, stream):
    table, date = ("F0116", "EFTB") if stream == "F0116" else ("F0911", "DGJ")
    settings = {
        "tables": [table],
        "streams": ["gl_postings"],
        "detect_deletes": "keys",
        "keys_path": str(tmp_path),
        "detect_deletes_in": [stream],
        "overlap_minutes": 0,
    }
    first = run(**settings)
    (key,) = [key for key in first.keys(stream) if EMPTY in key]
    row = next(row for row in undated.control.rows(table) if not row[date])
    where = {"AN8": NUMBER, "CTY1": "Nowhen"} if table == "F0116" else {"DOC": 7}
    undated.control.set_clock(now="2026-11-20T11:00:00")
    assert undated.control.delete_rows(table, where) == 1
    second = run(state=first.state, **settings)
    assert [told for told, at in marks(second, stream) if at] == [key]
    undated.control.insert_rows(table, [{**row, date: "", "UPMJ": "2025-01-01", "UPMT": 1}], stamp=False)
    third = run(state=second.state, **settings)
    assert (key, None) in marks(third, stream)
    assert not any(at for _, at in marks(third, stream))
    assert key not in run(state=third.state, **settings).keys(stream)


def test_such_rows_are_valid_where_every_table_has_some(runner_of):
    with start_jde(customers=3, contacts=3, odd=True, seed=3) as emulator:
        output = runner_of(emulator)(tables=["F0116"])
        assert EMPTY in {key[1] for key in output.keys("F0116")}
