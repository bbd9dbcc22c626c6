"""`sync-mapper check`: what it finds besides expressions, what it prints, and its exit codes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import sysconfig
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from singer_sdk import mapper as sdk_mapper
from sync_mapper.analysis.model import Problem
from sync_mapper.analysis.parsing import parse
from sync_mapper.commands.check import check, schema_text
from sync_mapper.long_form import KEYS, TYPES
from sync_mapper.options import OPTIONS

COMMAND = str(Path(sysconfig.get_path("scripts")) / "sync-mapper")
ROOT = Path(__file__).resolve().parents[2]
TEXT = {"type": ["string", "null"]}
CATALOG = {
    "streams": [
        {
            "stream": "customers",
            "tap_stream_id": "customers",
            "key_properties": ["id"],
            "schema": {
                "properties": {"id": {"type": "integer"}, "name": TEXT, "hidden": TEXT, "amount": {"type": "number"}}
            },
            "metadata": [{"breadcrumb": ["properties", "hidden"], "metadata": {"selected": False}}],
        },
        {"stream": "F0101", "schema": {"properties": {"AN8": {"type": "integer"}}}, "key_properties": ["AN8"]},
        {"stream": "F0116", "schema": {"properties": {"AN8": {"type": "integer"}}}, "key_properties": ["AN8"]},
        {
            "stream": "orders",
            "schema": {"properties": {}},
            "metadata": [{"breadcrumb": [], "metadata": {"selected": False, "table-key-properties": ["id"]}}],
        },
    ]
}
FIELDS = [
    {"name": "name", "key": "name", "type": "string", "required": True},
    {"name": "Level", "key": "a1", "type": "option", "options": [{"id": 1, "label": "Gold"}]},
    {"name": "JDE Number", "key": "a2", "type": "string"},
    {"name": "owner", "key": "owner", "type": "option", "options": None, "people": True},
    {"name": "address", "key": "address", "type": "object", "attributes": ["value"]},
    {"name": "emails", "key": "emails", "type": "list", "items": ["value", "label"]},
    {"name": "since", "key": "since", "type": "date"},
    {"name": "Amount", "key": "a3", "type": "integer"},
    {"name": "vip", "key": "vip", "type": "boolean"},
    {"name": "id", "key": "id", "type": "integer", "creatable": False, "updatable": False},
    {"name": "Twin", "key": "a4", "type": "string"},
    {"name": "Twin", "key": "a5", "type": "string"},
]
SNAPSHOT = {
    "format": 1,
    "target": "target-x",
    "entities": {"accounts": {"external_id_field": {"name": "JDE Number"}, "fields": FIELDS}},
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("catalog.json").write_text(json.dumps(CATALOG))
    Path("snapshot.json").write_text(json.dumps(SNAPSHOT))

    def call(text, *options, expected=None):
        Path("map.yml").write_text(text, encoding="utf-8")
        return CliRunner().invoke(check, ["map.yml", *options])

    return call


def found(result):
    return [(it["line"], it["column"], it["code"]) for it in json.loads(result.stdout)["findings"]]


WITH_CATALOG = ("--catalog", "catalog.json", "--json")
WITH_ALL = (*WITH_CATALOG, "--destination", "snapshot.json")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("stream_maps:\n  custmers: {a: id}\n", [(2, 3, "unknown_stream")]),
        ("stream_maps:\n  orders: {a: id}\n", [(2, 3, "unknown_stream")]),
        ("stream_maps:\n  customrs: null\n", [(2, 3, "unknown_stream")]),
        ("stream_maps:\n  F4211: null\n", []),
        ("stream_maps:\n  customers: {a: hidden}\n", [(2, 18, "unknown_name")]),
        ("stream_maps:\n  customers: {hidden: null}\n", [(2, 15, "unused_field")]),
        ("stream_maps:\n  F01*: {a: AN8}\n", []),
        ("stream_maps:\n  F01*: {a: AN9}\n", [(2, 13, "unknown_name"), (2, 13, "unknown_name")]),
        ("stream_maps:\n  customers: {id: null}\n", [(2, 15, "wrong_key")]),
        ("stream_maps:\n  customers: {__else__: null, name: name}\n", [(2, 3, "wrong_key")]),
        ("stream_maps:\n  customers: {__key_properties__: [name], name: name}\n", [(2, 49, "nullable_key")]),
        ("stream_maps:\n  customers: {Name: name, name: name}\n", [(2, 27, "duplicate_name")]),
        ("stream_maps:\n  customers:\n    a: name\n    a: id\n", [(4, 5, "duplicate_name")]),
        ("stream_maps:\n  customers: {__fliter__: id}\n", [(2, 15, "unknown_option")]),
        ("stream_maps:\n  customers: {a: {valu: id}}\n", [(2, 15, "wrong_form"), (2, 19, "unknown_option")]),
        ("stream_maps:\n  customers: {a: {value: id, type: numbr}}\n", [(2, 30, "unknown_type")]),
        ("stream_maps:\n  customers: {a: {value: name, type: number}}\n", [(2, 32, "wrong_stated_type")]),
        ("stream_maps:\n  customers: {a: {value: id, lookup: t}}\n", [(2, 30, "unknown_table")]),
        ("stream_maps:\n  customers: {a: {value: id, otherwise: x}}\n", [(2, 30, "wrong_option")]),
        ("stream_maps:\n  customers: {a: {value: name.upper(), when_null: x}}\n", []),
        ("stream_maps:\n  customers: {a: 5}\n", [(2, 15, "wrong_form")]),
        ("stream_maps: {customers: {}}\nmaps: {}\n", [(2, 1, "unknown_key")]),
        ("stream_maps: {customers: {}}\nexpressions: {e: id}\n", [(2, 15, "unused_expression")]),
        ("stream_maps: {customers: {a: e}}\nexpressions: {e: f, f: id}\n", [(2, 15, "later_expression")]),
        ("stream_maps: {customers: {a: e}}\nexpressions: {e: e}\n", [(1, 30, "untyped"), (2, 15, "cyclic_expression")]),
        (
            "stream_maps: {customers: {a: name}}\nexpressions: {name: id}\n",
            [(2, 15, "ambiguous_name"), (2, 15, "unused_expression")],
        ),
        ("stream_maps: {customers: {}}\ncode_tables: {t: {a: b}}\n", [(2, 15, "unused_table")]),
        ("stream_maps: {customers: {a: \"lookup('t', id)\"}}\ncode_tables: {t: {NO: no}}\n", [(2, 15, "wrong_form")]),
        ("stream_maps: {customers: {a: \"lookup('t', id)\"}}\ncode_tables: {t: {01: one}}\n", [(2, 15, "wrong_form")]),
        ("stream_maps: {customers: {a: \"lookup('t', id)\"}}\ncode_tables: {t: {10: ten, '01': one}}\n", []),
        (
            "stream_maps: {customers: {a: \"lookup('t', id)\"}}\ncode_tables: {t: {file: no.csv, code: c, text: t}}\n",
            [(2, 19, "unreadable_table")],
        ),
        (
            "stream_maps: {customers: {a: \"lookup('t', id)\"}}\ncode_tables: {t: {udc: 01/01}}\n",
            [(2, 19, "unknown_stream")],
        ),
        (
            "stream_maps: {F0101: {a: \"lookup('t', AN8)\"}}\ncode_tables: {t: {stream: F0116, code: AN8, text: X}}\n",
            [(2, 19, "unknown_field")],
        ),
    ],
)
def test_findings_against_the_catalog(run, text, places):
    result = run(text, *WITH_CATALOG)
    assert found(result) == places
    assert result.exit_code == (1 if places else 0)


BEGIN = """\
stream_maps:
  accounts:
    __source__: customers
    __else__: null
    __key_properties__: [ext]
    ext: str(id)
