"""The quick way through a page against the thorough one."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jde_ais import parsing
from jde_ais.errors import AisError
from jde_ais.faults import TransientFault
from jde_ais.parsing import parse_page

VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False)
)
KEYS = st.sampled_from(
    ["F0101_AN8", "F0101_ALPH", "F0116_AN8", "F0101_55X", "F0101__x", "F0101_None", "AN8", "X_Y_Z", "é"]
)


def answer(rows, columns, **changes):
    grid = {"columns": dict.fromkeys(columns, "Title"), "rowset": rows, "summary": {"records": 1, "moreRecords": True}}
    form = {"data": {"gridData": grid}, "errors": [], "warnings": []}
    body = {"fs_DATABROWSE_F0101": form, "timeStamp": "2025-06-30:17.31.06", "sysErrors": [], "links": []}
    return json.dumps({**body, **changes}).encode()


def read(content):
    try:
        return parse_page(content, "F0101", "token", "read of F0101", str)
    except (AisError, TransientFault) as error:
        return type(error), str(error)


def outcome(content):
    page = read(content)
    # 5 and Decimal(5) are equal and yet different.
    return (page, [{name: type(value) for name, value in row.items()} for row in getattr(page, "rows", [])])


def thoroughly(content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "envelope", lambda content, table: None)
        return outcome(content)


@given(st.lists(KEYS, max_size=4, unique=True), st.data())
def test_both_ways_read_the_same(columns, data):
    alike = st.fixed_dictionaries(dict.fromkeys(columns, VALUES))
    odd = st.dictionaries(KEYS, VALUES, max_size=4)
    rows = data.draw(st.lists(alike, max_size=4) | st.lists(alike | odd, max_size=4))
    content = answer(rows, columns)
    assert outcome(content) == thoroughly(content)


@given(st.data())
def test_damage_is_told_the_same_way_unless_it_lies_in_what_nobody_reads(data):
    content = answer([{"F0101_AN8": 1, "F0101_ALPH": "ä"}], ["F0101_AN8", "F0101_ALPH"])
    start = data.draw(st.integers(0, len(content)))
    damage = data.draw(st.binary(max_size=2))
    damaged = content[:start] + damage + content[start + data.draw(st.integers(0, 3)) :]
    assert outcome(damaged) in (thoroughly(damaged), outcome(content))


@pytest.mark.parametrize(
    "changes",
    [
        {"sysErrors": [{"TITLE": "broken", "DESC": "broken"}]},
        {"fs_DATABROWSE_F0101": None},
        {"fs_DATABROWSE_F0101": {"errors": [{"TITLE": "no"}], "data": {"gridData": {"columns": {}, "rowset": []}}}},
        {"links": None, "timeStamp": 5},
        {"links": [{"rel": "next", "href": "http://x/jderest/next?token=t"}]},
    ],
)
def test_what_is_around_the_rows_is_read_the_same_way(changes):
    content = answer([{"F0101_AN8": 1}], ["F0101_AN8"], **changes)
    assert outcome(content) == thoroughly(content)


def test_a_page_as_it_should_be_takes_the_quick_way(monkeypatch):
    monkeypatch.setattr(parsing, "json_object", None)
    content = answer([{"F0101_AN8": 1, "F0101_ACL": 0.1}], ["F0101_AN8", "F0101_ACL"])
    assert read(content).rows == [{"AN8": 1, "ACL": Decimal("0.1")}]


def test_more_digits_than_a_float_has_are_kept():
    content = answer([], ["F0101_ACL"]).replace(
        b'"rowset": []', b'"rowset": [{"F0101_ACL": 1234567890123456789.012345}]'
    )
    assert read(content).rows == [{"ACL": Decimal("1234567890123456789.012345")}]
