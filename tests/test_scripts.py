"""The commands in script/: they leave no process behind and destroy nothing of one another."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the commands need of a checkout, in a folder of its own, so that no run of a user's is disturbed."""
    shutil.copytree(ROOT / "script", tmp_path / "script")
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    shutil.copytree(ROOT / "alerts", tmp_path / "alerts")
    shutil.copy(ROOT / "meltano.yml", tmp_path)
    return tmp_path


def start(checkout: Path, name: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, str(checkout / "script" / "lib" / f"{name}.py"), *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=checkout, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def left_behind(checkout: Path) -> list[str]:
    """Return the command lines of processes that work with the checkout's files."""
    return [line for line in _command_lines() if str(checkout) in line]


def _command_lines() -> Iterator[str]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def wait_for(condition: t.Callable[[], t.Any], seconds: float = 30) -> None:
    patience = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.05)


@pytest.mark.shows_secrets("the emulators tell their credentials to those who start them")
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("signum", "pipeline", "log_file"),
    [
        (signal.SIGTERM, "pipedrive", "runs.log"),
        (signal.SIGINT, "pipedrive", "runs.log"),
        (signal.SIGHUP, "pipedrive", "runs.log"),
        (signal.SIGTERM, "all", "pipedrive/runs.log"),
    ],
)
def test_a_demo_that_is_stopped_says_so_and_leaves_no_process_behind(
    checkout: Path, signum: signal.Signals, pipeline: str, log_file: str
) -> None:
    demo = start(checkout, "demo", pipeline, "--customers", "100")
    log = checkout / ".demo" / log_file
    wait_for(lambda: log.exists() and left_behind(checkout))
    time.sleep(1.0)  # Meltano has started some of its children by now
    demo.send_signal(signum)
    said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 128 + signum
    assert said.splitlines()[-1] == "Stopped."
    assert "Traceback" not in said
    assert left_behind(checkout) == []


@pytest.mark.slow
@pytest.mark.shows_secrets("the emulators tell their credentials to those who start them")
def test_the_demo_of_alerts_tells_what_it_promises_and_counts_it(checkout: Path) -> None:
    # What each run has to send is checked by the demo itself, against the tables and not by the rules.
    demo = start(checkout, "demo", "alerts", "--customers", "100", "--json", str(checkout / "result.json"))
    said, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, said
    for shown in ("+12025550103", "payables@example.com", "[RESOLVED] PV ", "7 cases, 0 failed"):
        assert shown in said
    runs = json.loads((checkout / "result.json").read_text())["pipelines"]["jde-to-alerts"]["runs"]
    assert [run["writes"] for run in runs][1:] == [0, 3]
    assert runs[0]["writes"] > 10
    assert left_behind(checkout) == []


@pytest.mark.shows_secrets("the emulators tell their credentials to those who start them")
def test_emulators_that_run_already_are_left_alone(checkout: Path) -> None:
    first = start(checkout, "emulators", "--customers", "10", "--contacts", "10")
    environment = checkout / ".emulators" / "env"
    try:
        wait_for(environment.exists)
        second = start(checkout, "emulators")
        said, _ = second.communicate(timeout=30)
        assert second.returncode == 1
        assert "running already" in said
        assert environment.exists()
        assert first.poll() is None
        assert environment.stat().st_mode & 0o077 == 0
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
    assert first.returncode == 0


def test_a_demo_refuses_what_it_cannot_do_at_once(checkout: Path) -> None:
    for arguments in (["--customers", "5"], ["--json", "/nowhere/result.json"], ["salesforce"]):
        demo = start(checkout, "demo", *arguments)
        said, _ = demo.communicate(timeout=30)
        assert demo.returncode == 2
        assert "error:" in said
        assert "Traceback" not in said
