"""All checks of this repository, one after the other, with a summary; arguments go to pytest, which then runs alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import surroundings

if t.TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
CHECKS: dict[str, Sequence[str]] = {
    "lock file": ("uv", "lock", "--check", "--offline", "--default-index", "https://pypi.org/simple"),
    "lint": ("ruff", "check", "--quiet", "."),
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "types": ("mypy", "--no-error-summary"),
    "meltano.yml": ("meltano", "--log-level", "error", "compile", "--lint", "--directory", ".tools/manifests"),
}
WORKERS = (os.cpu_count() or 1) + 1
"""One more than there are cores: a good part of the tests' time they wait, for processes and for services."""
PYTEST = (sys.executable, "-m", "pytest", "-n", str(WORKERS), "--dist", "worksteal", "-q")
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 1024**3
"""What the tests' files may take at most, with a good margin."""


def main(arguments: Sequence[str]) -> int:
    """Run the checks and return the exit code."""
    surroundings.keep_compiled_modules()
    _keep_files_in_memory()
    results: list[tuple[str, int, float]] = []
    if arguments:
        print(f"Running pytest alone, with {' '.join(arguments)}", flush=True)
    else:
        results += [(name, *_quietly(name, command)) for name, command in CHECKS.items()]
    results.append(("tests", *_loudly([*PYTEST, *arguments])))
    print()
    for name, code, seconds in results:
        print(f"{name:12} {'ok' if code == 0 else 'FAILED':7} {seconds:6.1f} s")
    failed = [name for name, code, _ in results if code]
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def _keep_files_in_memory() -> None:
    """Let temporary files lie in memory where there is room: ledgers and PostgreSQL wait for the disk at each commit.

    No test cuts the power, so none learns anything from that. A folder for temporary files that the user named is kept.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        os.environ["TMPDIR"] = str(MEMORY)


def _quietly(name: str, command: Sequence[str]) -> tuple[int, float]:
    """Run a check; what it says is shown only if it fails."""
    print(f"{name} ...", flush=True)
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        print(done.stdout)
    return done.returncode, time.monotonic() - begun


def _loudly(command: Sequence[str]) -> tuple[int, float]:
    """Run the tests. SIGTERM reaches them as SIGINT, so that they end what they have started."""
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the tests as well
        code = process.wait()
    return code, time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
