"""Emulators in the foreground: starts them, shows their addresses and credentials, writes .emulators/env, waits."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import signal
import subprocess
import sys
import time
import typing as t

import children
import surroundings
from pipelines import PIPELINES

if t.TYPE_CHECKING:
    from pathlib import Path

HOME = surroundings.ROOT / ".emulators"
SERVICES = ("jde", *(service for pipeline in PIPELINES.values() for service in pipeline.services))
START_SECONDS = 120


def main() -> int:
    """Run until Ctrl-C or SIGTERM and return the exit code."""
    arguments, more = _arguments()
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Error: emulators of this checkout are running already; stop them first", file=sys.stderr)
            return 1
        return _serve(arguments, more)


def _serve(arguments: argparse.Namespace, more: list[str]) -> int:
    _clear()
    file = HOME / "emulators.json"
    command = ["service-emulators", "serve", *(arguments.services or SERVICES), "--json", str(file), *more]
    command += ["--zoho-fields", "--dynamics-columns"]  # as if `setup` had run: the pipelines can go at once
    command += ["--customers", str(arguments.customers), "--contacts", str(arguments.contacts)]
    command += ["--documents", str(arguments.documents)]
    with children.child(command, stdout=subprocess.DEVNULL) as process:
        services = _started(process, file)
        if services is None:
            print("Error: the emulators did not start", file=sys.stderr)
            return 1
        surroundings.write(HOME, services)
        _show(services)
        try:
            return process.wait()
        except children.Stopped as stopped:
            if stopped.code == 128 + signal.SIGINT:  # Ctrl-C is the usual way to end, so it is no failure
                return 0
            raise


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="script/emulators",
        description=(__doc__ or "").strip(),
        epilog="Further options go to `service-emulators serve`, whose --help tells them all.",
    )
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"which of {', '.join(SERVICES)} (default all)")
    parser.add_argument("--customers", type=int, default=200, help="customers in JD Edwards (default 200)")
    parser.add_argument("--contacts", type=int, default=300, help="contacts of customers (default 300)")
    parser.add_argument(
        "--documents",
        type=int,
        default=40,
        help="orders, vouchers, invoices (F03B11) and the like in JD Edwards, each (default 40)",
    )
    return parser.parse_known_args()


def _clear() -> None:
    """Emulators start with new data; a ledger or state of earlier ones would point to records that are gone."""
    for pattern in (
        "ledger.db*",
        "meltano.db*",
        "emulators.json",
        "env",
        surroundings.ZOHO_TOKENS,
        surroundings.DYNAMICS_TOKENS,
    ):
        for file in HOME.glob(pattern):
            file.unlink()


def _started(process: subprocess.Popen[bytes], file: Path) -> dict[str, t.Any] | None:
    patience = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < patience:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return dict(json.loads(file.read_text()))
        time.sleep(0.05)
    return None


def _show(services: dict[str, t.Any]) -> None:
    for service, facts in services.items():
        print(f"\n{service}")
        for name, value in facts.items():
            print(f"  {name:16} {value}")
    print("\nIn another terminal:")
    print("  source .emulators/env")
    pipelines = [one for one in PIPELINES.values() if services.keys() >= {"jde", *one.services}]
    for pipeline in pipelines:
        print(f"  {pipeline.first}meltano run {' '.join(pipeline.blocks)}")
    if pipelines:
        print("  sync-ledger runs")
    elif "jde" in services:
        print("  tap-jdedwards doctor")
        print("  tap-jdedwards --config=ENV > messages.singer")
    print("\nCtrl-C stops the emulators; their data go with them.", flush=True)


if __name__ == "__main__":
    children.run(main)
