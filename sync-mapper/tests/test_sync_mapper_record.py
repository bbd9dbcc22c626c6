"""`sync-mapper test --record`: case files of real rows, masked."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import typing as t

import pytest
from click.testing import CliRunner
from sync_mapper.commands.test import test as command
from sync_mapper.rehearsal import case_file, recording

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

MAPPING = """
stream_maps:
  organizations:
    __source__: customers
    __else__: null
    __key_properties__: [external_id]
    external_id: str(number)
    name: name
    status: "'Held' if hold == 'C' else 'Active'"
    limit: float(credit) if credit is not None else None
    mail: mail
  people:
    __source__: contacts
    __filter__: mail
    __else__: null
    __key_properties__: [id]
    id: f'{number}-{line}'
    org: str(number)
  __else__: null
"""
CUSTOMERS = [
    {
        "number": 4000 + number,
        "name": f"Customer {chr(65 + number % 26)}ohnson {number}",
        "hold": "C" if number == 70 else "",
        "credit": None if number == 80 else "x" if number == 90 else number,
        "mail": f"person{number}@acme.com" if number == 60 else None,
    }
    for number in range(100)
]
CONTACTS = [{"number": 4060, "line": 1, "mail": "a.miller@acme.com"}, {"number": 4061, "line": 2, "mail": None}]


def messages() -> str:
    found: list[dict[str, t.Any]] = []
    for stream, key, rows in (("customers", ["number"], CUSTOMERS), ("contacts", ["number", "line"], CONTACTS)):
        schema = {"properties": {name: {} for name in rows[0]}}
        found.append({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": key})
        found += [{"type": "RECORD", "stream": stream, "record": row} for row in rows]
    found.append({"type": "SCHEMA", "stream": "others", "schema": {}, "key_properties": []})
    found.append({"type": "RECORD", "stream": "others", "record": {"a": 1}})
    return "".join(f"{json.dumps(one)}\n" for one in found)


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "mapping.yml").write_text(MAPPING)
    (tmp_path / "messages.singer").write_text(messages())

    def call(*options: str) -> Result:
        arguments = ["--record", "mappings/tests/new.yml", "--mapping", "mappings/mapping.yml"]
        return CliRunner().invoke(command, [*arguments, *(options or ("--input", "messages.singer"))])

    return call


def test_recorded_cases_pass_and_show_the_whole_mapping(record, tmp_path):
    done = record()
    assert done.exit_code == 0, done.output
    assert "7 of 7 properties shown with a value (100 %)" in done.output
    done = CliRunner().invoke(command, ["mappings/tests", "--min-coverage", "100"])
    assert done.exit_code == 0, done.output


def test_the_rows_that_show_most_are_chosen(record, tmp_path):
    record("--input", "messages.singer", "--rows", "5")
    file = case_file.read(tmp_path / "mappings" / "tests" / "new.yml")
    customers = [row.record for case in file.cases for row in case.rows if row.stream == "customers"]
    assert len(customers) == 5
    assert any(row["hold"] == "C" for row in customers)
    assert any(row["mail"] for row in customers)
    assert any(row["credit"] is None for row in customers)
    assert [case.unmapped[0]["field"] for case in file.cases if case.unmapped] == ["limit"]
    assert {row.stream for case in file.cases for row in case.rows} == {"customers", "contacts"}


def test_nothing_in_the_file_tells_of_anybody(record, tmp_path):
    record()
    text = (tmp_path / "mappings" / "tests" / "new.yml").read_text()
    assert not re.search(r"ohnson|acme|miller|person\d|40\d\d", text)
    assert re.search(r"mail: \w+@\w+\.example", text)


def test_relations_between_rows_still_match(record, tmp_path):
    record("--input", "messages.singer", "--rows", "9")
    file = case_file.read(tmp_path / "mappings" / "tests" / "new.yml")
    numbers: dict[str, set[int]] = {"customers": set(), "contacts": set()}
    for case in file.cases:
        numbers[case.rows[0].stream].add(case.rows[0].record["number"])
    assert numbers["customers"] & numbers["contacts"]


def test_the_same_rows_give_the_same_file(record, tmp_path):
    record()
    files = {file: file.read_bytes() for file in (tmp_path / "mappings" / "tests").iterdir()}
    assert len(files) == 2
    record("--input", "messages.singer", "--force")
    assert {file: file.read_bytes() for file in files} == files
    record("--input", "messages.singer", "--force", "--seed", "other")
    assert {file: file.read_bytes() for file in files} != files


def test_a_file_that_is_there_is_not_written_over(record, tmp_path):
    record()
    (tmp_path / "mappings" / "tests" / "new.yml").write_text("mine")
    done = record()
    assert done.exit_code == 2
    assert "is there already" in done.output
    assert (tmp_path / "mappings" / "tests" / "new.yml").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tap", "x", "--input", "y"), "one of --tap COMMAND and --input FILE"),
        (("--input", "messages.singer", "--update"), "neither FILE nor --update"),
        (("--input", "empty.singer"), "No row came that a map of"),
    ],
)
def test_wrong_usage_is_told(record, tmp_path, options, told):
    (tmp_path / "empty.singer").write_text("")
    done = record(*options)
    assert done.exit_code == 2
    assert told in done.output


def test_options_of_recording_need_record(record):
    done = CliRunner().invoke(command, ["--tap", "x"])
    assert done.exit_code == 2
    assert "--tap goes with --record" in done.output


TABLES = """
code_tables:
  regions: {udc: 01/07}
