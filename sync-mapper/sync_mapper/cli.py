"""Command line of the mapper."""

from __future__ import annotations

from sync_mapper.mapper import SyncMapper


def main() -> None:
    """Run the mapper: messages from standard input (or `--input FILE`) to standard output."""
    SyncMapper.cli()
