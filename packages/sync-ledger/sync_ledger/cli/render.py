"""Tables for people."""

from __future__ import annotations

import os
import typing as t

import msgspec
from rich.console import Console
from rich.table import Table

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.ledger.history import Record

_WIDTH_WITHOUT_TERMINAL = 140


def _console() -> Console:
    # No markup: what comes from rows and services may look like it.
    console = Console(soft_wrap=False, markup=False)
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(width=_WIDTH_WITHOUT_TERMINAL, markup=False)


def _table(*columns: str, title: str | None = None, numbers: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def runs(found: Sequence[Record]) -> None:
    """Print the list of runs."""
    numbers = ("run", "seconds", "rows", "rows/s", "calls", "writes", "cost", "budget left")
    table = _table(
        "run",
        "started",
        "status",
        "rows",
        "outcomes",
        "calls",
        "writes",
        "cost",
        "budget left",
        "seconds",
        "rows/s",
        "against the median",
        numbers=numbers,
    )
    for item in found:
        rows = f"{item['rows']} + {item['replayed']} replayed" if item["replayed"] else str(item["rows"])
        table.add_row(
            str(item["id"]),
            item["started_at"][:19].replace("T", " "),
            item["status"],
            rows,
            _outcomes(item["outcomes"]),
            str(item["calls"]),
            str(item["writes"]),
            str(item["cost"]),
            "" if item["budget_left"] is None else str(item["budget_left"]),
            "" if item["seconds"] is None else f"{item['seconds']:.1f}",
            "" if item["rows_per_second"] is None else f"{item['rows_per_second']:.0f}",
            _trend(item["trend"]),
        )
    _console().print(table)


def run(found: Record) -> None:
    """Print one run."""
    console = _console()
    runs([found])
    table = _table("entity", "outcome", "reason", "rows", numbers=("rows",))
    for count in found["counts"]:
        table.add_row(count["entity"], count["outcome"], count["reason"], str(count["rows"]))
    console.print(table)
    if found["error"]:
        console.print(f"ended by: {found['error']}", markup=False)
    console.print(f"state in:  {_short(found['state_in'])}", markup=False)
    console.print(f"state out: {_short(found['state_out'])}", markup=False)


def open_rows(found: Sequence[Record]) -> None:
    """Print rows that wait."""
    table = _table("id", "entity", "external ID", "outcome", "reason", "field", "what is wrong", "remedy", "tries")
    for item in found:
        table.add_row(
            str(item["id"]),
            item["entity"],
            item["external_id"],
            item["outcome"],
            item["reason"],
            item["field"] or "",
            item["text"] or "",
            item["remedy"] or "",
            str(item["attempts"]),
        )
    console = _console()
    console.print(table if found else "Nothing waits.")


def why(found: Record) -> None:
    """Print the life of one record."""
    console = _console()
    console.print(f"{found['entity']} {found['external_id']}", style="bold", markup=False)
    for link in found["links"]:
        console.print(
            f"linked to record {link['remote_id']} at {link['destination']}, last sent or adopted by run "
            f"{link['run_id']} at {link['written_at'][:19]}",
            markup=False,
        )
        console.print(f"last payload: {_short(link['payload'], 600)}", markup=False)
    if found["in_flight"]:
        console.print("a write of it was in flight when its run ended: the next run looks what became of it")
    for record in found.get("live", ()):
        there = "differs" if record["differences"] else "is as last written"
        state = there if record["there"] else "is not there"
        console.print(f"now: record {record['remote_id']} at {record['destination']} {state}", markup=False)
        for item in record["differences"]:
            text = f"  {item['field']}: last written {_short(item['ledger'])}, now {_short(item['there'])}"
            console.print(text, markup=False)
    table = _table("run", "at", "outcome", "reason", "field", "old", "new")
    for outcome in found["outcomes"]:
        head = [str(outcome["run_id"]), outcome["at"][:19].replace("T", " "), outcome["outcome"], outcome["reason"]]
        if not outcome["changes"]:
            table.add_row(*head, outcome["field"] or "", "", outcome["text"] or "")
        for name, (old, new) in (outcome["changes"] or {}).items():
            table.add_row(*head, name, _short(old), _short(new))
            head = [""] * len(head)
    console.print(table)
    for row in found["plans"]:
        console.print(f"plan {row['plan_id']}: {row['action']}, {row['status']} {row['reason']}", markup=False)
    for row in found["open_rows"]:
        if row["closed_at"] is not None:
            console.print(
                f"waited as {row['outcome']} ({row['reason']}) from run {row['first_run_id']} on, {row['attempts']} "
                f"tries, {row['closed_as']} at {row['closed_at'][:19]}",
                markup=False,
            )
    waiting = [row for row in found["open_rows"] if row["closed_at"] is None]
    if waiting:
        open_rows(waiting)


def _trend(found: Record | None) -> str:
    """Say by how much rows, time and cost differ from the usual."""
    if found is None:
        return ""
    named = (("rows", "rows"), ("time", "seconds"), ("cost", "cost"))
    parts = [
        f"{name} {percent:+.0f} %" for name, key in named if (percent := found[key]["percent"]) is not None and percent
    ]
    return ", ".join(parts) or "as usual"


def _outcomes(counts: dict[str, int]) -> str:
    return ", ".join(f"{rows} {outcome}" for outcome, rows in counts.items()) or "none"


def _short(value: t.Any, limit: int = 80) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
