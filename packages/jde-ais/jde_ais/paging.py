"""Reading whole tables, page by page: by key, or through a result set the server keeps open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jde_ais.errors import AisConfigError, AisProtocolError, OrderNotHonoured, ResultSetExpired
from jde_ais.keyset import Key, stored
from jde_ais.plan import SMALLEST_CAP
from jde_ais.query import AllOf, BrowseRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Literal

    from jde_ais.answers import Kind, Page
    from jde_ais.client import AisClient
    from jde_ais.keyset import Position
    from jde_ais.query import Where

_PROBES = 10
"""How often a page is measured while its rows change."""
_STEADY = 2
"""How often a page must have stayed the same around a count that tells otherwise, for the server to be at fault."""
_TELLING_ROWS = 10
"""A page of so many rows, if ascending, shows that the server sorts: by chance one in three million does."""


def keyset_pages(
    client: AisClient,
    table: str,
    columns: Sequence[str],
    key: Sequence[str],
    *,
    key_kinds: Mapping[str, Kind],
    where: Where | None = None,
    after: Sequence[Any] | None = None,
    page_size: int = 1000,
    target_type: Literal["table", "view"] = "table",
) -> Iterator[Page]:
    """Walks a table in the order of a unique key, each page asking for the keys after the last one.

    Nothing is kept open at the server between pages, so a walk survives log-ins, pauses and restarts: every page's
    `last_key` can be stored and given back as `after`. No row that stays in the table during the walk is lost.

    Args:
        client: The client.
        table: Table or view.
        columns: Aliases to return; empty for all. Key columns are added.
        key: Aliases of a unique key, in the order to walk in.
        key_kinds: Kind of each key column. Blank text is a value like any other; empty dates are taken to sort first
            (the database holds 0), numbers of a key are never empty.
        where: Which rows; None for all.
        after: Position to go on after: a page's `last_key`, or plain values.
        page_size: Rows a page; the server may give fewer.
        target_type: `table` or `view`.

    Yields:
        Pages with at least one row.

    Raises:
        OrderNotHonoured: The rows do not come in the order of the key, or a key came twice.
        AisError: See `AisClient`.
    """
    if page_size < 1:
        msg = f"page_size must be at least 1, got {page_size}"
        raise ValueError(msg)
    by = Key(tuple(key), tuple(key_kinds[column] for column in key))
    wanted = (*columns, *(column for column in key if column not in columns)) if columns else ()
    what = f"walk through {table}"
    position = None if after is None else given_position(by, after)
    first = True
    while True:
        beyond = where if position is None else _both(where, by.beyond(position))
        request = BrowseRequest(table, wanted, beyond, by.order, page_size, target_type)
        proven = client.most_rows
        page = client.browse(request)
        positions = read_positions(page, by, what)
        if not positions:
            return
        by.check(positions, position, what)
        # Later only nothing is the end: the fetch limit may have changed since, or be that of another server.
        ended = first and not page.more and len(page.rows) < min(page_size, SMALLEST_CAP, proven)
        if first and not ended and needs_proof(by, page_size):
            page = probed(client, request, page, by, what)
            positions = read_positions(page, by, what)
            if not positions:
                return
        first = False
        position = positions[-1]
        yield replace(page, last_key=stored(position), next=None)
        if ended:
            return


def result_set_pages(client: AisClient, request: BrowseRequest) -> Iterator[Page]:
    """Reads a result set the server keeps open between pages, for tables without a usable key.

    Ask for the next page soon: the server closes a result set after 60 seconds by default. Where a fetch limit of the
    server is lower than the page size, it may end the chain early without a sign: prefer `keyset_pages`.

    Args:
        client: The client.
        request: What to read.

    Yields:
        Pages; the first one may be empty.

    Raises:
        ResultSetExpired: The rest cannot be read; `rows_read` says how many rows were handed out before.
        AisError: See `AisClient`.
    """
    rows_read = 0
    page = client.browse(replace(request, result_set=True))
    while True:
        rows_read += len(page.rows)
        link = page.next
        if link is None and page.more:
            msg = f"read of {request.table}: the server says that more rows match but gives no link to them"
            raise AisProtocolError(msg)
        yield page
        if link is None:
            return
        try:
            page = client.next_page(link)
        except ResultSetExpired as error:
            error.rows_read = rows_read
            raise


def needs_proof(key: Key, page_size: int) -> bool:
    """Whether the rows of a page cannot show by themselves that the server sorts them as it compares them."""
    return key.starts_with_text or page_size < _TELLING_ROWS


def given_position(key: Key, after: Sequence[Any]) -> Position:
    """Reads a position a caller gives.

    Raises:
        ValueError: It is none in this key.
    """
    try:
        return key.given(after)
    except ValueError as error:
        msg = f"{list(after)!r} is no position in the key {'+'.join(key.columns)} to go on after: {error}"
        raise ValueError(msg) from None


def _both(where: Where | None, beyond: Where) -> Where:
    return beyond if where is None else AllOf(where, beyond)


def read_positions(page: Page, key: Key, what: str) -> list[Position]:
    """Reads the positions of a page's rows.

    Raises:
        AisConfigError: A key column is missing.
        AisProtocolError: A value does not fit its kind; or there is no row although the server says that more follow.
    """
    if page.more and not page.rows:
        msg = f"{what}: the server gave no row and says that more follow (moreRecords); going on would lose them"
        raise AisProtocolError(msg)
    try:
        return key.positions(page.rows)
    except KeyError as error:
        msg = f"{what}: key column {error.args[0]} is missing in the rows; column security may hide it from this user"
        raise AisConfigError(msg) from None
    except ValueError as error:
        msg = f"{what}: {error} in the key {'+'.join(key.columns)}"
        raise AisProtocolError(msg) from None


def probed(client: AisClient, request: BrowseRequest, page: Page, key: Key, what: str) -> Page:
    """Proves on the first page that order and comparison of text agree at the server, whatever its collation.

    As many rows must match "up to the last key" as the page has. If rows are missing, the server ignored the order, or
    sorts and compares under different collations; either way later pages would lose rows. But rows may also have come,
    gone or moved since the page was read. So the page is asked for again: if it stayed the same around a count that
    tells otherwise, twice, the server is at fault; if not, the new page is measured, by that count or by another.

    Returns:
        The page that was proven; without rows if all went meanwhile.

    Raises:
        OrderNotHonoured: Rows are missing, or the page changed each time.
    """
    positions = read_positions(page, key, what)
    steady = 0
    for _ in range(_PROBES):
        if not positions:
            return page
        expected = client.count(request.table, _both(request.where, key.up_to(positions[-1])), request.target_type)
        if expected == len(positions):
            return page
        again = client.browse(request)
        found = read_positions(again, key, what)
        key.check(found, None, what)
        if found == positions:
            steady += 1
        elif found and found[-1] == positions[-1] and expected == len(found):
            return again
        else:
            steady = 0
        if steady == _STEADY:
            msg = (
                f"{what}: {expected} rows lie up to the last key of the first page, which has {len(found)}; the server "
                f"does not sort by {'+'.join(key.columns)} the way it compares, going on would lose rows"
            )
            raise OrderNotHonoured(msg)
        page, positions = again, found
    msg = (
        f"{what}: the rows of the first page were others nearly each of {_PROBES} times they were read, and never as "
        f"many as were counted up to the last key; read again when fewer rows change, and if that does not help, the "
        f"server does not sort by {'+'.join(key.columns)} the way it compares"
    )
    raise OrderNotHonoured(msg)
