"""Reading whole tables by key with several requests under way."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from jde_ais.keyset import Key, stored
from jde_ais.paging import given_position, needs_proof, probed, read_positions
from jde_ais.plan import Plan, may_be_cut
from jde_ais.query import BrowseRequest, Order
from jde_ais.spans import NUMBERS, Ask, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from typing import Any, Literal

    from jde_ais.answers import Kind, Page
    from jde_ais.client import AisClient
    from jde_ais.keyset import Position
    from jde_ais.query import Where
    from jde_ais.stripes import Stripes

    Answer = tuple[Page, list[Position]]


def ranged_pages(
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
    pool: Executor,
    workers: int,
    stripes: Stripes | None = None,
) -> Iterator[Page]:
    """Walks a table as `keyset_pages` does, with the same promises, but asks for pages ahead of the caller.

    As long as all rows of a page agree in the columns before a number of the key, what follows them is cut into ranges
    of that number, which are read side by side. Elsewhere, as where the key is text alone, one page is fetched ahead.
    Closing the generator cancels what has not been sent.

    Args:
        client: The client.
        table: Table or view.
        columns: Aliases to return; empty for all. Key columns are added.
        key: Aliases of a unique key, in the order to walk in.
        key_kinds: Kind of each key column.
        where: Which rows; None for all.
        after: Position to go on after: a page's `last_key`, or plain values.
        page_size: Rows a page, on the average; one may have half more, or fewer.
        target_type: `table` or `view`.
        pool: Sends the requests, one a task; its threads bound how many run at once.
        workers: How many requests to keep busy; about three times as many pages are asked for or wait for the caller.
        stripes: Read only this part of the rows, by the first number column of the key, which must be whole numbers.

    Yields:
        Pages with at least one row, in the order of the key.

    Raises:
        OrderNotHonoured: The rows do not come in the order of the key, or a key came twice.
        ValueError: `stripes` for a key without a number.
        AisError: See `AisClient`.
    """
    if page_size < 1 or workers < 1:
        msg = f"page_size and workers must be at least 1, got {page_size} and {workers}"
        raise ValueError(msg)
    by = Key(tuple(key), tuple(key_kinds[column] for column in key))
    if stripes is not None and not any(kind in NUMBERS for kind in by.kinds):
        msg = f"the key {'+'.join(by.columns)} of {table} has no number to divide it by"
        raise ValueError(msg)
    wanted = (*columns, *(column for column in key if column not in columns)) if columns else ()
    request = BrowseRequest(table, wanted, where, by.order, page_size, target_type)
    start = () if after is None else given_position(by, after)
    divided = None if stripes is None or stripes.of == 1 else stripes
    walk = _Walk(client, request, by, Plan(by, page_size, start, divided, 3 * workers), pool)
    try:
        if needs_proof(by, page_size):
            walk.prove_order(start)
        yield from walk.pages()
    finally:
        walk.cancel()


class _Walk:
    """Sends what the plan asks for and hands out its pages."""

    def __init__(self, client: AisClient, request: BrowseRequest, key: Key, plan: Plan, pool: Executor) -> None:
        self._client = client
        self._request = request
        self._key = key
        self._plan = plan
        self._pool = pool
        self._what = f"walk through {request.table}"
        self._under_way: dict[Future[Answer], Ask] = {}

    def prove_order(self, start: Position) -> None:
        """Proves with a first page that rows are sorted the way they are compared; see `keyset_pages`."""
        stretch = Stretch(start)
        page, positions = self._fetch("page", stretch)
        if page.more or len(positions) >= self._request.page_size or may_be_cut(len(positions), self._client.most_rows):
            request = replace(self._request, where=stretch.where(self._key, self._request.where))
            page, positions = self._located(probed(self._client, request, page, self._key, self._what), stretch)
        (ask,) = self._plan.due()
        if ask.kind == "page":
            self._plan.read(ask, page, positions, self._client.most_rows)
        else:
            self._under_way[self._pool.submit(self._fetch, ask.kind, ask.stretch)] = ask

    def pages(self) -> Iterator[Page]:
        line = self._plan.line
        while line:
            self._settle()
            self._send()
            head = line[0] if line else None
            if isinstance(head, Ask) and head.error is not None:
                raise head.error
            if isinstance(head, Ask) and head.page is not None:
                del line[0]
                self._send()
                yield head.page
            elif self._under_way:
                wait(self._under_way, return_when=FIRST_COMPLETED)

    def cancel(self) -> None:
        """Gives up what has not been sent."""
        for future in self._under_way:
            future.cancel()

    def _send(self) -> None:
        for ask in self._plan.due():
            self._under_way[self._pool.submit(self._fetch, ask.kind, ask.stretch)] = ask

    def _settle(self) -> None:
        for future in [one for one in self._under_way if one.done()]:
            ask = self._under_way.pop(future)
            error = future.exception()
            if error is not None:
                self._plan.fail(ask, error)
                continue
            page, positions = future.result()
            if ask.kind == "page":
                self._plan.read(ask, page, positions, self._client.most_rows)
            else:
                self._plan.found(ask, positions[0] if positions else None)

    def _fetch(self, kind: Literal["page", "highest", "next"], stretch: Stretch) -> Answer:
        request = replace(self._request, where=stretch.where(self._key, self._request.where))
        if kind == "page":
            request = replace(request, page_size=self._plan.rows(stretch))
            return self._located(self._client.browse(request), stretch)
        depth = self._plan.depth(stretch)
        key = self._key.part(0, depth + 1)
        order = (Order(key.columns[depth], descending=True),) if kind == "highest" else key.order
        page = self._client.browse(replace(request, columns=key.columns, order=order, page_size=1))
        return page, read_positions(page, key, self._what)

    def _located(self, page: Page, stretch: Stretch) -> Answer:
        positions = read_positions(page, self._key, self._what)
        if positions:
            stretch.check(positions, self._key, self._what)
            page = replace(page, last_key=stored(positions[-1]), next=None)
        return page, positions
