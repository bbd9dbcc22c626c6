"""tap-jdedwards beside other ways to read the same general ledger from an AIS Server, in one run.

The server is the emulator, in a process of its own, without latency and with 80 ms. Every reader is a process of its
own as well and measured from its start to its end, peak memory included; those made with the SDK also tell how long
they read. The readers take turns, so that a busy spell of the machine meets all of them. See the README of this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service_emulators.client import Control

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READERS = Path(__file__).parent / "readers"
LATENCIES = (0, 80)
WORKERS = 4
MEMORY_ROWS = (50_000, 1_000_000)
_READING = re.compile(rb'"metric":"sync_duration","value":([0-9.]+)')
_RECORDS = re.compile(rb'"metric":"record_count","value":([0-9]+)')


@dataclass
class Server:
    """A running emulator with a ledger, and the files readers need to read it."""

    rows: int
    folder: Path
    about: dict[str, t.Any]
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        access = {f"BENCH_{name.upper()}": self.about[name] for name in ("url", "username", "password")}
        self.environment = {**os.environ, **access}
        self.control = Control(self.about["url"])


@dataclass(frozen=True)
class Run:
    """What one reader needed: seconds from start to end, seconds of reading alone, peak memory in MB."""

    seconds: float
    reading: float
    peak: float


def main() -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="script/bench tap", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    if "BENCH_PYTHON" not in os.environ:
        sys.exit("Error: dlt has an environment of its own; start this as script/bench tap")
    runs: dict[str, list[Run]] = {}
    with _server(arguments.rows) as server:
        readers = _readers(server)
        for number in range(arguments.rounds):
            for latency in LATENCIES:
                print(f"Round {number + 1} of {arguments.rounds}, {latency} ms: {arguments.rows} rows ...", flush=True)
                server.control.switch(latency=latency)
                for name, pipeline in readers.items():
                    runs.setdefault(f"{name}_{latency}ms", []).append(_run(server, name, pipeline))
    for rows in MEMORY_ROWS:
        print(f"Memory: {rows} rows ...", flush=True)
        with _server(rows) as server:
            runs[f"tap_{rows}_rows"] = [_run(server, "tap", _readers(server)["tap"])]
    result = _result(runs, arguments.rows)
    for key, value in result.items():
        print(f"{key:45} {value:10.4g}")
    if arguments.json:
        file = Path(os.environ.get("CALLED_FROM", "."), arguments.json)
        file.write_text(json.dumps(result, indent=2) + "\n")
    return 0


@contextmanager
def _server(rows: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        about = folder / "emulators.json"
        options = ["--customers", "20", "--contacts", "0", "--gl-rows", str(rows), "--json", str(about)]
        process = subprocess.Popen(["service-emulators", "serve", "jde", *options], stdout=subprocess.DEVNULL)
        try:
            while not about.exists():
                if process.poll() is not None:
                    sys.exit("Error: the emulator did not start")
                time.sleep(0.05)
            server = Server(rows, folder, json.loads(about.read_text())["jde"])
            _prepare(server)
            yield server
        finally:
            process.terminate()
            process.wait()


def _prepare(server: Server) -> None:
    """Write the settings and the selection of columns for the tap, and the ranges for the loop."""
    settings = {
        **{name: server.about[name] for name in ("username", "password")},
        "ais_url": server.about["url"],
        "tables": ["F0911"],
        "streams": [],
        "max_concurrency": WORKERS,
    }
    (server.folder / "tap.json").write_text(json.dumps(settings))
    (server.folder / "target.json").write_text(json.dumps({"folder": str(server.folder / "output")}))
    columns = json.loads((READERS / "columns.json").read_text())
    discover = ["tap-jdedwards", "--config", str(server.folder / "tap.json"), "--discover"]
    catalog = json.loads(subprocess.run(discover, check=True, capture_output=True).stdout)
    for entry in catalog["streams"][0]["metadata"]:
        entry["metadata"]["selected"] = not entry["breadcrumb"] or entry["breadcrumb"][-1] in columns
    (server.folder / "catalog.json").write_text(json.dumps(catalog))
    ranges = [sys.executable, str(READERS / "ranges.py"), str(server.folder / "ranges.json")]
    subprocess.run(ranges, env=server.environment, check=True)


def _readers(server: Server) -> dict[str, list[list[str]]]:
    """Return the readers by name, each as a pipeline of commands."""
    folder = server.folder
    loop = [sys.executable, str(READERS / "bare_loop.py"), str(folder / "ranges.json")]
    tap = ["tap-jdedwards", "--config", str(folder / "tap.json"), "--catalog", str(folder / "catalog.json")]
    target = [sys.executable, str(READERS / "jsonl_target.py"), "--config", str(folder / "target.json")]
    return {
        "loop": [[*loop, "1"]],
        f"loop_{WORKERS}": [[*loop, str(WORKERS)]],
        "tap": [tap],
        "sdk": [[sys.executable, str(READERS / "sdk_stream.py")]],
        "tap_jsonl": [tap, target],
        "dlt_jsonl": [[os.environ["BENCH_PYTHON"], str(READERS / "dlt_pipeline.py"), str(folder / "output")]],
    }


def _run(server: Server, name: str, pipeline: list[list[str]]) -> Run:
    """Run a pipeline and make sure that it read all rows."""
    output = server.folder / "output"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    log, said = server.folder / "log", server.folder / "said"
    begun = time.monotonic()
    with log.open("wb") as errors, said.open("wb") as last:
        processes: list[subprocess.Popen[bytes]] = []
        for command in pipeline:
            ends = command is pipeline[-1]
            source = processes[-1].stdout if processes else subprocess.DEVNULL
            sink = (subprocess.DEVNULL if name in {"tap", "sdk"} else last) if ends else subprocess.PIPE
            processes.append(
                subprocess.Popen(command, stdin=source, stdout=sink, stderr=errors, env=server.environment)
            )
            if not isinstance(source, int) and source is not None:
                source.close()  # so that the one before notices when this one ends
        used = [os.wait4(process.pid, 0) for process in processes]
    seconds = time.monotonic() - begun
    logged = log.read_bytes()
    # The SDK tells the records since it last told, once a minute.
    counted = sum(map(int, _RECORDS.findall(logged))) or int(said.read_text().split()[-1])
    written = [sum(1 for _ in file.open("rb")) for file in output.glob("F0911.jsonl")]
    if any(status for _, status, _ in used) or {counted, *written} != {server.rows}:
        sys.exit(f"Error: {name} read {counted} of {server.rows} rows\n{logged[-2000:].decode(errors='replace')}")
    reading = float(found[1]) if (found := _READING.search(logged)) else seconds
    return Run(seconds, reading, max(usage.ru_maxrss for *_, usage in used) / 1024)


def _result(runs: Mapping[str, list[Run]], rows: int) -> dict[str, float]:
    seconds = {name: statistics.median(run.seconds for run in found) for name, found in runs.items()}
    reading = {name: statistics.median(run.reading for run in found) for name, found in runs.items()}
    peak = {name: max(run.peak for run in found) for name, found in runs.items()}
    result: dict[str, float] = {}
    for latency in LATENCIES:
        at = f"{latency}ms"
        wire = seconds[f"loop_{WORKERS}_{at}"]
        for name in ("tap", "sdk", "tap_jsonl", "dlt_jsonl"):
            result[f"{name}_{at}_of_wire_ratio"] = wire / seconds[f"{name}_{at}"]
        result[f"tap_{at}_of_serial_wire_ratio"] = seconds[f"loop_{at}"] / seconds[f"tap_{at}"]
        result[f"tap_{at}_reading_of_wire_ratio"] = wire / reading[f"tap_{at}"]
        result[f"tap_{at}_to_sdk_ratio"] = seconds[f"sdk_{at}"] / seconds[f"tap_{at}"]
        result[f"tap_jsonl_{at}_to_dlt_ratio"] = seconds[f"dlt_jsonl_{at}"] / seconds[f"tap_jsonl_{at}"]
    few, many = (peak[f"tap_{count}_rows"] for count in MEMORY_ROWS)
    result["tap_memory_ratio"] = many / few
    for name in runs:
        result[f"{name}_seconds"] = seconds[name]
        result[f"{name}_peak_mb"] = peak[name]
        if name.endswith("ms"):
            result[f"{name}_rows_per_second"] = rows / seconds[name]
    return result


if __name__ == "__main__":
    sys.exit(main())