stream_maps:
  organizations:
    __source__: customers
    __else__: null
    __key_properties__: [external_id]
    external_id: str(number)
    region: {value: region, lookup: regions, otherwise: none}
  __else__: null
"""


def test_rows_of_code_tables_come_along_as_far_as_they_are_needed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    north = "NORTHEAST"
    codes = [("01", "07", north, "Region of the north"), ("01", "07", "WEST", "x"), ("01", "08", north, "y")]
    rows: list[tuple[str, dict[str, t.Any]]] = [
        ("F0005", dict(zip(("SY", "RT", "KY", "DL01"), (sy, rt, f"{ky:>10}", text), strict=True)))
        for sy, rt, ky, text in codes
    ]
    rows += [("customers", {"number": 4001, "region": "NORTHEAST"}), ("customers", {"number": 4002, "region": "SOUTH"})]
    lines = []
    for stream, row in rows:
        properties = {name: {"type": ["string", "integer", "null"]} for name in row}
        lines.append({"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": []})
        lines.append({"type": "RECORD", "stream": stream, "record": row})
    (tmp_path / "mapping.yml").write_text(TABLES)
    (tmp_path / "messages.singer").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    arguments = ["--record", "cases.yml", "--mapping", "mapping.yml", "--input", "messages.singer"]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    file = case_file.read(tmp_path / "cases.yml")
    (code,) = file.before
    assert (code.record["SY"], code.record["RT"]) == ("01", "07")
    assert "north" not in (tmp_path / "cases.yml").read_text().lower()
    regions = [case.expect["organizations"][0]["region"] for case in file.cases]
    assert regions == [code.record["DL01"], "none"]
    assert CliRunner().invoke(command, ["cases.yml", "--min-coverage", "100"]).exit_code == 0


TAP = """
import json, os, sys
open("pids", "a").write(f"{os.getpid()} ")
print("INFO noise of the tap", file=sys.stderr, flush=True)
if "--fail" in sys.argv:
    print("ERROR the reason", file=sys.stderr)
    sys.exit(3)
streams = sys.argv[1].split(",")
for stream in streams:
    schema = {"properties": {"number": {}, "line": {}, "mail": {}, "name": {}, "hold": {}, "credit": {}}}
    print(json.dumps({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["number"]}))
    number = 0
    while number < 40 or stream == streams[-1]:
        number += 1
        row = {"number": number, "line": 1, "mail": "a@b.c", "name": "Name", "hold": "", "credit": 1}
        print(json.dumps({"type": "RECORD", "stream": stream, "record": row}))
"""


def ended(pid: int) -> bool:
    """Whether a process has ended, or ends within seconds: an orphan is there until the system has taken note."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("streams", ["customers,contacts", "contacts,customers,others"])
@pytest.mark.parametrize("shell", [False, True])
def test_a_tap_is_read_no_further_than_needed_and_nothing_of_it_is_left(
    record, tmp_path, monkeypatch, capfd, streams, shell
):
    monkeypatch.setattr(recording, "_LOOKED_AT", 30)
    (tmp_path / "tap.py").write_text(TAP)
    tap = f"{sys.executable} tap.py {streams}"
    done = record("--tap", f"sh -c 'echo $$ >>pids; {tap}; echo done'" if shell else tap)
    assert done.exit_code == 0, done.output
    assert "7 of 7 properties" in done.output
    assert "noise of the tap" not in done.output + "".join(capfd.readouterr())
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 1 + shell
    assert all(map(ended, pids))


def test_what_a_tap_that_fails_has_logged_is_shown(record, tmp_path):
    (tmp_path / "tap.py").write_text(TAP)
    done = record("--tap", f"{sys.executable} tap.py customers --fail")
    assert done.exit_code == 2
    assert "ERROR the reason" in done.output
    assert "the tap ended with exit code 3" in done.output


def test_a_pattern_may_be_for_a_stream_that_comes_last(record, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "_LOOKED_AT", 10)
    mapping = tmp_path / "mappings" / "mapping.yml"
    mapping.write_text(MAPPING.replace("__source__: contacts", "__source__: c*ts"))
    done = record()
    assert done.exit_code == 0, done.output
    file = case_file.read(tmp_path / "mappings" / "tests" / "new.yml")
    assert {row.stream for case in file.cases for row in case.rows} == {"customers", "contacts"}


@pytest.mark.parametrize(
    "digits", ["1" + "0" * 5000, "1e400", "-1e99999999999999999999"], ids=["long", "1e400", "beyond"]
)
def test_a_number_that_cannot_be_read_becomes_a_case_like_any_row_that_is_held(
    record: Callable[..., Result], tmp_path: Path, digits: str
) -> None:
    row = f'{{"number": 4990, "name": "Odd", "hold": "", "mail": null, "credit": {digits}}}'
    lines = messages().splitlines()
    lines.insert(3, f'{{"type": "RECORD", "stream": "customers", "record": {row}}}')
    (tmp_path / "messages.singer").write_text("\n".join(lines))
    assert record("--input", "messages.singer", "--rows", "200").exit_code == 0
    assert CliRunner().invoke(command, ["mappings/tests/new.yml"]).exit_code == 0


def test_input_that_is_nested_too_deeply_is_one_line(record: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "messages.singer").write_text("[" * 100_000)
    result = record("--input", "messages.singer")
    assert result.exit_code == 2
    assert result.output == "Error: Line 1 of the input is nested too deeply to be read\n"
