"""`sync-mapper explain`, and reading from a tap as far as needed."""

from __future__ import annotations

import json
import sys
import textwrap
import typing as t

import pytest
from click.testing import CliRunner
from sync_mapper.commands.explain import explain as command

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

MAPPING = """
stream_maps:
  organizations:
    __source__: customers
    __filter__: not closed
    __else__: null
    __key_properties__: [external_id]
    external_id: str(number)
    name: name
    limit: float(credit) if credit is not None else None
  people:
    __source__: contacts
    __else__: null
    __key_properties__: [id]
    id: f'{number}-{line}'
  __else__: null
"""
CUSTOMERS = [
    {"number": 1, "name": "One", "closed": False, "credit": 5},
    {"number": 2, "name": "Two", "closed": True, "credit": None},
    {"number": 3, "name": "Three", "closed": False, "credit": "much"},
]
MESSAGES = [
    {
        "type": "SCHEMA",
        "stream": "customers",
        "key_properties": ["number"],
        "schema": {
            "properties": {
                "number": {"type": "integer"},
                "name": {"type": "string"},
                "closed": {"type": "boolean"},
                "credit": {"type": ["number", "null"]},
            }
        },
    },
    *({"type": "RECORD", "stream": "customers", "record": row} for row in CUSTOMERS),
    {"type": "STATE", "value": {}},
    {
        "type": "SCHEMA",
        "stream": "contacts",
        "key_properties": ["number", "line"],
        "schema": {"properties": {"number": {"type": "integer"}, "line": {"type": "integer"}}},
    },
    {"type": "RECORD", "stream": "contacts", "record": {"number": 1, "line": 2}},
    {"type": "SCHEMA", "stream": "plain", "key_properties": ["number"], "schema": {"properties": {}}},
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yml").write_text(MAPPING)
    (tmp_path / "messages.singer").write_text("".join(f"{json.dumps(message)}\n" for message in MESSAGES))

    def call(*arguments: str, read: tuple[str, ...] = ("--input", "messages.singer")) -> Result:
        return CliRunner().invoke(command, [*arguments, "--mapping", "mapping.yml", *read])

    return call


def test_each_field_is_told_with_expression_inputs_result_and_type(run):
    done = run("customers", "1")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        'customers {"number": 1}',
        "",
        "mapping.yml:3:3: stream_maps.organizations: goes on as organizations",
        '  key: {"external_id": "1"}',
        "  __filter__: true",
        "    = not closed",
        "      closed is false",
        '  external_id: "1"  (string or null)',
        "    = str(number)",
        "      number is 1",
        '  name: "One"  (string or null)',
        "    = name",
        '      name is "One"',
        "  limit: 5.0  (number or null)",
        "    = float(credit) if credit is not None else None",
        "      credit is 5",
    ]


@pytest.mark.parametrize(
    ("stream", "key"),
    [
        ("contacts", "number=1,line=2"),
        ("contacts", "line=2, number=1"),
        ("contacts", "1-2"),
        ("people", "1-2"),
        ("people", "id=1-2"),
        ("people", "number=1,line=2"),
    ],
)
def test_a_row_is_found_by_its_key_on_both_sides(run, stream, key):
    done = run(stream, key)
    assert done.exit_code == 0, done.output
    assert done.output.startswith('contacts {"number": 1, "line": 2}\n')
    assert '  key: {"id": "1-2"}' in done.output


def test_a_row_that_is_filtered_is_told(run):
    done = run("customers", "2")
    assert done.exit_code == 0
    assert "stream_maps.organizations: left out by its filter" in done.output


def test_a_field_that_fails_is_told_and_the_others_too(run):
    done = run("organizations", "3")
    assert done.exit_code == 1
    assert "goes on as _unmapped, because of limit" in done.output
    assert "  limit: FAILS: ValueError: could not convert string to float: 'much'" in done.output
    assert '      credit is "much"' in done.output
    assert '  name: "Three"' in done.output


def test_named_expressions_and_the_long_form_are_told(run, tmp_path):
    (tmp_path / "mapping.yml").write_text(
        """
expressions:
  short: name[0]
  label: short + '!'
code_tables:
  ranks: {O: first}
stream_maps:
  customers:
    rank: {value: 'label[0]', lookup: ranks, otherwise: other, type: string}
    sum: {value: credit + 1, type: number, when_null: 0}
"""
    )
    lines = run("customers", "1").output.splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("  rank:"))
    assert lines[begin:] == [
        '  rank: "first"  (string or null)',
        "    = label[0]",
        "      label is \"O!\", which is short + '!'",
        '      short is "O", which is name[0]',
        '      name[0] is "O"',
        '      then looked up in ranks, "other" for a code that is not in it',
        "  sum: 6  (number or null)",
        "    = credit + 1",
        "      credit is 5",
        "      then 0 in place of null",
    ]


