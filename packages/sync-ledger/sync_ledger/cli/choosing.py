"""Options by which commands choose open rows, and how they are read."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

import typer

from sync_ledger.ledger.clock import now

Ids = t.Annotated[list[int] | None, typer.Argument(min=1, help="Numbers of open rows.", metavar="[ID]...")]
OfOutcome = t.Annotated[str | None, typer.Option("--outcome", help="Only held, rejected or failed rows.")]
OfReason = t.Annotated[str | None, typer.Option("--reason", help="Only rows with this reason code.")]
OfStream = t.Annotated[str | None, typer.Option("--stream", "--entity", help="Only rows of this stream.")]


def moment(text: str) -> datetime:
    """Read a date, a time stamp (UTC unless it says otherwise) or an age such as 90m, 6h or 2d."""
    if age := re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip()):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[age[2]]
        return now() - timedelta(**{unit: int(age[1])})
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date, time stamp or age such as 2026-11-20, 90m, 6h or 2d") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


Since = t.Annotated[
    datetime | None,
    typer.Option("--since", parser=moment, metavar="TIME", help="Only rows opened since: a date, or an age like 2d."),
]
Until = t.Annotated[
    datetime | None, typer.Option("--until", parser=moment, metavar="TIME", help="Only rows opened before.")
]
