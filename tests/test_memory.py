"""Memory stays flat: many rows through a plug-in need no more of it than few do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest
from service_emulators.testing import start_jde, start_pipedrive

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="tells the peak memory of a process on Linux only"),
]

GROWTH = 1.2
"""Peak of the many divided by the peak of the few; the few are enough to fill every buffer."""
TAP_GROWTH = 1.5
"""How much of its window of pages the tap uses changes from run to run; kept rows would be many times more."""

SCHEMA = {
    "type": "SCHEMA",
    "stream": "organizations",
    "key_properties": ["external_id"],
    "schema": {"properties": {"external_id": {"type": "string"}, "name": {"type": "string"}}},
}


def peak_memory(folder: Path, module: str, settings: dict[str, t.Any], lines: Iterable[str] = ()) -> int:
    """Run a plug-in as a process and return its peak memory in kB."""
    (folder / "config.json").write_text(json.dumps(settings))
    given = folder / "input"
    with given.open("w") as file:
        file.writelines(lines)
    with given.open("rb") as stdin, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--config", str(folder / "config.json")],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (folder / "log").read_text()[-2000:]
    return used.ru_maxrss


def organizations(count: int, *, times: int = 1) -> Iterable[str]:
    yield json.dumps(SCHEMA) + "\n"
    for _ in range(times):
        for number in range(count):
            record = {"external_id": str(number), "name": f"Customer {number}"}
            yield json.dumps({"type": "RECORD", "stream": "organizations", "record": record}) + "\n"
        yield json.dumps({"type": "STATE", "value": {"position": number}}) + "\n"


def test_of_the_tap(tmp_path: Path) -> None:
    peaks = []
    for rows in (40_000, 160_000):
        with start_jde(gl_rows=rows) as jde:
            settings = {
                "ais_url": jde.url,
                "username": jde.username,
                "password": jde.password,
                "tables": ["F0911"],
                "streams": [],
                "max_concurrency": 2,
            }
            peaks.append(peak_memory(tmp_path, "tap_jdedwards", settings))
    assert peaks[1] < peaks[0] * TAP_GROWTH


def test_of_the_mapper(tmp_path: Path) -> None:
    settings = {"stream_maps": {"organizations": {"name": "name.upper()"}}}
    few, many = (peak_memory(tmp_path, "sync_mapper", settings, organizations(rows)) for rows in (10_000, 200_000))
    assert many < few * GROWTH


def test_of_a_target(tmp_path: Path) -> None:
    with start_pipedrive(burst=0, daily_budget=0) as account:
        settings = {
            "api_url": account.url,
            "api_token": account.api_token,
            "company_domain": account.company_domain,
            "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        }
        few = peak_memory(tmp_path, "target_pipedrive", settings, organizations(2_000))
        many = peak_memory(tmp_path, "target_pipedrive", settings, organizations(2_000, times=30))
    assert many < few * GROWTH
