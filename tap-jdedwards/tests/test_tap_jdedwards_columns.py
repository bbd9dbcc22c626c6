from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_jdedwards.columns import TableColumn, plain_records, position, to_records
from tap_jdedwards.dictionary import Kind

COLUMNS = [
    TableColumn("AN8", "Address Number", Kind.WHOLE, in_key=True),
    TableColumn("LOCN", "Location", Kind.STRING, in_key=True),
    TableColumn("ALPH", "Alpha Name", Kind.STRING),
    TableColumn("SBLI", "Inactive", Kind.CHARACTER),
    TableColumn("ACL", "Credit Limit", Kind.NUMBER),
    TableColumn("UPMJ", "Date Updated", Kind.DATE),
    TableColumn("UPMT", "Time Updated", Kind.TIME),
]


def test_values():
    rows = [
        {
            "AN8": Decimal("7.00"),
            "LOCN": "   ",
            "ALPH": " x  ",
            "SBLI": " ",
            "ACL": Decimal("1.10"),
            "UPMJ": "20250630",
        },
        {"AN8": 8, "LOCN": None, "ALPH": "", "SBLI": "Y", "ACL": None, "UPMJ": " ", "UPMT": 93005, "OTHER": 1},
        {"AN8": 9, "LOCN": "A1 ", "ALPH": None, "UPMJ": None, "UPMT": 246_060},
    ]
    first, second, third = to_records(rows, COLUMNS)
    assert first == {
        "AN8": 7, "LOCN": "", "ALPH": " x", "SBLI": None, "ACL": Decimal("1.10"), "UPMJ": "2025-06-30", "UPMT": None,
    }  # fmt: skip
    assert isinstance(first["AN8"], int)
    assert second == {
        "AN8": 8, "LOCN": "", "ALPH": "", "SBLI": "Y", "ACL": None, "UPMJ": None, "UPMT": "09:30:05",
    }  # fmt: skip
    assert third["ALPH"] is None
    assert third["UPMT"] is None


def test_a_malformed_date_is_told_with_its_column():
    with pytest.raises(ValueError, match=r"column UPMJ: .*125181"):
        to_records([{"UPMJ": "125181"}], COLUMNS)


def test_schemas():
    schemas = {column.alias: column.schema() for column in COLUMNS}
    assert schemas["AN8"] == {"type": ["integer"], "description": "Address Number"}
    assert schemas["ACL"]["type"] == ["number", "null"]
    assert schemas["UPMJ"] == {"type": ["string", "null"], "format": "date", "description": "Date Updated"}
    assert "HH:MM:SS" in schemas["UPMT"]["description"]


def test_positions_are_fit_for_a_state_file():
    kinds = {column.alias: column.kind for column in COLUMNS}
    row = {"AN8": 7, "LOCN": " A  ", "ACL": Decimal("1.5"), "UPMJ": "20250630"}
    assert position(row, ["AN8", "LOCN", "ACL", "UPMJ"], kinds) == (7, " A  ", "1.5", "2025-06-30")


def json_values():
    numbers = st.integers(-(10**30), 10**30) | st.decimals(allow_nan=False, allow_infinity=False)
    texts = st.text(max_size=12) | st.sampled_from(["", " ", "  x ", "a\x00", "\x00", "20250630", "20251301", "93005 "])
    return st.none() | st.booleans() | numbers | texts | st.sampled_from([0, 93005, 246060, Decimal("5.0"), 20250630])


FITTING = {
    Kind.STRING: st.none() | st.text(max_size=9) | st.sampled_from([" ", "x  ", "\x00"]),
    Kind.CHARACTER: st.none() | st.sampled_from(["", " ", "Y", "\x00", "Y "]),
    Kind.WHOLE: st.none() | st.integers() | st.decimals(-(10**9), 10**9),
    Kind.NUMBER: st.none() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False),
    Kind.DATE: st.none()
    | st.sampled_from(["", "        "])
    | st.dates().map(lambda day: f"{day:%Y%m%d}".rjust(8, "0")),
    Kind.TIME: st.none() | st.integers(-1, 300_000) | st.times().map(lambda time: int(f"{time:%H%M%S}")),
}


@st.composite
def tables(draw, fitting):
    """Columns and rows of them; fitting ones hold what their column should hold, others anything."""
    names = draw(st.lists(st.text(min_size=1, max_size=6) | st.just("AN8"), min_size=1, max_size=6, unique=True))
    columns = [TableColumn(name, "", draw(st.sampled_from(Kind)), draw(st.booleans())) for name in names]
    row = st.fixed_dictionaries(
        {column.alias: FITTING[column.kind] for column in columns if draw(st.integers(0, 9))} if fitting else {},
        optional={} if fitting else {column.alias: json_values() for column in columns},
    )
    return columns, draw(st.lists(row, max_size=5))


def outcome(convert, *arguments):
    """What comes out, types included: 5 and Decimal(5) are equal and yet written differently."""
    try:
        return [[(name, type(value), value) for name, value in record.items()] for record in convert(*arguments)]
    except (TypeError, ValueError) as error:
        return str(error)


@given(tables(fitting=True) | tables(fitting=False))
def test_the_quick_way_gives_what_the_plain_way_gives(table):
    columns, rows = table
    before = repr(rows)
    assert outcome(to_records, rows, columns) == outcome(plain_records, rows, columns)
    assert repr(rows) == before


def test_fitting_rows_take_the_quick_way(monkeypatch):
    monkeypatch.setattr("tap_jdedwards.columns.plain_records", None)
    row = {"AN8": 7, "LOCN": " A ", "ALPH": "x", "SBLI": None, "UPMJ": "20250630", "UPMT": 93005}
    (record,) = to_records([row], COLUMNS)
    assert record == {
        "AN8": 7, "LOCN": " A", "ALPH": "x", "SBLI": None, "ACL": None, "UPMJ": "2025-06-30", "UPMT": "09:30:05",
    }  # fmt: skip


@pytest.mark.parametrize("value", [Decimal("7.00"), None, 5])
def test_text_and_numbers_of_another_type_cost_only_speed(value):
    assert to_records([{"ALPH": value, "AN8": "x"}], COLUMNS[:3]) == plain_records(
        [{"ALPH": value, "AN8": "x"}], COLUMNS[:3]
    )


def test_all_times_of_a_day_and_what_lies_between():
    column = [TableColumn("UPMT", "Time", Kind.TIME)]
    rows = [{"UPMT": number} for number in range(-10, 250_000)]
    assert to_records(rows, column) == plain_records(rows, column)
