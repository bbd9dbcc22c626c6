"""Tables for people, of commands on open rows."""

from __future__ import annotations

import typing as t

from sync_ledger.cli.render import _console, _short, _table

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.ledger.history import Record


def edited(found: Record) -> None:
    """Print what an edit changed."""
    console = _console()
    table = _table("field", "before", "now")
    before, after = found["payload_before"], found["payload"]
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            table.add_row(name, _short(before.get(name)), _short(after.get(name)))
    console.print(table)
    if not found["checked"]:
        console.print("not checked: no run has read the fields of this stream yet")
    console.print(f"The next run tries row {found['id']} again; to try it now: sync-ledger replay {found['id']}")


def replayed(found: Sequence[Record]) -> None:
    """Print what became of rows that were tried again."""
    console = _console()
    for part in found:
        number = len(part["rows"])
        rows = f"{number} {'row' if number == 1 else 'rows'} for {part['destination']}"
        if part["run_id"] is None:
            console.print(f"{rows}: the next run tries them again")
        else:
            outcomes = ", ".join(f"{number} {outcome}" for outcome, number in part["outcomes"].items())
            console.print(f"{rows}, run {part['run_id']}: {outcomes or 'nothing was open any more'}")
    if not found:
        console.print("Nothing of that kind is open.")


def discarded(found: Record) -> None:
    """Print how many rows were closed."""
    number = len(found["discarded"])
    _console().print(f"{number} {'row' if number == 1 else 'rows'} discarded: {found['note']}")


def undone(found: Sequence[Record]) -> None:
    """Print what became of each record."""
    table = _table("stream", "external ID", "outcome", "reason", "record", "what was in the way")
    for item in found:
        table.add_row(
            item["entity"],
            item["external_id"],
            item["outcome"],
            item["reason"],
            item["remote_id"] or "",
            item["text"] or "",
        )
    console = _console()
    console.print(table if found else "The file has no such records.")
