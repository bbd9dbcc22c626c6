"""The console script between two pipes: what goes on, under which name, with what beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import typing as t

import pytest

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": ["string", "null"]},
            "credit": {"type": ["number", "null"]},
            "changed": {"type": ["string", "null"], "format": "date-time"},
        },
    },
    "key_properties": ["id"],
    "bookmark_properties": ["changed"],
}


def record(number: int, stream: str = "customers", **more: t.Any) -> dict[str, t.Any]:
    row = {"id": number, "name": f"Customer {number}", "credit": 10.5, "changed": "2026-01-02T03:04:05Z"}
    return {"type": "RECORD", "stream": stream, "record": {**row, **more}, "time_extracted": "2026-11-20T09:30:05.123Z"}


def test_without_maps_everything_passes_unchanged(pipe):
    state = {"type": "STATE", "value": {"bookmarks": {"customers": {"replication_key": "changed"}}}}
    version = {"type": "ACTIVATE_VERSION", "stream": "customers", "version": 7}
    messages = [SCHEMA, {**record(1), "version": 7}, record(2, name="Müller, “Zoë” \u2028 O'Hara"), state, version]
    result = pipe.run(messages)
    assert result.code == 0, result.log
    assert result.messages[1:] == messages[1:]
    assert result.messages[0] == SCHEMA


def test_a_map_computes_properties_and_keeps_what_stands_beside_the_record(pipe):
    maps = {"customers": {"__else__": None, "id": "id", "label": "f'{id}: {name}'", "double": "float(credit) * 2"}}
    result = pipe.run([SCHEMA, {**record(1), "version": 3}], stream_maps=maps)
    assert result.code == 0, result.log
    assert result.of("RECORD") == [
        {
            "type": "RECORD",
            "stream": "customers",
            "record": {"id": 1, "label": "1: Customer 1", "double": 21.0},
            "time_extracted": "2026-11-20T09:30:05.123Z",
            "version": 3,
        }
    ]
    schema = result.of("SCHEMA")[0]
    assert schema["bookmark_properties"] == ["changed"]
    assert schema["key_properties"] == ["id"]
    assert schema["schema"]["properties"]["double"]["type"] == ["number", "null"]


def test_a_stream_mapped_to_null_vanishes_with_its_schema_and_versions(mapper):
    version = {"type": "ACTIVATE_VERSION", "stream": "customers", "version": 7}
    messages = [SCHEMA, record(1), version, {**SCHEMA, "stream": "other"}, record(2, "other")]
    for nothing in (None, "__NULL__"):
        result = mapper.run(messages, stream_maps={"customers": nothing})
        assert [(message["type"], message["stream"]) for message in result.messages] == [
            ("SCHEMA", "other"),
            ("RECORD", "other"),
        ]


def test_else_null_leaves_out_streams_that_are_not_named(mapper):
    messages = [SCHEMA, record(1), {**SCHEMA, "stream": "other"}, record(2, "other")]
    result = mapper.run(messages, stream_maps={"other": {}, "__else__": None})
    assert result.streams == ["other"]
    assert [row["id"] for row in result.rows("other")] == [2]


def test_a_filter_leaves_rows_out(mapper):
    result = mapper.run([SCHEMA, record(1), record(2)], stream_maps={"customers": {"__filter__": "id > 1"}})
    assert [row["id"] for row in result.rows("customers")] == [2]
    assert result.code == 0


def test_one_source_into_two_streams(pipe):
    maps = {
        "organizations": {"__source__": "customers", "__key_properties__": ["ref"], "ref": "str(id)", "id": None},
        "accounts": {"__source__": "customers", "__else__": None, "id": "id", "title": "name"},
        "__else__": None,
    }
    version = {"type": "ACTIVATE_VERSION", "stream": "customers", "version": 7}
    result = pipe.run([SCHEMA, record(1), version], stream_maps=maps)
    assert result.streams == ["organizations", "accounts"]
    assert result.of("SCHEMA", "organizations")[0]["key_properties"] == ["ref"]
    assert result.rows("organizations")[0]["ref"] == "1"
    assert result.rows("accounts") == [{"id": 1, "title": "Customer 1"}]
    assert [message["stream"] for message in result.of("ACTIVATE_VERSION")] == ["organizations", "accounts"]


def test_an_alias_renames_schema_records_and_versions(mapper):
    version = {"type": "ACTIVATE_VERSION", "stream": "customers", "version": 7}
    for alias in ("jde_customers", "'jde_' + __stream_name__"):
        result = mapper.run([SCHEMA, record(1), version], stream_maps={"cust*": {"__alias__": alias}})
        assert {message["stream"] for message in result.messages} == {"jde_customers"}
        assert len(result.messages) == 3


def test_two_sources_into_one_stream(mapper):
    maps = {"c*": {"__alias__": "all"}}
    result = mapper.run([SCHEMA, {**SCHEMA, "stream": "clients"}, record(1), record(2, "clients")], stream_maps=maps)
    assert [row["id"] for row in result.rows("all")] == [1, 2]


def test_config_values_are_visible_in_expressions(mapper):
    maps = {"customers": {"label": "config['names'].get(str(id), 'unknown')"}}
    result = mapper.run([SCHEMA, record(1), record(2)], stream_maps=maps, stream_map_config={"names": {"1": "one"}})
    assert [row["label"] for row in result.rows("customers")] == ["one", "unknown"]


def test_flattening(mapper):
    schema = {
        **SCHEMA,
        "schema": {
            "properties": {"id": {"type": "integer"}, "a": {"type": "object", "properties": {"b": {"type": "string"}}}}
        },
    }
    row = {"type": "RECORD", "stream": "customers", "record": {"id": 1, "a": {"b": "x"}}}
    result = mapper.run([schema, row], flattening_enabled=True, flattening_max_depth=1)
    assert result.rows("customers") == [{"id": 1, "a__b": "x"}]


def test_a_schema_that_changes_half_way_is_mapped_anew(mapper):
    wider = json.loads(json.dumps(SCHEMA))
    wider["schema"]["properties"]["city"] = {"type": "string"}
    maps = {"customers": {"label": "str(id)"}}
    result = mapper.run([SCHEMA, record(1), SCHEMA, wider, record(2, city="Bonn")], stream_maps=maps)
    assert ["city" in message["schema"]["properties"] for message in result.of("SCHEMA")] == [False, False, True]
    assert result.rows("customers")[1]["city"] == "Bonn"


def test_objects_and_lists_are_declared_as_such(mapper):
    maps = {
        "customers": {
            "address": "{'value': name} if name else None",
            "tags": "[name]",
            "big": "credit > 5",
            "text": "'a' if credit else 'b'",
            "either": "name or {'a': 1}",
            "unknown": "record['name']",
        }
    }
    properties = mapper.run([SCHEMA, record(1)], stream_maps=maps).of("SCHEMA")[0]["schema"]["properties"]
    types = {name: set(properties[name]["type"]) for name in maps["customers"]}
    assert types == {
        "address": {"object", "null"},
        "tags": {"array", "null"},
        "big": {"boolean", "null"},
        "text": {"string", "null"},
        "either": {"string", "object", "null"},
        "unknown": {"string", "number", "integer", "boolean", "object", "array", "null"},
    }


def test_numbers_keep_every_digit(mapper):
    line = '{"type":"RECORD","stream":"customers","record":{"id":1,"credit":12345678901234567.89,"name":null}}'
    done = mapper.run([SCHEMA, line], stream_maps={"customers": {"name": "name"}})
    assert done.code == 0
    assert str(done.rows("customers")[0]["credit"]) == str(12345678901234567.89)


def test_unknown_message_types_are_left_out(mapper):
    result = mapper.run([SCHEMA, {"type": "LOG", "message": "x"}, {"type": "LOG"}, record(1)])
    assert len(result.messages) == 2
    assert result.log.count("unknown type LOG") == 1


def test_a_map_without_source_is_told(mapper):
    result = mapper.run([SCHEMA], stream_maps={"custommers": {"id": "id"}, "F0101": None})
    assert result.code == 0
    assert "The map custommers was not used" in result.log
    assert "F0101" not in result.log


def _start(pipe, **config: t.Any) -> subprocess.Popen[bytes]:
    from_conftest = type(pipe).run.__globals__["COMMAND"]
    (pipe.folder / "config.json").write_text(json.dumps(config))
    return subprocess.Popen(
        [from_conftest, "--config", "config.json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=pipe.folder,
    )


def test_state_is_passed_on_while_the_run_lasts(pipe):
    with _start(pipe) as process:
        for message in (SCHEMA, record(1), {"type": "STATE", "value": {"a": 1}}):
            process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        kinds = [json.loads(process.stdout.readline())["type"] for _ in range(3)]
        process.stdin.close()
        assert kinds == ["SCHEMA", "RECORD", "STATE"]
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_between_two_messages_with_an_exit_code_that_tells(pipe, number):
    with _start(pipe) as process:
        for message in (SCHEMA, {"type": "STATE", "value": {"a": 1}}, record(1)):
            process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(number)
        code = process.wait(timeout=30)
        lines += process.stdout.readlines()
        assert code == 128 + number
        assert all(json.loads(line) for line in lines)
        assert b"Traceback" not in process.stderr.read()


def test_a_target_that_dies_is_one_line_and_no_traceback(pipe):
    with _start(pipe) as process:
        process.stdout.close()
        lines = json.dumps(SCHEMA) + "\n" + (json.dumps(record(1)) + "\n") * 2000
        try:
            process.stdin.write(lines.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        log = process.stderr.read().decode()
        assert process.wait(timeout=30) == 1
        assert "closed the pipe" in log
        assert "Traceback" not in log
        assert log.count("| ERROR") == 1