def test_json_tells_the_same(run):
    told = json.loads(run("customers", "3", "--json").output)
    (one,) = told["maps"]
    assert (told["stream"], one["map"], one["stream"], one["key"]) == (
        "customers",
        "organizations",
        "_unmapped",
        {"external_id": "3"},
    )
    assert one["filter"]["result"] is True
    assert [(step["name"], step["result"], bool(step["error"])) for step in one["properties"]] == [
        ("external_id", "3", False),
        ("name", "Three", False),
        ("limit", None, True),
    ]


def test_a_masked_explanation_shows_nothing_of_the_row(run):
    done = run("customers", "3", "--mask")
    assert "Three" not in done.output
    assert "much" not in done.output
    assert "limit: FAILS" in done.output


def test_a_record_of_unmapped_is_explained(run, tmp_path):
    row = {"stream": "organizations", "key": '{"number":3}', "source_stream": "customers", "record": CUSTOMERS[2]}
    for text in (json.dumps(row), json.dumps({"type": "RECORD", "stream": "_unmapped", "record": row})):
        done = run(read=("--unmapped", text))
        assert done.exit_code == 1
        assert done.output.startswith('customers {"number": 3}\n')
        assert "because of limit" in done.output
    (tmp_path / "row.json").write_text(json.dumps(row))
    assert run(read=("--unmapped", "@row.json", "--catalog", "messages.singer")).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "read", "told"),
    [
        (("customers", "9"), ("--input", "messages.singer"), "the key 9; a key at the source is written number=..."),
        (("clients", "1"), ("--input", "messages.singer"), "No stream came that is named 'clients'"),
        (("clients", "1"), ("--input", "messages.singer"), '--tap "meltano invoke TAP"'),
        (("plain", "1"), ("--input", "messages.singer"), "No map is for the stream plain"),
        (("customers", "1"), ("--input", "missing.singer"), "missing.singer: cannot be read"),
        (("customers", "1"), ("--input", "mapping.yml"), "Line 2 of the input is not valid JSON"),
        (("customers", "1"), ("--tap", "no-such-tap"), "--tap: the command cannot be started"),
        (("customers", "1"), (), "give one of --tap"),
        (("customers",), ("--input", "messages.singer"), "need STREAM and KEY"),
        (("customers", "1"), ("--unmapped", "{}"), "--unmapped takes none"),
        ((), ("--unmapped", "{}"), "source_stream, record and key"),
        ((), ("--unmapped", "{"), "--unmapped: not a JSON object"),
        (
            (),
            ("--unmapped", '{"source_stream": "plain", "record": {}}'),
            "is for the stream plain",
        ),
    ],
)
def test_what_cannot_be_explained_is_wrong_usage(run, arguments, read, told):
    done = run(*arguments, read=read)
    assert done.exit_code == 2
    assert told in done.output
    assert "Traceback" not in done.output


ENDLESS_TAP = """
import json, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (open("ended", "w").write("in order"), sys.exit(143)))
for message in json.load(open("messages.json")):
    print(json.dumps(message), flush=True)
number = 10
while True:
    number += 1
    row = {"number": number, "name": "x" * 1000, "closed": False, "credit": 1}
    print(json.dumps({"type": "RECORD", "stream": "customers", "record": row}), flush=True)
"""


def test_a_tap_is_read_until_the_row_is_found_and_ended_in_order(run, tmp_path):
    (tmp_path / "messages.json").write_text(json.dumps(MESSAGES))
    (tmp_path / "tap.py").write_text(textwrap.dedent(ENDLESS_TAP))
    done = run("customers", "20", read=("--tap", f"{sys.executable} tap.py"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "ended").read_text() == "in order"


@pytest.mark.parametrize(("key", "shown"), [("3", '"Three"'), ("9", '"\ufffd"')])
def test_half_a_character_in_a_row_hides_neither_it_nor_others(run, tmp_path, key, shown):
    bad = {"type": "RECORD", "stream": "customers", "record": {**CUSTOMERS[0], "number": 9, "name": "\ud83d"}}
    lines = "".join(f"{json.dumps(one)}\n" for one in [MESSAGES[0], bad, *MESSAGES[1:]])
    (tmp_path / "more.singer").write_text(lines)
    assert f"name is {shown}" in run("customers", key, read=("--input", "more.singer")).output


@pytest.mark.parametrize("line", ["{", '{"type": "RECORD", "a": NaN}', '{"type": "RECORD", "a": ' + "9" * 5000 + "}"])
def test_a_line_that_is_no_json_is_told(run, tmp_path, line):
    (tmp_path / "broken.singer").write_text(line)
    done = run("customers", "1", read=("--input", "broken.singer"))
    assert done.exit_code == 2
    assert "Line 1 of the input is not valid JSON" in done.output


def test_a_tap_that_fails_is_told(run, tmp_path):
    (tmp_path / "tap.py").write_text("raise SystemExit(3)")
    done = run("customers", "20", read=("--tap", f"{sys.executable} tap.py"))
    assert done.exit_code == 2
    assert "the tap ended with exit code 3" in done.output
