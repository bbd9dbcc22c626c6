"""`sync-mapper test`: rows in, payloads out."""

from __future__ import annotations

import json
import textwrap
import typing as t

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_mapper.commands.test import test as command
from sync_mapper.rehearsal.case_file import load
from sync_mapper.rehearsal.plain_yaml import dump

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

MAPPING = """
stream_map_config:
  labels: {A: Alpha}
stream_maps:
  organizations:
    __source__: customers
    __filter__: not closed
    __else__: null
    __key_properties__: [external_id]
    external_id: str(number)
    name: name
    limit: float(credit) if credit is not None else None
    group: config['labels'].get(group)
    address: "{'city': address['city'], 'lines': address['lines']} if address else None"
  __else__: null
"""
DEFAULTS = """
mapping: mapping.yml
defaults:
  customers:
    {number: 1, name: One, closed: false, credit: 5, group: A, address: {city: Köln, lines: [a, b], country: NO}}
"""
ONE = "{external_id: '1', name: One, limit: 5, group: Alpha, address: {city: Köln, lines: [a, b]}}"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command on cases of `MAPPING`; they stand in cases.yml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yml").write_text(MAPPING)

    def call(cases: str | None, *options: str, head: str = DEFAULTS) -> Result:
        if cases is not None:
            (tmp_path / "cases.yml").write_text(head + "cases:\n" + textwrap.indent(textwrap.dedent(cases), "  "))
        return CliRunner().invoke(command, ["cases.yml", *options])

    return call


def test_a_case_that_is_as_expected_passes(run):
    done = run(f"""
        - name: one customer
          stream: customers
          rows: [{{}}]
          expect: {{organizations: [{ONE}]}}
        """)
    assert done.exit_code == 0, done.output
    assert "cases.yml: 1 case, all pass" in done.output
    assert "5 of 5 properties shown with a value (100 %)" in done.output


def test_a_difference_is_told_field_by_field_with_the_line_of_the_case(run):
    done = run("""
        - name: good
          stream: customers
          rows: [{closed: true}]
          expect: {}
        - name: wrong
          stream: customers
          rows: [{}]
          expect:
            organizations:
              - external_id: "1"
                name: Two
                limit: 5
                group: Alpha
                address: {city: Köln, lines: [a, c]}
                more: 1
        """)
    assert done.exit_code == 1
    assert "2 cases, 1 FAILED" in done.output
    lines = done.output.splitlines()
    begin = lines.index("  FAILED wrong (cases.yml:12)")
    assert lines[begin + 1 : begin + 8] == [
        "    organizations 1",
        '      name              expected  "Two"',
        '                        got       "One"',
        '      address.lines[1]  expected  "c"',
        '                        got       "b"',
        "      more              expected  1",
        "                        got       (nothing)",
    ]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{}", "organizations 1: not expected"),
        (f"{{organizations: [{ONE}, {ONE}]}}", "organizations 1: missing"),
        (f"{{organizations: [{ONE}], persons: [{{name: x}}]}}", "persons row 1: missing"),
    ],
)
def test_payloads_too_many_or_too_few_fail(run, expect, told):
    done = run(f"""
        - name: wrong
          stream: customers
          rows: [{{}}]
          expect: {expect}
        """)
    assert done.exit_code == 1
    assert told in done.output


def test_payloads_are_paired_by_their_key(run):
    done = run("""
        - name: the first is missing
          stream: customers
          rows: [{number: 2}, {number: 3}]
          compare: listed
          expect: {organizations: [{external_id: "1", name: One}, {external_id: "2", name: X}, {external_id: "3"}]}
        """)
    assert "organizations 1: missing" in done.output
    assert "organizations 2\n      name  expected" in done.output
    assert "organizations 3" not in done.output


@pytest.mark.parametrize(
    ("expected", "code"), [("limit: 5.0", 0), ("limit: true", 1), ('limit: "5"', 1), ("limit: null", 1)]
)
def test_values_are_compared_as_json_has_them(run, expected, code):
    done = run(f"""
        - name: number
          stream: customers
          rows: [{{}}]
          compare: listed
          expect: {{organizations: [{{{expected}}}]}}
        """)
    assert done.exit_code == code, done.output


@pytest.mark.parametrize(
    ("unmapped", "code"),
    [
        ("{field: limit, reason: could not convert}", 0),
        ("{stream: organizations, map: organizations, field: limit}", 0),
        ("[{field: limit}]", 0),
        ("{field: name}", 1),
        ("{field: limit, reason: something else}", 1),
        ("[{field: limit}, {field: limit}]", 1),
        ("[]", 1),
    ],
)
def test_rows_that_cannot_be_mapped_are_expected_by_field_and_reason(run, unmapped, code):
    done = run(f"""
        - name: no number
          stream: customers
          rows: [{{credit: much}}]
          unmapped: {unmapped}
        """)
    assert done.exit_code == code, done.output


