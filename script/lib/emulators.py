"""Emulators in the foreground: starts them, shows their addresses and credentials, writes .emulators/env, waits."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import time
import typing as t

import surroundings

if t.TYPE_CHECKING:
    from pathlib import Path

if t.TYPE_CHECKING:
    from types import FrameType

HOME = surroundings.ROOT / ".emulators"
SERVICES = ("jde", "pipedrive")
START_SECONDS = 120


def main() -> int:
    """Run until Ctrl-C or SIGTERM and return the exit code."""
    arguments, more = _arguments()
    _clear()
    file = HOME / "emulators.json"
    command = ["service-emulators", "serve", *(arguments.services or SERVICES), "--json", str(file), *more]
    command += ["--customers", str(arguments.customers), "--contacts", str(arguments.contacts)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        try:
            services = _started(process, file)
            surroundings.write(HOME, services)
            _show(services)
            return process.wait()
        finally:
            process.terminate()


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave by way of `finally`; Ctrl-C is the usual way to end, so it is no failure."""
    del frame
    sys.exit(0 if number == signal.SIGINT else 128 + number)


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="script/emulators",
        description=(__doc__ or "").strip(),
        epilog="Further options go to `service-emulators serve`.",
    )
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"which of {', '.join(SERVICES)} (default all)")
    parser.add_argument("--customers", type=int, default=200, help="customers in JD Edwards (default 200)")
    parser.add_argument("--contacts", type=int, default=300, help="contacts of customers (default 300)")
    return parser.parse_known_args()


def _clear() -> None:
    """Emulators start with new data; a ledger or state of earlier ones would point to records that are gone."""
    HOME.mkdir(exist_ok=True)
    for pattern in ("ledger.db*", "meltano.db*", "emulators.json", "env"):
        for file in HOME.glob(pattern):
            file.unlink()


def _started(process: subprocess.Popen[bytes], file: Path) -> dict[str, t.Any]:
    patience = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < patience:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return dict(json.loads(file.read_text()))
        time.sleep(0.05)
    sys.exit("Error: the emulators did not start")


def _show(services: dict[str, t.Any]) -> None:
    for service, facts in services.items():
        print(f"\n{service}")
        for name, value in facts.items():
            print(f"  {name:16} {value}")
    print("\nIn another terminal:")
    print("  source .emulators/env")
    print("  meltano run tap-jdedwards jde-to-pipedrive target-pipedrive")
    print("  sync-ledger runs")
    print("\nCtrl-C stops the emulators; their data go with them.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
