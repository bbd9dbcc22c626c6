"""A hundred thousand rows, one in a hundred broken, through the console script between two real pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import typing as t
from collections import Counter
from pathlib import Path

import pytest

COMMAND = str(Path(sysconfig.get_path("scripts")) / "sync-mapper")
MAPS = {
    "organizations": {
        "__source__": "customers",
        "__else__": None,
        "__key_properties__": ["ref"],
        "ref": "str(id)",
        "name": "name",
        "limit": {"value": "float(limit) * 2", "type": "number"},
    },
    "__else__": None,
}
SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "key_properties": ["id"],
    "schema": {
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "limit": {"type": ["string", "null"]}}
    },
}
BROKEN = ("n/a", None)
EVERY = 100


def lines(count: int) -> t.Iterator[bytes]:
    yield json.dumps(SCHEMA).encode() + b"\n"
    for number in range(count):
        limit = str(number) if number % EVERY else BROKEN[number // EVERY % 2]
        row = {"id": number, "name": f"Customer {number} " + "x" * 300, "limit": limit}
        yield json.dumps({"type": "RECORD", "stream": "customers", "record": row}).encode() + b"\n"
        if number % 10_000 == 9_999:
            yield json.dumps({"type": "STATE", "value": {"read": number + 1}}).encode() + b"\n"


def run(count: int, folder: Path) -> tuple[int, t.Iterable[dict[str, t.Any]], str, int]:
    """Return exit code, messages, log and peak memory in KB."""
    (folder / "config.json").write_text(json.dumps({"stream_maps": MAPS}))
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND, "--config", "config.json"], stdin=subprocess.PIPE, stdout=out, stderr=log, cwd=folder
        )
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.writelines(lines(count))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    messages = (json.loads(line) for line in (folder / "out").open(encoding="utf-8"))
    return process.returncode, messages, (folder / "log").read_text(), used.ru_maxrss


@pytest.mark.slow
def test_broken_rows_are_told_all_others_arrive_and_memory_stays(tmp_path):
    count = 100_000
    code, messages, log, peak = run(count, tmp_path)
    assert code == 0, log[-2000:]
    arrived, told = [], []
    reasons: Counter[str] = Counter()
    states = []
    for message in messages:
        if message["type"] == "STATE":
            # Nothing that came before a STATE may follow it.
            assert len(arrived) + len(told) == message["value"]["read"]
            states.append(message["value"]["read"])
        elif message["type"] == "RECORD" and message["stream"] == "organizations":
            row = message["record"]
            assert row["limit"] == int(row["ref"]) * 2
            arrived.append(int(row["ref"]))
        elif message["type"] == "RECORD":
            row = message["record"]
            assert (message["stream"], row["field"]) == ("_unmapped", "limit")
            assert row["mapped_key"] == json.dumps({"ref": str(row["record"]["id"])}, separators=(",", ":"))
            told.append(json.loads(row["key"])["id"])
            reasons[row["reason"].split(":")[0]] += 1
    assert told == list(range(0, count, EVERY))
    assert arrived == [number for number in range(count) if number % EVERY]
    assert reasons == {"ValueError": 500, "TypeError": 500}
    assert states == list(range(10_000, count + 1, 10_000))
    assert "1000 rows meant for organizations could not be mapped" in log
    _, _, _, few = run(5_000, tmp_path)
    assert peak < few * 1.1