def test_rows_of_several_streams_come_in_their_order(run):
    done = run("""
        - name: two streams
          rows:
            - customers: {number: 1}
            - others: {a: 1}
            - customers: {number: 2}
          compare: listed
          expect: {organizations: [{external_id: "1"}, {external_id: "2"}]}
        """)
    assert done.exit_code == 0, done.output


def test_scalars_are_text_unless_json_has_them(run):
    done = run("""
        - name: text
          stream: customers
          rows: [{name: NO, address: {city: 0221, lines: [2026-11-20, 12:30, 1e5]}}]
          compare: listed
          expect: {organizations: [{name: "NO", address: {city: "0221", lines: ["2026-11-20", "12:30", 100000.0]}}]}
        """)
    assert done.exit_code == 0, done.output


def test_coverage_tells_what_no_case_shows(run):
    cases = """
        - name: nothing but a name
          stream: customers
          rows: [{credit: null, group: B, address: null}]
          compare: listed
          expect: {organizations: [{name: One}]}
        - name: without a group
          stream: customers
          rows: [{closed: true}]
          expect: {}
        """
    done = run(cases, "--min-coverage", "40")
    assert done.exit_code == 0, done.output
    assert "2 of 5 properties shown with a value (40 %)" in done.output
    assert "only ever null: mapping.yml:" in done.output
    done = run(cases, "--min-coverage", "41")
    assert done.exit_code == 1
    assert "40 %, less than the 41 % asked for" in done.output
    assert {"organizations.limit", "organizations.group", "organizations.address"} == set(
        json.loads(run(cases, "--json").output)["coverage"][0]["only_null"]
    )
    done = run("""
        - name: nothing goes on
          stream: customers
          rows: [{closed: true}]
        """)
    assert done.output.count("in no payload") == 5


def test_json_tells_the_same(run):
    done = run(
        """
        - name: wrong
          stream: customers
          rows: [{}]
          compare: listed
          expect: {organizations: [{name: Two}]}
        """,
        "--json",
    )
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert (told["passed"], told["failed"]) == (0, 1)
    (case,) = told["files"][0]["cases"]
    assert case["name"] == "wrong"
    assert case["failures"] == [
        {"what": "organizations row 1", "differences": [{"path": "name", "expected": "Two", "got": "One"}]}
    ]


def test_a_mapping_that_does_not_fit_the_schema_fails_the_case_with_its_place(run, tmp_path):
    (tmp_path / "mapping.yml").write_text(MAPPING.replace("[external_id]", "[externalid]"))
    done = run("""
        - name: any
          stream: customers
          rows: [{}]
        """)
    assert done.exit_code == 1
    assert "mapping.yml:9:" in done.output
    assert "externalid" in done.output


@pytest.mark.parametrize(("head", "told"), [("", True), ("schemas: {customers: {properties: {}}}\n", False)])
def test_a_field_that_no_row_has_is_told_with_where_its_type_can_come_from(run, head, told):
    case = "- {name: bare, stream: customers, rows: [{number: 1}], expect: {}}"
    result = run(case, head="mapping: mapping.yml\n" + head)
    assert result.exit_code == 1
    assert ("no schema of customers is known" in result.output) == told


