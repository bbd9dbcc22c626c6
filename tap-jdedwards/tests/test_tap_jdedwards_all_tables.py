"""All tables of the dictionary, odd values included, against what lies in the database, read there by SQL alone."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator
from service_emulators.testing import start_jde
from tap_jdedwards.dictionary import Kind, load_dictionary
from tap_jdedwards.tap import TapJDEdwards

DICTIONARY = load_dictionary()
TABLES = sorted(DICTIONARY.tables)
BLANK = " \0"
HABITS = {
    "as they come": {},
    "trailing blanks, null dates, small pages": {"trailing_blanks": True, "null_dates": True, "fetch_cap": 130},
}


@pytest.fixture(scope="module")
def company():
    with start_jde(customers=60, contacts=80, documents=40, odd=True, seed=9) as emulator:
        yield emulator


@pytest.fixture(scope="module", params=HABITS)
def loaded(company, runner_of, request):
    """What the tap writes of all tables, once for each habit of the server."""
    company.control.switch(**HABITS[request.param])
    output = runner_of(company)(tables=TABLES, max_concurrency=4)
    assert output.failures == {}
    return output


def as_json(column, stored, *, in_key):
    """What JDE's stored form of a value means, worked out here and nowhere else."""
    kind = DICTIONARY.kinds.get(column.alias)
    if column.kind == "date":
        if not stored:
            return "1900-01-01" if in_key else None
        year, day = divmod(stored, 1000)
        return (date(1900 + year, 1, 1) + timedelta(days=day - 1)).isoformat()
    if column.is_text:
        text = None if stored is None else stored.rstrip(BLANK).replace("\0", "")
        if in_key:
            return text or ""
        return (text or None) if kind is Kind.CHARACTER else text
    if stored is None:
        return None
    if column.kind == "time" and kind is Kind.TIME:
        hours, minutes, seconds = stored // 10000, stored // 100 % 100, stored % 100
        valid = stored >= 0 and hours < 24 and minutes < 60 and seconds < 60
        return f"{hours:02}:{minutes:02}:{seconds:02}" if valid else None
    return Decimal(stored).scaleb(-column.decimals) if column.decimals else stored


def truth(store, name):
    table, _ = store.table(name)
    columns = list(table.columns.values())
    names = ", ".join(column.name for column in columns)
    with store.engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT {names} FROM {name}")).all()
    return [
        {
            column.alias: as_json(column, value, in_key=column.alias in table.key)
            for column, value in zip(columns, row, strict=True)
        }
        for row in rows
    ]


def by_key(records, key):
    found = {tuple(record[alias] for alias in key): record for record in records}
    assert len(found) == len(records), "a key came twice"
    return found


@pytest.mark.parametrize("table", TABLES)
def test_every_row_equals_what_lies_in_the_database(company, loaded, table):
    key = DICTIONARY.tables[table].key
    assert len(loaded.records[table]) > 150
    there = [{alias: as_decoded(value) for alias, value in row.items()} for row in truth(company.store, table)]
    assert by_key(loaded.records[table], key) == by_key(there, key)


def as_decoded(value):
    """A fraction as JSON decoders give it; every digit is looked at in a test of its own."""
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("table", TABLES)
def test_every_record_is_valid_against_its_schema_which_describes_every_column(loaded, table):
    schema = loaded.schemas[table]["schema"]
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for record in loaded.records[table]:
        validator.validate(record)
        assert set(record) == set(schema["properties"])
    assert all(column["description"] for column in schema["properties"].values())
    assert loaded.schemas[table]["key_properties"] == list(DICTIONARY.tables[table].key)


def test_a_second_run_reads_only_what_is_in_the_overlap_or_has_no_date(company, runner_of):
    first = runner_of(company)(tables=TABLES)
    second = runner_of(company)(tables=TABLES, state=first.state)
    assert second.failures == {}
    for table in TABLES:
        key = DICTIONARY.tables[table].key
        changed = by_key(second.records[table], key)
        assert changed.items() <= by_key(first.records[table], key).items()
        undated = [record for record in first.records[table] if not record["UPMJ"]]
        assert undated
        assert by_key(undated, key).keys() <= changed.keys()


def test_numbers_keep_every_digit(company, runner_of, capfdbinary):
    tap = TapJDEdwards(config=runner_of(company).config(tables=["F0911"]))
    tap.run()
    lines = [json.loads(line, parse_float=Decimal) for line in capfdbinary.readouterr().out.splitlines()]
    records = [line["record"] for line in lines if line["type"] == "RECORD"]
    key = DICTIONARY.tables["F0911"].key
    assert by_key(records, key) == by_key(truth(company.store, "F0911"), key)
    assert all(
        type(record[alias]) is int for record in records for alias in ("DOC", "AN8") if record[alias] is not None
    )
    assert max(record["AA"] for record in records if record["AA"] is not None) == Decimal("9999999999999.99")
