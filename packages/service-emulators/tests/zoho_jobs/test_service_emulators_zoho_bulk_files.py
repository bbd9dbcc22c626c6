"""Files of bulk jobs: archives, delimiters, forms, formats of dates."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.zoho.bulk.cells import cell_of, is_format, value_of
from service_emulators.zoho.bulk.files import read_table, write_archive
from service_emulators.zoho.bulk.multipart import read_parts
from service_emulators.zoho.catalog import Field

BERLIN = ZoneInfo("Europe/Berlin")
TEXT = st.text(alphabet=st.characters(exclude_characters="\x00\r", exclude_categories=("Cs",)), max_size=8)
NAMES = st.lists(st.from_regex(r"[A-Za-z_]{1,6}", fullmatch=True), min_size=2, max_size=4, unique=True)


def field(kind: str) -> Field:
    return Field(id=1, api_name="F", label="F", data_type=kind)


def archive_of(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.csv", text)
    return packed.getvalue()


@given(NAMES, st.data(), st.sampled_from(",;:|"))
def test_a_file_is_read_whatever_its_delimiter(names: list[str], data: st.DataObject, delimiter: str) -> None:
    rows = data.draw(st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), max_size=4))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([names, *rows])
    table = read_table(archive_of(text.getvalue()), "a.csv")
    assert table.header == tuple(names)
    assert [list(row) for row in table.rows] == rows


@given(NAMES, st.data())
def test_what_is_written_is_read(names: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), max_size=4))
    table = read_table(write_archive([("a.csv", names, rows)]), "a.csv")
    assert (list(table.header), [list(row) for row in table.rows]) == (names, rows)


def test_short_rows_are_filled_and_empty_lines_passed_over() -> None:
    table = read_table(archive_of("a,b,c\r\n1\r\n\r\n1,2,3\r\n"), "a.csv")
    assert table.rows == (("1", "", ""), ("1", "2", "3"))


def test_a_delimiter_inside_of_quotes_does_not_count() -> None:
    assert read_table(archive_of('"a,b,c";d\n1;2\n'), "a.csv").header == ("a,b,c", "d")


@given(st.binary(max_size=200), st.from_regex(r"[A-Za-z0-9]{8,20}", fullmatch=True))
def test_a_form_gives_its_bytes_back(content: bytes, boundary: str) -> None:
    if f"--{boundary}".encode() in content:
        return
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="ä.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        ).encode()
        + content
        + f"\r\n--{boundary}--\r\n".encode()
    )
    plain, file = read_parts(f"multipart/form-data; boundary={boundary}", body)
    assert (plain.name, plain.filename, plain.content) == ("x", "", b"1")
    assert (file.name, file.filename, file.content) == ("file", "ä.zip", content)


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_another_body_is_no_form(content_type: str) -> None:
    assert read_parts(content_type, b"--x\r\n\r\n1\r\n--x--") == []


@given(st.dates(min_value=date(1900, 1, 1)), st.sampled_from(["dd.MM.yyyy", "MM/dd/yyyy", "yyyyMMdd", "yyyy-MM-dd"]))
def test_dates_are_read_by_their_format(day: date, shape: str) -> None:
    cell = shape.replace("yyyy", f"{day.year:04}").replace("MM", f"{day.month:02}").replace("dd", f"{day.day:02}")
    assert value_of(field("date"), cell, shape, BERLIN, lambda *_: "") == day.isoformat()


def test_times_without_an_offset_are_of_the_orgs_zone() -> None:
    found = value_of(field("datetime"), "2026-07-01T09:15:00", "yyyy-MM-dd'T'HH:mm:ss", BERLIN, lambda *_: "")
    assert found == "2026-07-01T09:15:00+02:00"
    assert datetime.fromisoformat(found).utcoffset()


def test_a_cell_in_another_format_is_no_date() -> None:
    found = value_of(field("date"), "2026-07-01", "dd.MM.yyyy", BERLIN, lambda *_: "")
    assert found != "2026-07-01"


@pytest.mark.parametrize("shape", ["", "dd", "dd.MM", "d.M.yyyy", "dd.MMM.yyyy", 5, None])
def test_what_is_no_format(shape: object) -> None:
    assert not is_format(shape)


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("text", None, ""),
        ("text", "a", "a"),
        ("double", 2.0, "2"),
        ("double", 2.5, "2.5"),
        ("boolean", True, "true"),
        ("lookup", 7, "7"),
        ("multiselectpicklist", ["a", "b"], "a;b"),
        ("tag", [{"name": "a"}], "a"),
        ("datetime", "2026-03-01T08:15:00Z", "2026-03-01T09:15:00+01:00"),
    ],
)
def test_values_become_cells(kind: str, value: object, cell: str) -> None:
    assert cell_of(kind, value, BERLIN) == cell
