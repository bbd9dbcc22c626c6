"""Tables of `verify`."""

from __future__ import annotations

import typing as t

from sync_ledger.cli.render import _console, _short, _table

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_ledger.ledger.history import Record

_NUMBERS = ("links", "compared", "equal", "differing", "missing", "foreign", "duplicate")


def verify(found: Record) -> None:
    """Print what was found, counts first."""
    console = _console()
    counts = _table("entity", *_NUMBERS, numbers=_NUMBERS)
    differences = _table("entity", "external ID", "record", "what", "field", "last written", "there now")
    for report in found["entities"]:
        shown = {name: str(report[name]) for name in _NUMBERS}
        if not report["foreign_looked_for"]:
            shown.update(foreign="-", duplicate="-")
        counts.add_row(report["entity"], *shown.values())
        for item in report["findings"]:
            head = [item["entity"], item["external_id"], item["remote_id"], item["kind"]]
            for row in _fields(item["fields"]) or [("", "", "")]:
                differences.add_row(*head, *row)
                head = [""] * len(head)
    if found["entities"]:
        console.print(counts)
    if differences.row_count:
        console.print(differences)
    for report in found["entities"]:
        listed, all_ = len(report["findings"]), sum(report[name] for name in _NUMBERS[3:])
        if listed < all_:
            console.print(f"{all_ - listed} more of {report['entity']} are not listed; see --limit")
        if report["changing"]:
            console.print(f"{report['changing']} of {report['entity']} were left out: a run was writing them")
    if found.get("calls") is not None:
        console.print(f"{found['destination']}: {found['calls']} calls, cost {found['cost']}")


def _fields(found: Iterable[Mapping[str, t.Any]]) -> list[tuple[str, str, str]]:
    return [(item["field"], _short(item["ledger"]), _short(item["there"])) for item in found]
