from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib import RecordMessage
from tap_jdedwards.writer import StdoutWriter, format_batch

TEXTS = st.text() | st.sampled_from(['"', "\\", "\n", "\r\n", "\u2028", "\x00", '{"record":{}}', "null", "ä€😀"])
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.just(Decimal("1250.50"))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=5), max_size=4)
TIMES = st.datetimes(timezones=st.just(timezone.utc))


def one_by_one(stream, records, version, time):
    writer = StdoutWriter()
    messages = [RecordMessage(stream, record, version=version, time_extracted=time) for record in records]
    return b"".join(bytes(writer.format_message(message)) for message in messages)


def test_no_nul_character_leaves_the_tap_and_nothing_else_is_lost():
    now = datetime.now(timezone.utc)
    inner = {"list": ["\x00", {"deep": "a\x00\x00b"}], "none": None, "number": 5}
    records = [{"AN8": 1, "ALPH": "NUL\x00inside"}, {"spelled": "\\u0000 and \\\\u0000"}, inner]
    (first, second, third) = map(
        json.loads, format_batch("F0101", records, version=None, time_extracted=now).splitlines()
    )
    assert first["record"] == {"AN8": 1, "ALPH": "NULinside"}
    assert second["record"] == records[1]
    assert third["record"] == {"list": ["", {"deep": "ab"}], "none": None, "number": 5}
    assert inner["list"][1]["deep"] == "a\x00\x00b"
    assert format_batch("F0101", records, version=None, time_extracted=now) == one_by_one("F0101", records, None, now)


@given(TEXTS, RECORDS, st.none() | st.integers(0, 2**53), TIMES)
def test_a_batch_is_byte_by_byte_what_the_writer_makes_of_its_records(stream, records, version, time):
    batch = format_batch(stream, records, version=version, time_extracted=time)
    assert batch == one_by_one(stream, records, version, time)


def test_numbers_keep_every_digit():
    exact = [10**40, Decimal("0.1"), Decimal("1250.50"), Decimal("-123456789012345678901234567890.123456789")]
    now = datetime.now(timezone.utc)
    line = format_batch("F0911", [{"AA": exact}], version=None, time_extracted=now)
    assert json.loads(line, parse_float=Decimal)["record"]["AA"] == exact
