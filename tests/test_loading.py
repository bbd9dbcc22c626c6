"""What the tap writes arrives in databases of others: right types, one row a key, also after the second load."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from decimal import Decimal

import pytest
from loads import NO_BLANK_KEY, DuckDb, Extraction, Jsonl, Postgres
from tap_jdedwards.dictionary import load_dictionary

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suite import Suite

TABLES = ["F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401", "F0005"]
pytestmark = pytest.mark.slow


@pytest.fixture
def extraction(suite_of: Callable[..., Suite]) -> Extraction:
    """A company with odd values: null, blank, NUL at the end, and text that is quoted everywhere."""
    suite = suite_of(customers=40, contacts=60)
    jde = suite.jde.control
    jde.update_rows("F0101", {"AN8": 1001}, {"ALPH": "O'Brien \"& Söhne\\", "AT1": " ", "MCU": "         M30"})
    jde.update_rows("F0101", {"AN8": 1002}, {"ALPH": "ends with NUL\x00", "SBLI": "\x00", "UPMT": None})
    jde.update_rows("F03012", {"AN8": 1001}, {"ACL": 1234567890123})
    jde.update_rows("F0101", {"AN8": 1003}, {"URAT": 1234567.89})
    jde.insert_rows("F0005", [{"SY": "55", "RT": "ZZ", "KY": "", "DL01": "blank key"}])
    return Extraction(suite, {"tables": TABLES, "streams": ["customers", "contacts"]})


@pytest.fixture
def postgres(postgresql: str, request: pytest.FixtureRequest) -> Postgres:
    """A schema for each test."""
    return Postgres(postgresql, re.sub(r"\W+", "_", request.node.name))


def truth(extraction: Extraction, table: str) -> list[dict[str, t.Any]]:
    """Return the rows of the emulated database."""
    rows: list[dict[str, t.Any]] = extraction.suite.jde.control.rows(table)
    return rows


def keys(rows: list[dict[str, t.Any]], *names: str) -> list[tuple[str, ...]]:
    """Return the keys of rows as text without blanks around it, sorted, duplicates and all."""
    return sorted(tuple(str(row[name]).strip() for name in names) for row in rows)


def check_rows(extraction: Extraction, loader: Postgres | DuckDb) -> None:
    """Assert that every table has the rows of the emulated database, once each."""
    for table in TABLES:
        key = load_dictionary().tables[table].key
        assert keys(loader.rows(table), *key) == keys(truth(extraction, table), *key), table
    numbers = [number for (number,) in keys(loader.rows("customers"), "address_number")]
    assert numbers == sorted(extraction.suite.customers())


def change(extraction: Extraction) -> None:
    """Change what every kind of stream must notice."""
    jde = extraction.suite.jde.control
    assert jde.update_rows("F0101", {"AN8": 1003}, {"ALPH": "Renamed Ltd"}) == 1
    jde.insert_rows("F0101", [{"AN8": 990001, "ALPH": "New One", "AT1": "C"}])
    jde.update_rows("F0005", {"SY": "55", "RT": "ZZ", "KY": ""}, {"DL01": "blank key, changed"})


def test_types_and_values_in_postgresql(extraction: Extraction, postgres: Postgres) -> None:
    extraction.load(postgres)
    types = postgres.types("F0101")
    expected = {"AN8": "bigint", "ALPH": "text", "AT1": "text", "UPMJ": "date", "UPMT": "text", "URAT": "numeric"}
    assert {name: types[name] for name in expected} == expected
    assert types["_sdc_extracted_at"].startswith("timestamp")
    documents = postgres.types("customers")
    assert (documents["credit_limit"], documents["address"]) == ("numeric", "jsonb")
    rows = {row["AN8"]: row for row in postgres.rows("F0101")}
    for source in truth(extraction, "F0101"):
        row = rows[source["AN8"]]
        assert row["UPMJ"] == (source["UPMJ"] and dt.date.fromisoformat(source["UPMJ"]))
        assert row["ALPH"] == (source["ALPH"] or "").rstrip("\x00 ")
    assert rows[1001]["ALPH"] == "O'Brien \"& Söhne\\"
    assert (rows[1001]["AT1"], rows[1001]["MCU"]) == ("", "         M30")
    assert (rows[1002]["SBLI"], rows[1002]["UPMT"]) == (None, None)
    [credit] = [row["ACL"] for row in postgres.rows("F03012") if (row["AN8"], row["CO"]) == (1001, "00000")]
    assert credit == Decimal("1234567890123")
    assert rows[1003]["URAT"] == Decimal("1234567.89")
    assert {type(row["phones"]) for row in postgres.rows("customers")} == {list}


def test_types_and_values_in_duckdb(extraction: Extraction, tmp_path: Path) -> None:
    duck = DuckDb(tmp_path / "warehouse.duckdb")
    extraction.settings["stream_maps"] = NO_BLANK_KEY
    extraction.load(duck)
    types = duck.types("F0101")
    # It knows no dates: they are ISO text, to be cast where they are wanted as such.
    expected = {"AN8": "HUGEINT", "ALPH": "VARCHAR", "UPMJ": "VARCHAR", "UPMT": "VARCHAR", "URAT": "DOUBLE"}
    assert {name: types[name] for name in expected} == expected
    rows = {row["AN8"]: row for row in duck.rows("F0101")}
    for source in truth(extraction, "F0101"):
        assert rows[source["AN8"]]["UPMJ"] == source["UPMJ"]
    assert rows[1001]["ALPH"] == "O'Brien \"& Söhne\\"
    assert rows[1002]["ALPH"] == "ends with NUL"
    assert rows[1001]["AT1"] is None, "an empty text is null there"


@pytest.mark.parametrize("kind", ["postgresql", "duckdb"])
def test_a_second_load_leaves_one_row_a_key(
    extraction: Extraction, tmp_path: Path, postgres: Postgres, kind: str
) -> None:
    loader: Postgres | DuckDb = postgres
    if kind == "duckdb":
        loader = DuckDb(tmp_path / "warehouse.duckdb")
        extraction.settings["stream_maps"] = NO_BLANK_KEY
    extraction.load(loader)
    check_rows(extraction, loader)
    change(extraction)
    second = extraction.load(loader)
    told = [message for message in second if message["type"] == "RECORD" and message["stream"] == "F0101"]
    assert len(told) < len(truth(extraction, "F0101")), "the second run must be an incremental one"
    check_rows(extraction, loader)
    names = {row["AN8"]: row["ALPH"] for row in loader.rows("F0101")}
    assert (names[1003], names[990001]) == ("Renamed Ltd", "New One")
    [blank] = [row for row in loader.rows("F0005") if (row["SY"], row["RT"]) == ("55", "ZZ")]
    assert (blank["KY"].strip(), blank["DL01"]) == ("", "blank key, changed")


def delete(extraction: Extraction) -> None:
    """Delete a row that only a look at the keys finds, and one of a table that is read whole."""
    jde = extraction.suite.jde.control
    assert jde.delete_rows("F0101", {"AN8": 1004}) == 1
    assert jde.delete_rows("F0401", {"AN8": truth(extraction, "F0401")[0]["AN8"]}) == 1


@pytest.fixture
def watching(extraction: Extraction, tmp_path: Path) -> Extraction:
    """Looks for deletions in F0101; F0401 is read whole each time."""
    extraction.settings = {
        "tables": ["F0101", "F0401"],
        "streams": [],
        "detect_deletes": "keys",
        "keys_path": str(tmp_path / "keys"),
        "replication_columns": {"F0401": ""},
    }
    return extraction


@pytest.mark.parametrize("hard", [False, True], ids=["marked", "dropped"])
def test_deletions_arrive_in_postgresql(watching: Extraction, postgres: Postgres, hard: bool) -> None:
    postgres.hard_delete = hard
    watching.load(postgres)
    delete(watching)
    watching.load(postgres)
    gone = {row["AN8"]: row["_sdc_deleted_at"] for row in postgres.rows("F0101") if row["_sdc_deleted_at"]}
    assert gone.keys() == {1004}, "a deletion told by _sdc_deleted_at is marked either way"
    assert isinstance(gone[1004], dt.datetime)
    suppliers = postgres.rows("F0401")
    left = [row for row in suppliers if row["_sdc_deleted_at"] is None]
    assert keys(left, "AN8") == keys(truth(watching, "F0401"), "AN8")
    assert len(suppliers) == len(left) + (0 if hard else 1), "rows of an older version: marked, or dropped"
    before = watching.state
    watching.load(postgres)
    assert len(postgres.rows("F0101")) == len(truth(watching, "F0101")) + 1
    assert before != watching.state, "the next look at the keys has the next number"


def test_deletions_arrive_in_duckdb(watching: Extraction, tmp_path: Path) -> None:
    duck = DuckDb(tmp_path / "warehouse.duckdb")
    watching.load(duck)
    delete(watching)
    watching.load(duck)
    assert keys(duck.rows("F0101"), "AN8") == keys(truth(watching, "F0101"), "AN8")


def test_files_of_target_jsonl_hold_every_row_and_every_change(extraction: Extraction, tmp_path: Path) -> None:
    files = Jsonl(tmp_path / "jsonl")
    extraction.load(files)
    for table in TABLES:
        assert len(files.rows(table)) == len(truth(extraction, table)), table
    assert {str(row["address_number"]) for row in files.rows("customers")} == extraction.suite.customers()
    change(extraction)
    extraction.load(files)
    latest = {row["AN8"]: row["ALPH"] for row in files.rows("F0101")}
    assert len(latest) == len(truth(extraction, "F0101"))
    assert latest[1003] == "Renamed Ltd"
