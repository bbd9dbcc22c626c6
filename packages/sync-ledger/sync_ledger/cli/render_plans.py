"""Plans and adoptions as tables for people."""

from __future__ import annotations

import typing as t

from sync_ledger.cli.render import _console, _short, _table
from sync_ledger.ledger.plan_history import adoption_lines

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.ledger.history import Record

_FIELDS_SHOWN = 4


def plans(found: Sequence[Record]) -> None:
    """Print the list of plans."""
    numbers = ("plan", "run", "calls", "cost")
    table = _table("plan", "made", "destination", "status", "rows", "calls", "cost", "run", numbers=numbers)
    for item in found:
        table.add_row(
            str(item["id"]),
            _moment(item["made_at"]),
            item["destination"],
            _status(item),
            _counts(item),
            str(item["calls"]),
            str(item["cost"]),
            str(item["run_id"]),
        )
    _console().print(table if found else "There is no plan yet.")


def plan(found: Record) -> None:
    """Print a plan: what it comes to, then its rows."""
    _head(found)
    table = _table("entity", "external ID", "action", "record", "fields", "matched by", "status", "reason", "note")
    for row in found["rows"]:
        names = list(row["changes"] or {})
        more = f" and {len(names) - _FIELDS_SHOWN} more" if len(names) > _FIELDS_SHOWN else ""
        table.add_row(
            row["entity"],
            row["external_id"],
            row["action"],
            row["remote_id"] or "",
            ", ".join(names[:_FIELDS_SHOWN]) + more,
            row["matched_by"] or "",
            row["status"],
            row["reason"] if row["status"] != "planned" else "",
            row["text"] or "",
        )
    _rows(found, table)


def diff(found: Record) -> None:
    """Print a plan with old and new value of every field."""
    _head(found)
    table = _table("entity", "external ID", "action", "field", "old → new")
    for row in found["rows"]:
        action = f"{row['action']} {row['remote_id']}" if row["remote_id"] else row["action"]
        head = [
            row["entity"],
            row["external_id"],
            action if row["status"] == "planned" else f"{action} ({row['status']})",
        ]
        if row["action"] == "adopt":
            table.add_row(*head, "external ID", f"null → {row['external_id']}  ({row['matched_by']})")
            head = ["", "", ""]
        if row["text"] or (not row["changes"] and row["action"] != "adopt"):
            table.add_row(*head, "", row["text"] or "")
            head = ["", "", ""]
        for name, (old, new) in (row["changes"] or {}).items():
            table.add_row(*head, name, f"{_short(old)} → {_short(new)}")
            head = ["", "", ""]
    _rows(found, table)


def applied(found: Record) -> None:
    """Print what became of a plan."""
    _console().print(f"Run {found['run_id']}")
    _head(found)
    left = sum(count["rows"] for count in found["counts"] if count["status"] == "planned")
    if left:
        _console().print(f"{left} rows are still planned: apply the plan once more when the cause has passed")


def adoption(found: Record) -> None:
    """Print what an adoption has linked."""
    console = _console()
    console.print(f"Run {found['id']} at {found['destination']}, {found['status']}, cost {found['cost']}", style="bold")
    for line in adoption_lines(found):
        console.print(line)
    if any(item["duplicates"] + item["contended"] + item["other_held"] for item in found["entities"]):
        console.print("`sync-ledger held` lists the rows that wait for a person, with the records in question")


def _head(found: Record) -> None:
    console = _console()
    console.print(
        f"Plan {found['id']} of {_moment(found['made_at'])} for {found['destination']}: {_status(found)}; to apply it "
        f"takes {found['calls']} calls and {found['cost']} of the budget",
        style="bold",
    )
    table = _table("entity", "action", "status", "reason", "rows", "cost", numbers=("rows", "cost"))
    for count in found["counts"]:
        reason = "" if count["status"] == "planned" else count["reason"]
        table.add_row(
            count["entity"], count["action"], count["status"], reason, str(count["rows"]), str(count["cost"] or 0)
        )
    for entity, rows in found["unchanged"].items():
        table.add_row(entity, "", "unchanged", "", str(rows), "0")
    console.print(table)


def _rows(found: Record, table: t.Any) -> None:
    console = _console()
    console.print(table)
    total = sum(count["rows"] for count in found["counts"])
    if len(found["rows"]) < total:
        console.print(f"{len(found['rows'])} of {total} rows; --limit, --entity, --action and --status choose others")


def _status(found: Record) -> str:
    if found["status"] == "applied":
        return f"applied by run {found['applied_by']}"
    return "not whole" if found["status"] == "making" else str(found["status"])


def _counts(found: Record) -> str:
    parts: dict[str, int] = {}
    for count in found["counts"]:
        name = count["action"] if count["status"] in {"planned", "held"} else count["status"]
        parts[name] = parts.get(name, 0) + count["rows"]
    if same := sum(found["unchanged"].values()):
        parts["unchanged"] = same
    return ", ".join(f"{rows} {name}" for name, rows in parts.items()) or "none"


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")