@pytest.mark.parametrize(
    "catalog",
    [
        '{"streams": [{"tap_stream_id": "customers", "key_properties": ["number"], "schema": PLACE}]}',
        (
            '{"streams": [{"tap_stream_id": "customers", "schema": PLACE, "metadata": '
            '[{"breadcrumb": [], "metadata": {"table-key-properties": ["number"]}}]}]}'
        ),
        '{"type": "SCHEMA", "stream": "customers", "key_properties": ["number"], "schema": PLACE}\n{"type": "STATE"}',
    ],
    ids=["catalog", "catalog with metadata", "messages"],
)
def test_schemas_come_from_the_taps_catalog(run, tmp_path, catalog):
    (tmp_path / "catalog.json").write_text(
        catalog.replace("PLACE", '{"properties": {"number": {"type": "integer"}, "name": {"type": "string"}}}')
    )
    (tmp_path / "mapping.yml").write_text("stream_maps: {customers: {__filter__: number > 1}}")
    head = "mapping: mapping.yml\ncatalog: catalog.json\n"
    done = run(
        """
        - name: the key of the source pairs the payloads
          stream: customers
          rows: [{number: 1}, {number: 2, name: Two}, {number: 3, name: x}]
          expect: {customers: [{number: 3, name: Three}, {number: 2, name: Two}]}
        """,
        head=head,
    )
    assert done.exit_code == 1
    assert "customers 3\n      name  expected" in done.output
    assert "customers 2" not in done.output


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ("- {name: x, stream: a, row: [{}]}", "cases.yml:6: unknown key 'row'; did you mean rows?"),
        ("- {stream: a, rows: [{}]}", "cases.yml:6: a case needs a name"),
        ("- {name: x, stream: a, rows: []}", "rows is missing or empty"),
        ("- {name: x, rows: [{a: 1}]}", "each row must be STREAM:"),
        ("- {name: x, stream: a, rows: [1]}", "a row must hold properties"),
        ("- {name: x, stream: a, rows: [{}], expect: [1]}", "expect must hold streams"),
        ("- {name: x, stream: a, rows: [{}], unmapped: {fields: b}}", "unknown key 'fields'; did you mean field?"),
        ("- {name: x, stream: a, rows: [{}], compare: some}", "compare must be all"),
        ("- {name: x, rows: [{a: {}}], schema: {}}", "schema must be"),
        ("- {name: x, stream: a, rows: [{}]}\n- {name: x, stream: a, rows: [{}]}", "cases.yml:7: case 'x': two cases"),
        ("- {name: x, name: y}", "cases.yml:6: 'name' stands twice"),
        ("- {name: x", "cases.yml:6:13: not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_case_file_is_told_with_its_line(run, cases, told):
    done = run(cases, head=DEFAULTS.lstrip())
    assert done.exit_code == 2
    assert told in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", ["missing.yml", "empty"])
def test_no_case_file_is_wrong_usage(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "other.yml").write_text("a: 1\n")
    done = CliRunner().invoke(command, [name])
    assert done.exit_code == 2
    assert name in done.output


def test_a_folder_gives_its_case_files(run, tmp_path):
    run("""
        - name: filtered
          stream: customers
          rows: [{closed: true}]
        """)
    done = CliRunner().invoke(command, ["."])
    assert done.exit_code == 0, done.output
    assert "cases.yml: 1 case, all pass" in done.output


# -- --update --------------------------------------------------------------------------------------------------------


def test_update_rewrites_what_differs_and_keeps_the_rest(run, tmp_path):
    cases = """\
        # about holds
        - name: wrong # why
          stream: customers
          rows:
            - {number: 1} # a row
          expect: # what goes on
            organizations:
              # the first
              - external_id: "1"
                name: Two # not any more
                limit: 4
                group: Alpha
                address: {city: Köln, lines: [x, b]} # where
        - name: broken
          stream: customers
          rows: [{credit: much}]
        # filled
        - name: empty
          stream: customers
          rows: [{}]
          compare: listed
          expect: {}
        # the end
        """
    done = run(cases, "--update")
    assert done.exit_code == 0, done.output
    assert "3 cases rewritten" in done.output
    text = (tmp_path / "cases.yml").read_text()
    for line in (
        "# about holds",
        "- name: wrong # why",
        "- {number: 1} # a row",
        "expect: # what goes on",
        "# the first",
        "name: One # not any more",
        "limit: 5.0",
        "lines: [a, b]} # where",
        "field: limit",
        "# filled",
        "# the end",
    ):
        assert line in text
    assert run(None).exit_code == 0


def test_update_leaves_cases_that_pass_alone(run, tmp_path):
    run(f"""
        - name: one
          stream: customers
          rows: [{{}}]
          expect: {{organizations: [{ONE}]}} # as it is
        """)
    before = (tmp_path / "cases.yml").read_bytes()
    assert run(None, "--update").exit_code == 0
    assert (tmp_path / "cases.yml").read_bytes() == before


def test_update_turns_between_payload_and_unmapped(run, tmp_path):
    done = run(
        """
        - name: can be mapped after all
          stream: customers
          rows: [{}]
          unmapped:
            field: limit
        - name: cannot be mapped
          stream: customers
          rows: [{credit: x}]
          compare: listed
          expect:
            organizations:
              - {name: One}
        """,
        "--update",
    )
    assert done.exit_code == 0, done.output
    text = (tmp_path / "cases.yml").read_text()
    assert text.index("expect:") < text.index("cannot be mapped") < text.index("unmapped:")


def test_update_refuses_to_drop_comments(run, tmp_path):
    run("""
        - name: wrong
          stream: customers
          rows: [{}]
          expect:
            organizations:
              - name: One
                # this one matters
                limit: 5
        """)
    before = (tmp_path / "cases.yml").read_bytes()
    done = run(None, "--update")
    assert done.exit_code == 2
    assert "case 'wrong': a comment stands within what has to be rewritten" in done.output
    assert (tmp_path / "cases.yml").read_bytes() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from([True, False, None]))
def test_what_is_written_is_read_as_it_was(value, flow):
    assert load(dump({"value": value}, flow=flow), "x")[1] == {"value": value}


@pytest.mark.parametrize(
    "text", ["NO", "on", "0221", "1e5", "2026-11-20", "12:30", "~", "null", "<<", "=", "# x", "1_0"]
)
def test_text_that_looks_like_something_else_is_written_in_quotes(text):
    written = dump([text])
    assert load(written, "x")[1] == [text]
    assert "'" in written or '"' in written
