"""The mapper as a process, here a script that speaks Singer as sync-mapper does and tells what it was given."""

from __future__ import annotations

import os
import sys
import typing as t

import pytest
from sync_ledger.engine.mapper_process import MappedStream, MapperProcess
from sync_ledger.errors import ConfigError
from sync_ledger.rows import Origin

if t.TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """#!{python}
import json, os, sys
assert sys.argv[1:] == ["--config=ENV"]
assert os.path.isfile(os.environ["SYNC_MAPPER_MAPPING_FILE"])
assert os.environ["SYNC_MAPPER_UNMAPPED_GUARD_PERCENT"] == "0"
def say(**message):
    print(json.dumps(message))
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "SCHEMA":
        names = sorted(message["schema"]["properties"])
        schema = {{"properties": dict.fromkeys(names, {{}})}}
        say(type="SCHEMA", stream="seen", schema=schema, key_properties=message["key_properties"])
    elif message["type"] == "STATE":
        say(**message)
        sys.stdout.flush()
    else:
        record = message["record"]
        if record.get("die"):
            print("2026-11-25 08:00:00,000 | ERROR    | sync-mapper | mapping.yml:3: it went wrong", file=sys.stderr)
            sys.exit(1)
        if record.get("bad"):
            say(type="SCHEMA", stream="_unmapped", schema={{"properties": {{}}}}, key_properties=[])
            say(type="RECORD", stream="_unmapped", record={{"stream": "seen", "reason": "bad"}})
        else:
            for _ in range(record.get("times", 1)):
                say(type="RECORD", stream="seen", record=record)
"""


@pytest.fixture
def mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "bin" / "sync-mapper"
    script.parent.mkdir()
    script.write_text(SCRIPT.format(python=sys.executable), "utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    file = tmp_path / "mapping.yml"
    file.write_text("")
    return file


def test_what_becomes_of_each_row_is_told_apart(mapping: Path) -> None:
    rows = [{"n": 1}, {"n": 2, "times": 0}, {"n": 3, "bad": True}, {"n": 4, "times": 2}]
    with MapperProcess(mapping) as mapper:
        found = mapper.map([(Origin("source", ("n",)), row) for row in rows])
    assert [[record["n"] for _, record in one.records] for one in found] == [[1], [], [], [4, 4]]
    assert [len(one.unmapped) for one in found] == [0, 0, 1, 0]


def test_streams_are_declared_with_all_their_properties_and_anew_when_there_are_more(mapping: Path) -> None:
    with MapperProcess(mapping) as mapper:
        mapper.map([(Origin("source", ("n",), ("absent",)), {"n": 1}), (Origin("source", ("n",)), {"n": 2, "a": 1})])
        assert mapper.streams("source") == {"seen": MappedStream(("a", "absent", "n"), ("n",))}
        mapper.map([(Origin("source", ("n",)), {"n": 3, "b": 1})])
        assert mapper.streams("source") == {"seen": MappedStream(("a", "absent", "b", "n"), ("n",))}
        mapper.map([(Origin("other"), {"x": 3})])
        assert mapper.streams("other") == {"seen": MappedStream(("x",), ())}
        assert mapper.streams("source")["seen"].key_properties == ("n",)
    with mapper:
        assert mapper.streams("source") == {}, "another process knows nothing"


def test_rows_beyond_what_pipes_hold_never_block(mapping: Path) -> None:
    rows = [{"n": number, "text": "x" * 5_000} for number in range(500)]
    with MapperProcess(mapping) as mapper:
        found = mapper.map([(Origin("source", ("n",)), row) for row in rows])
    assert [one.records[0][1]["n"] for one in found] == list(range(500))


def test_a_mapper_that_ends_is_told_in_its_own_words(mapping: Path) -> None:
    rows = [{"n": number, "text": "x" * 5_000, "die": number == 10} for number in range(500)]
    with (
        pytest.raises(ConfigError, match=r"cannot map with .*mapping.yml: mapping.yml:3: it went wrong$"),
        MapperProcess(mapping) as mapper,
    ):
        mapper.map([(Origin("source", ("n",)), row) for row in rows])


def test_an_error_amid_an_answer_leaves_no_process(mapping: Path) -> None:
    mapper = MapperProcess(mapping)
    with pytest.raises(KeyboardInterrupt), mapper:
        raise KeyboardInterrupt
    assert mapper._process.poll() is not None
