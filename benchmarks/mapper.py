"""sync-mapper beside meltano-map-transform, the SDK's own mapper, on the same maps and rows in one run.

Each is a process of its own that reads a file of Singer messages and throws its output away, measured from start to
end with its peak memory. Each has an environment with what its package asks for and nothing else: libraries that both
stand on import others, such as numpy, wherever they are installed. The two take turns, so that a busy spell of the
machine meets both. See the README of this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = "orders"
DATES = ("ordered", "promised", "shipped")
NUMBERS = ("quantity", "price", "discount", "weight", "lines")
FLAGS = ("open", "held")
TEXTS = ("customer", "name", "city", "country", "currency", "branch", "item")
MAPS: dict[str, dict[str, t.Any]] = {
    "no_map": {},
    "renames": {STREAM: {f"new_{name}": name for name in (*DATES, *NUMBERS, *FLAGS)}},
    "expressions": {
        STREAM: {
            "total": "float(quantity) * float(price)",
            "label": "customer + ' - ' + name",
            "state": "'open' if open else 'closed'",
            "town": "country + ' ' + city",
            "digest": "md5(customer)",
            "first": "tags[0] if tags else None",
            "item": None,
            "__filter__": "quantity >= 0",
        }
    },
    "fan_out": {
        "buyers": {"__source__": STREAM, "__else__": None, "id": "id", "name": "name", "city": "city"},
        "goods": {"__source__": STREAM, "__else__": None, "id": "id", "item": "item", "price": "price"},
        STREAM: None,
    },
}


def main() -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="script/bench mapper", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    other = Path(os.environ["BENCH_PYTHON"]).with_name("meltano-map-transform")
    ours = Path(os.environ["BENCH_OURS"]).with_name("sync-mapper")
    mappers = {"ours": str(ours), "other": str(other)}
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows.jsonl")
        with rows.open("w") as file:
            file.writelines(json.dumps(message) + "\n" for message in _messages(arguments.rows))
        for number in range(arguments.rounds):
            for name, maps in MAPS.items():
                print(f"Round {number + 1} of {arguments.rounds}, {name} ...", flush=True)
                for who, command in mappers.items():
                    took, peak = _run(command, maps, rows, Path(folder))
                    seconds.setdefault(f"{name}_{who}", []).append(took)
                    peaks.setdefault(f"{name}_{who}", []).append(peak)
    result = _result(seconds, peaks, arguments.rows)
    for key, value in result.items():
        print(f"{key:40} {value:10.4g}")
    if arguments.json:
        Path(os.environ.get("CALLED_FROM", "."), arguments.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _messages(count: int) -> Iterator[dict[str, t.Any]]:
    """Yield a stream of records with 20 fields each, about 560 bytes a line."""
    properties: dict[str, t.Any] = {"id": {"type": "integer"}}
    properties |= {name: {"type": ["string", "null"], "format": "date"} for name in DATES}
    properties |= {name: {"type": ["number", "null"]} for name in NUMBERS}
    properties |= {name: {"type": ["boolean", "null"]} for name in FLAGS}
    properties |= {name: {"type": ["string", "null"]} for name in TEXTS}
    properties |= {
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        "address": {"type": ["object", "null"], "properties": {"street": {"type": "string"}}},
    }
    yield {"type": "SCHEMA", "stream": STREAM, "key_properties": ["id"], "schema": {"properties": properties}}
    for number in range(count):
        record: dict[str, t.Any] = {"id": number}
        record |= dict.fromkeys(DATES, "2026-02-28")
        record |= dict.fromkeys(NUMBERS, number / 8)
        record |= dict.fromkeys(FLAGS, number % 2 == 0)
        record |= {name: f"{name} number {number}" for name in TEXTS}
        record |= {"tags": ["a", "b"], "address": {"street": f"Street {number}"}}
        yield {
            "type": "RECORD",
            "stream": STREAM,
            "record": record,
            "time_extracted": "2026-02-28T10:00:00+00:00",
        }
    yield {"type": "STATE", "value": {"bookmarks": {STREAM: {"id": count}}}}


def _run(command: str, maps: dict[str, t.Any], rows: Path, folder: Path) -> tuple[float, float]:
    """Run a mapper; returns seconds and peak memory in MB."""
    (folder / "config.json").write_text(json.dumps({"stream_maps": maps}))
    begun = time.monotonic()
    with rows.open("rb") as stdin, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [command, "--config", str(folder / "config.json")], stdin=stdin, stdout=subprocess.DEVNULL, stderr=log
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"Error: {command} failed\n{(folder / 'log').read_text()[-2000:]}")
    return time.monotonic() - begun, used.ru_maxrss / 1024


def _result(seconds: dict[str, list[float]], peaks: dict[str, list[float]], rows: int) -> dict[str, float]:
    took = {name: statistics.median(values) for name, values in seconds.items()}
    peak = {name: statistics.median(values) for name, values in peaks.items()}
    result: dict[str, float] = {}
    for name in MAPS:
        result[f"{name}_speed_ratio"] = took[f"{name}_other"] / took[f"{name}_ours"]
        result[f"{name}_memory_ratio"] = peak[f"{name}_ours"] / peak[f"{name}_other"]
    result |= {f"{name}_rows_per_second": rows / value for name, value in took.items()}
    return result | {f"{name}_peak_mb": value for name, value in peak.items()}


if __name__ == "__main__":
    sys.exit(main())
