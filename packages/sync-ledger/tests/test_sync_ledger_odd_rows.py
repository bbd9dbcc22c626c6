"""Rows no database or service likes: each is held, none ends the run, on both databases."""

from __future__ import annotations

import decimal
import io
import json
import random
import string
import typing as t

import pytest
from fake_destination import FakeDestination
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.history import History
from test_sync_ledger_target import FakeTarget, record, schema

LONG = "".join(random.Random(1).choices(string.ascii_letters, k=5000))


class Bench:
    def __init__(self, url: str) -> None:
        self.url = url
        self.account = FakeTarget.account = FakeDestination()

    def feed(self, *messages: dict[str, t.Any] | str) -> int:
        target = FakeTarget(config={"ledger_url": self.url}, validate_config=True)
        lines = (message if isinstance(message, str) else json.dumps(message) for message in messages)
        return target.run(io.StringIO("".join(f"{line}\n" for line in lines)))

    def history(self) -> tuple[dict[str, int], list[dict[str, t.Any]]]:
        """Return the outcomes of the last run and the rows that wait."""
        engine = open_engine(self.url)
        try:
            return History(engine).runs()[-1]["outcomes"], History(engine).open_rows()
        finally:
            engine.dispose()


@pytest.fixture
def bench(ledger_url: str) -> Bench:
    return Bench(ledger_url)


@pytest.mark.parametrize(
    ("external_id", "reason"),
    [
        ("a\0b", "wrong_type"),
        ("a\nb", "wrong_type"),
        ("x" * 256, "too_long"),
        (LONG, "too_long"),
        ("   ", "missing_key"),
        (True, "missing_key"),
        ({"a": 1}, "missing_key"),
        ([1], "missing_key"),
    ],
    ids=str,
)
def test_an_external_id_that_cannot_be_kept_is_held(bench: Bench, external_id: t.Any, reason: str) -> None:
    organizations = bench.account.adapters["organizations"]
    row = record("organizations", id=external_id, name="x")
    assert bench.feed(schema("organizations"), row, record("organizations", id="2", name="y")) == 0
    outcomes, (waiting,) = bench.history()
    assert outcomes == {"created": 1, "held": 1}
    assert waiting["reason"] == reason
    assert len(organizations.records) == 1
    # The same row again takes the place of the first: it does not pile up.
    assert bench.feed(schema("organizations"), row) == 0
    assert len(bench.history()[1]) == 1


@pytest.mark.parametrize(("given", "kept"), [(" 7 ", "7"), ("007", "007"), (7, "7"), ("Ä-漢 🚀'\"", "Ä-漢 🚀'\"")])
def test_an_external_id_is_kept_as_it_is_but_for_blanks_around_it(bench: Bench, given: t.Any, kept: str) -> None:
    bench.feed(schema("organizations"), record("organizations", id=given, name="x"))
    assert [one["JDE Number"] for one in bench.account.adapters["organizations"].records.values()] == [kept]


def test_a_whole_number_with_a_decimal_point_is_the_same_key(bench: Bench) -> None:
    line = '{"type":"RECORD","stream":"organizations","record":{"id":7.0,"name":"x"}}'
    bench.feed(schema("organizations"), line, record("organizations", id=7, name="y"))
    assert [one["JDE Number"] for one in bench.account.adapters["organizations"].records.values()] == ["7"]


@pytest.mark.parametrize(
    "values",
    [
        '"name":"a\\u0000b"',
        '"address":{"value":"a\\u0000b"}',
        '"Credit Limit":1e400',
        '"Credit Limit":1e999999999',
        '"address":{"value":1e999999999}',
        '"Credit Limit":"NaN"',
        f'"{"Q" * 400}":1',
        '"Q\\u0000":1',
        '"Twin":"which"',
    ],
    ids=lambda text: text[:25],
)
def test_a_value_that_cannot_be_kept_is_held(bench: Bench, values: str) -> None:
    line = f'{{"type":"RECORD","stream":"organizations","record":{{"id":"1","name":"x",{values}}}}}'
    assert bench.feed(schema("organizations"), line, record("organizations", id="2", name="y")) == 0
    outcomes, (waiting,) = bench.history()
    assert outcomes == {"created": 1, "held": 1}
    assert waiting["external_id"] == "1"


@pytest.mark.parametrize(
    ("values", "field", "external_id"),
    [
        ('"id":"1","name":"a\\ud83d"', "name", "1"),
        ('"id":"1","name":"x","address":{"value":["\\ude00"]}', "address", "1"),
        ('"id":"1","name":"x","q\\ud83d":1', "q\ufffd", "1"),
        ('"id":"1\\ud83d","name":"x"', "id", "1\\ud83d"),
    ],
    ids=["text", "part", "name", "key"],
)
def test_half_a_character_holds_its_row_alone(bench: Bench, values: str, field: str, external_id: str) -> None:
    line = f'{{"type":"RECORD","stream":"organizations","record":{{{values}}}}}'
    before, after = record("organizations", id="1", name="old"), record("organizations", id="2", name="y")
    assert bench.feed(schema("organizations"), before, line, after) == 0
    outcomes, (waiting,) = bench.history()
    assert outcomes["held"] == 1
    assert (waiting["reason"], waiting["field"], waiting["external_id"]) == ("wrong_type", field, external_id)
    assert "half of a character" in waiting["text"]
    assert "2" in {one["JDE Number"] for one in bench.account.adapters["organizations"].records.values()}


def test_half_a_character_in_what_is_no_field_harms_nobody(bench: Bench) -> None:
    line = '{"type":"RECORD","stream":"organizations","record":{"id":"1","name":"x","_sdc_x":"\\ud83d"}}'
    assert bench.feed(schema("organizations"), line) == 0
    assert bench.history() == ({"created": 1}, [])


def test_half_a_character_in_a_row_that_a_mapper_could_not_map_is_held(bench: Bench) -> None:
    values = '"stream":"organizations","key":"{\\"id\\":\\"\\ud83d\\"}","record":{"n":"\\ud83d"},"field":"n"'
    line = f'{{"type":"RECORD","stream":"_unmapped","record":{{{values}}}}}'
    unmapped = {"type": "SCHEMA", "stream": "_unmapped", "schema": {"properties": {"stream": {}}}, "key_properties": []}
    assert bench.feed(schema("organizations"), unmapped, line) == 0
    assert [one["reason"] for one in bench.history()[1]] == ["unmapped"]


def test_whole_numbers_that_need_more_than_64_bits_are_sent_or_held_but_never_fatal(bench: Bench) -> None:
    huge = decimal.Decimal(10) ** 30
    line = f'{{"type":"RECORD","stream":"organizations","record":{{"id":"1","name":"x","address":{{"value":{huge}}}}}}}'
    assert bench.feed(schema("organizations"), line) == 0
    assert bench.history()[0] == {"created": 1}


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"stream": None, "key": None},
        {"stream": "s" * 400, "key": "1", "field": "f" * 400},
        {"stream": "organizations", "key": LONG},
        {"stream": "organizations", "key": '{"a":"\\u0000"}', "reason": "a\0b"},
        {"stream": "organizations", "key": "1", "record": "no object"},
        {"stream": "organizations", "key": "1", "record": [1]},
    ],
    ids=lambda row: str(row)[:25],
)
def test_whatever_a_mapper_says_of_a_row_it_could_not_map_is_held(bench: Bench, row: dict[str, t.Any]) -> None:
    assert bench.feed(schema("_unmapped", []), {"type": "RECORD", "stream": "_unmapped", "record": row}) == 0
    assert bench.history()[0] == {"held": 1}
