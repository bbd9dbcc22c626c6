"""Command line of the mapper and of the commands beside it."""

from __future__ import annotations

import importlib
import sys

COMMANDS = {"check": "sync_mapper.commands.check"}
"""Command -> module of it, imported only when it is called."""


def main() -> None:
    """Run the mapper: messages from standard input (or `--input FILE`) to standard output; or one of the commands."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in COMMANDS:
        importlib.import_module(COMMANDS[name]).command(sys.argv[2:], prog_name=f"sync-mapper {name}")
        return
    from sync_mapper.mapper import SyncMapper  # noqa: PLC0415 - the commands need none of it

    SyncMapper.cli()
