"""How many rows the server hands out at once, measured, and what page size suits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor_findings import good, of_error, warning
from jde_ais import AisError, BrowseRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from doctor_findings import Finding
    from jde_ais import AisClient

    from tap_jdedwards.doctor.tables import Seen

_PROBE_ROWS = 5000
"""One column of so many rows is a small answer; sites leave the limit at 2000 or raise it to some thousands."""


def check_fetching(client: AisClient, seen: Sequence[Seen], page_size: int) -> Finding | None:
    """Ask for more rows than a page has and count what comes.

    Args:
        client: A client that has logged in.
        seen: Tables that can be read.
        page_size: The setting.

    Returns:
        What was found; None when no table can be read.
    """
    largest = max(seen, key=lambda one: one.rows, default=None)
    if largest is None:
        return None
    wanted = max(_PROBE_ROWS, page_size)
    needed = largest.needed
    try:
        page = client.browse(BrowseRequest(needed.name, (largest.column,), page_size=wanted, target_type=needed.target))
    except AisError as error:
        return of_error("page size", error, otherwise="see the log of the AIS Server")
    return advice(page_size, got=len(page.rows), there=min(wanted, largest.rows), name=needed.name)


def advice(page_size: int, *, got: int, there: int, name: str) -> Finding:
    """Judge the page size.

    Args:
        page_size: The setting.
        got: Rows that came.
        there: Rows that should have come.
        name: The table asked.

    Returns:
        The finding.
    """
    if got >= there:
        return good("page size", f"{page_size}; {name} gave all {there:,} rows asked for, no fetch limit was met")
    if page_size > got:
        text = f"{page_size} is more than the {got:,} rows the server hands out at once; each page costs a request more"
        return warning("page size", text, f"set page_size to {got}, or raise the HTML Server's fetch limit")
    spare = f"; up to {got} would save requests" if page_size < got else ""
    return good("page size", f"{page_size}; the server hands out up to {got:,} rows at once{spare}")
