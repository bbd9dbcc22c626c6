from __future__ import annotations

from decimal import Decimal

import pytest
from tap_jdedwards.columns import TableColumn, position, to_records
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
