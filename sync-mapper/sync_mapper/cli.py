"""Command line: the mapper itself, and commands for those who write mappings, which the first argument asks for."""

from __future__ import annotations

import importlib
import sys

from sync_mapper import start

COMMANDS = ("check", "explain", "test")
"""Modules of `sync_mapper.commands`; each holds a click command of its own name. A run of the mapper loads none."""


def main() -> None:
    """Run a command, or the mapper: messages from standard input (or `--input FILE`) to standard output."""
    name = next(iter(sys.argv[1:]), None)
    if name in COMMANDS:
        command = getattr(importlib.import_module(f"sync_mapper.commands.{name}"), name)
        command.main(sys.argv[2:], prog_name=f"sync-mapper {name}")
        return
    settings = start.plain_settings(sys.argv[1:])
    if settings is not None:
        start.run(settings)
        return
    from sync_mapper.plugin import SyncMapperPlugin  # noqa: PLC0415 - it loads the SDK

    SyncMapperPlugin.cli()