"""
NAME = "    name: name or 'x'\n"
END = "  __else__: null\n"


@pytest.mark.parametrize(
    ("line", "code", "severity"),
    [
        ("Lvl: \"'Gold'\"", "unknown_destination_field", "error"),
        ("Level: \"'Silver'\"", "unknown_option", "error"),
        ("Level: \"'Gold' if name else 2\"", "unknown_option", "error"),
        ("JDE Number: str(id)", "read_only_field", "error"),
        ("id: id", "read_only_field", "error"),
        ("Twin: name", "ambiguous_field", "error"),
        ("address: \"{'valu': name}\"", "unknown_part", "error"),
        ("address: name", "wrong_destination_type", "error"),
        ("emails: \"[{'value': name, 'kind': 'x'}]\"", "unknown_part", "error"),
        ('emails: "[name]"', "wrong_destination_type", "error"),
        ("since: name", "wrong_destination_type", "warning"),
        ("since: \"'soon'\"", "wrong_value", "error"),
        ("since: id", "wrong_destination_type", "error"),
        ("Amount: amount", "wrong_destination_type", "warning"),
        ("vip: name", "wrong_destination_type", "error"),
        ("vip: id > 5 or name", "wrong_destination_type", "warning"),
    ],
)
def test_findings_against_the_destination(run, line, code, severity):
    result = run(f"{BEGIN}{NAME}    {line}\n{END}", *WITH_ALL)
    [finding] = json.loads(result.stdout)["findings"]
    assert (finding["code"], finding["severity"], finding["line"]) == (code, severity, 8)
    assert finding["remedy"]


@pytest.mark.parametrize(
    "line",
    [
        *("Level: \"'Gold'\"", 'Level: "1 if name else None"', "owner: \"'anybody'\"", "address: \"{'value': name}\""),
        *("since: datetime.date.today()", "Amount: id", "vip: id > 5", "emails: \"[{'value': name}]\"", "a4: name"),
        *("Level: name", "since: \"'2026-01-01'\"", "Amount: \"'5'\""),
    ],
)
def test_what_the_destination_takes(run, line):
    result = run(f"{BEGIN}{NAME}    {line}\n{END}", *WITH_ALL)
    assert found(result) == []
    assert result.exit_code == 0


def test_required_fields_and_streams_of_the_destination(run):
    assert found(run(BEGIN + END, *WITH_ALL)) == [(2, 3, "missing_required")]
    assert found(run(f"{BEGIN}    name: name\n{END}", *WITH_ALL)) == [(7, 11, "nullable_required")]
    text = BEGIN.replace("accounts", "acounts") + NAME + END
    assert found(run(text, *WITH_ALL)) == [(2, 3, "unknown_destination")]
    assert found(run(BEGIN + NAME, *WITH_ALL)) == [(1, 1, "unknown_destination")]  # other streams pass as they are
    text = f"{BEGIN}{NAME}{END}".replace("    __else__: null\n", "", 1)
    assert found(run(text, *WITH_ALL)) == [(2, 3, "unknown_destination_field")]


def test_text_for_people_names_place_severity_and_remedy(run):
    result = run("stream_maps:\n  customers: {a: nmae}\n", "--catalog", "catalog.json")
    assert result.exit_code == 1
    line, summary = result.stdout.splitlines()
    assert line.startswith("map.yml:2:18: error: stream_maps.customers.a: the source has no field `nmae`. ")
    assert line.endswith("Did you mean `name`? [unknown_name]")
    assert summary == "1 error"


@pytest.mark.parametrize(
    ("properties", "places"),
    [
        ("{__key_properties__: [ref, id], __else__: null, id: id}", [(2, 36, "wrong_key")]),
        ("{__key_properties__: [ref], id: id}", []),  # it may be a field of the source
        ("{__key_properties__: [id], id: null}", [(2, 41, "wrong_key")]),
        ("{__key_properties__: [a], a: name if id else None}", [(2, 43, "nullable_key")]),
        ("{__key_properties__: [a], a: none_yet}", [(2, 43, "nullable_key")]),
        ("{__key_properties__: [a], a: \"{'x': 1}.get(id)\"}", [(2, 44, "nullable_key")]),
        ("{__key_properties__: [a], a: \"{'x': 1}.get(id, 2)\"}", []),
        ("{__key_properties__: [a], a: \"lookup('t', id)\"}", [(2, 44, "nullable_key")]),
        ("{__key_properties__: [a], a: \"lookup('t', id, 'x')\"}", []),
        ("{__key_properties__: [a], a: {value: id, lookup: t}}", [(2, 51, "nullable_key")]),
        ("{__key_properties__: [a], a: {value: id, lookup: t, otherwise: x}}", []),
        ("{__key_properties__: [a], a: {value: id if id else None, when_null: 0}}", []),
        ("{__key_properties__: [a], a: text(id) or name.upper()}", []),
        ('{__key_properties__: [a], a: "[id, name]"}', [(2, 44, "wrong_key")]),
    ],
)
def test_keys_without_a_catalog(run, properties, places):
    text = f"stream_maps:\n  customers: {properties}\n  other: {{a: none_yet, b: \"lookup('t', b)\"}}\n"
    text += "expressions: {none_yet: name if id else None}\ncode_tables: {t: {x: y}}\n"
    assert found(run(text, "--json")) == places


def test_without_a_catalog_it_says_what_was_not_checked(run):
    result = run("stream_maps:\n  customers: {a: nmae}\n")
    assert result.exit_code == 0
    assert result.stdout == "Nothing wrong found\n"
    assert "--catalog" in result.stderr


def test_fields_that_no_map_reads_are_noted_if_asked_for(run):
    text = "stream_maps:\n  customers: {__else__: null, id: id}\n"
    result = run(text, "--catalog", "catalog.json", "--unused")
    assert result.exit_code == 0
    assert "note: stream_maps.customers: no map reads these fields of `customers`: name, amount" in result.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["none.yml"], "there is no file 'none.yml'"),
        ([], "Name the mapping file"),
        (["map.yml", "--catalog", "none.json"], "none.json cannot be read"),
        (["map.yml", "--catalog", "map.yml"], "is no Singer catalog"),
        (["map.yml", "--catalog", "a", "--tap", "b"], "not both"),
        (["map.yml", "--destination", "x"], "needs --catalog or --tap"),
        (["map.yml", "--tap", "no-such-tap"], "cannot be run"),
        (["map.yml", "--catalog", "catalog.json", "--destination", "catalog.json"], "no snapshot of a destination"),
        (["map.yml", "--catalog", "catalog.json", "--destination", "no-such-target"], "neither a file nor a command"),
        (["broken.yml"], "broken.yml:2:1: not valid YAML"),
        (["tab.yml"], "indent with blanks, and never with tabs"),
        (["quote.yml"], "begins with a quote, `[` or `{` stands in quotes as a whole"),
        (["colon.yml"], "an expression with `: ` in it stands in quotes"),
    ],
)
def test_what_keeps_it_from_checking_is_wrong_usage(run, options, told):
    run("stream_maps: {customers: {}}\n")
    Path("broken.yml").write_text("stream_maps: [\n")
    Path("tab.yml").write_text("stream_maps:\n\tcustomers: {}\n")
    Path("quote.yml").write_text("stream_maps:\n  customers:\n    a: 'x' + name\n")
    Path("colon.yml").write_text("stream_maps:\n  customers:\n    a: name + ': '\n")
    result = CliRunner().invoke(check, options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("properties", "place", "told"),
    [
        ("{no: name}", (2, 15), "`no` is False to YAML, and no text. Put it in quotes"),
        ("{a: [name]}", (2, 15), "`[` begins a list of YAML"),
        ("{a: {name}}", (2, 15), "an expression that begins with `{` stands in quotes"),
        ("{a: {value: id, type: text}}", (2, 30), "Did you mean `string`"),
        ("{a: {value: id, type: float}}", (2, 30), "Did you mean `number`"),
    ],
)
def test_what_yaml_or_other_tools_mean_by_it_is_told(run, properties, place, told):
    findings = json.loads(run(f"stream_maps:\n  customers: {properties}\n", *WITH_CATALOG).stdout)["findings"]
    assert [
        it
        for it in findings
        if told in f"{it['message']}. {it['remedy'][:1].upper()}{it['remedy'][1:]}" or told in it["remedy"]
    ]
    assert (findings[0]["line"], findings[0]["column"]) == place


def test_tap_and_target_are_asked_in_processes_of_their_own(run, tmp_path):
    for name, content in (("tap", CATALOG), ("target", SNAPSHOT)):
        arguments = "['--discover'], ['describe', '--config', 'ENV']"
        program = f"import sys\nassert sys.argv[1:] in ({arguments})\nprint({json.dumps(content)!r})\n"
        Path(name).write_text(f"#!{sys.executable}\n{program}")
        Path(name).chmod(0o755)
    result = run(f"{BEGIN}{NAME}{END}", "--tap", str(tmp_path / "tap"), "--destination", str(tmp_path / "target"))
    assert (result.exit_code, result.stdout) == (0, "Nothing wrong found\n"), result.output


def test_the_command_checks_the_shipped_mapping_in_a_second_of_the_processor():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [COMMAND, "check", str(ROOT / "mappings" / "jde-to-pipedrive.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


# -- JSON Schema of the file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted((ROOT / "mappings").glob("*.yml")), ids=lambda file: file.name)
def test_shipped_mappings_keep_to_the_schema_and_name_it(file):
    jsonschema.validate(yaml.safe_load(file.read_text()), json.loads(schema_text()))
    assert "# yaml-language-server: $schema=../sync-mapper/sync_mapper/mapping.schema.json" in file.read_text()


def test_the_schema_can_be_printed():
    result = CliRunner().invoke(check, ["--schema"])
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "sync-mapper/sync_mapper/mapping.schema.json").read_text()
    jsonschema.Draft7Validator.check_schema(json.loads(result.stdout))


def test_the_options_are_those_of_the_sdk():
    constants = {name: value for name, value in vars(sdk_mapper).items() if name.startswith("MAPPER_")}
    assert sorted(OPTIONS) == sorted(value for name, value in constants.items() if name.endswith("_OPTION"))


def test_the_schema_knows_all_options_and_types():
    schema = json.loads(schema_text())["definitions"]
    assert sorted(schema["stream"]["anyOf"][1]["properties"]) == sorted(OPTIONS)
    long = schema["property"]["anyOf"][2]["properties"]
    assert sorted(long) == sorted(KEYS)
    assert sorted(long["type"]["anyOf"][0]["enum"]) == sorted(TYPES)


@pytest.mark.parametrize(
    "text",
    [
        *("{}", "stream_maps: {}", "stream_maps: {a: 5}", "stream_maps: {a: {__fliter__: x}}", "maps: {a: {}}"),
        *(
            "stream_maps: {a: {x: 5}}",
            "stream_maps: {a: {x: {valu: y}}}",
            "stream_maps: {a: {x: {value: y, type: int}}}",
        ),
        *("stream_maps: {a: {__source__: b, __alias__: c}}", "stream_maps: {a: {__key_properties__: b}}"),
        *("stream_maps: {a: null}\nexpressions: {1x: y}", "stream_maps: {a: null}\ncode_tables: {t: 5}"),
        *("stream_maps: {a: {x: {value: y, otherwise: z}}}", "stream_maps: {__else__: x}"),
        "stream_maps: {a: null}\ncode_tables: {t: {file: x}}",
    ],
)
def test_what_the_schema_refuses(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json.loads(schema_text()))


def test_what_python_asks_does_not_end_in_two_marks() -> None:
    problem = parse("coalesce(surname name)")
    assert isinstance(problem, Problem)
    assert problem.message.endswith("Perhaps you forgot a comma")
