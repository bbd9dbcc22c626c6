"""BROWSE: rows of a table, page by page (AIS fact sheet sections 3.1 to 3.3, 3.7 and 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service_emulators.jde.conditions import Clause, compile_query
from service_emulators.jde.errors import ServiceError, bad_request
from service_emulators.jde.grid import check_output_type, dummy_rows, grid_rows
from service_emulators.jde.result_sets import ResultSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service_emulators.jde.conditions import Target
    from service_emulators.jde.dictionary import Column, Table
    from service_emulators.jde.emulator import Emulator
    from service_emulators.jde.requests import DataRequest, OrderBy, Query
    from service_emulators.jde.sessions import Session

_PAGE_CHUNK = 10_000
_DIRECTIONS = {"ASC", "DESC"}


@dataclass(frozen=True)
class Answer:
    """One page: its grid, how many rows, whether more remain, and the open result set they can be had from."""

    table: Table
    grid: dict[str, Any]
    records: int
    more: bool = False
    result: ResultSet | None = None


@dataclass(frozen=True)
class _Search:
    """A request understood: what to read, in which order, how many rows."""

    target: Target
    columns: list[Column]
    output: str
    where: Clause
    order: list[tuple[Column, str]]
    size: int
    """Rows of this answer; 0 for all."""
    cut: bool
    """The fetch limit is below what was asked for."""


def is_true(flag: bool | str | None) -> bool:
    """Read the service's flags, booleans or text in any case."""
    return flag is True or (isinstance(flag, str) and flag.strip().upper() == "TRUE")


def browse(emulator: Emulator, request: DataRequest, session: Session | None, default_output: str) -> Answer:
    """Run a BROWSE.

    Args:
        emulator: The server.
        request: The body.
        session: The token's session; None where there can be no next-page links (stateless calls, batches, v1).
        default_output: Output type when the request names none (v1: VERSION1, v2: GRID_DATA).

    Raises:
        ServiceError: The request makes no sense.
    """
    target = emulator.target(request.target_name, request.target_type)
    columns = returned_columns(target, request.return_control_ids)
    output = check_output_type(request.output_type, default_output)
    if is_true(request.form_service_demo):
        return Answer(target.table, dummy_rows(columns), 1)
    where = where_clause(request.query, target)
    if request.return_control_ids and target.switches.order_columns_must_be_returned:
        _check_order_is_returned(request.aggregation.order_by, target, columns)
    asked, cap = _page_size(request.max_page_size), target.switches.fetch_cap
    search = _Search(
        target=target,
        columns=columns,
        output=output,
        where=where,
        order=sort_columns(request.aggregation.order_by, target),
        size=min(asked or cap, cap) if cap else asked,
        cut=bool(cap) and not 0 < asked <= cap,
    )
    if not is_true(request.find_on_entry) and not (request.query and request.query.auto_find):
        # Without a Find the form opens with an empty grid.
        return Answer(target.table, grid_rows(columns, [], output, target.switches), 0)
    hidden = search.cut and target.switches.cap_hides_more
    if session and search.size and not hidden and is_true(request.enable_next_page_processing):
        return _open_result_set(emulator, search, session)
    rows = _fetch(emulator, _select(emulator, search, [target.expression(one) for one in columns], search.size + 1))
    more = 0 < search.size < len(rows)
    rows = rows[: search.size] if more else rows
    grid = grid_rows(columns, rows, output, target.switches)
    return Answer(target.table, grid, len(rows), more=more and not hidden)


def next_page(emulator: Emulator, result: ResultSet, wanted: list[int]) -> Answer:
    """Return a page of an open result set, as the rows are now; rows deleted meanwhile are missing."""
    target = result.target
    columns = [target.expression(column) for column in result.columns]
    found: dict[int, Sequence[Any]] = {}
    for start in range(0, len(wanted), _PAGE_CHUNK):
        chosen = target.row_number.in_(wanted[start : start + _PAGE_CHUNK])
        statement = sa.select(target.row_number, *columns).select_from(target.sql).where(chosen)
        for number, *row in _fetch(emulator, statement):
            found[number] = row
    rows = [found[number] for number in wanted if number in found]
    if not result.more:
        emulator.result_sets.close(result)
    grid = grid_rows(result.columns, rows, result.output, emulator.switches)
    return Answer(result.table, grid, len(rows), more=result.more, result=result if result.more else None)


def _open_result_set(emulator: Emulator, search: _Search, session: Session) -> Answer:
    numbers = [number for (number,) in _fetch(emulator, _select(emulator, search, [search.target.row_number], 0))]
    result = ResultSet(
        session=session,
        target=search.target,
        columns=search.columns,
        output=search.output,
        page_size=search.size,
        stack_id=emulator.result_sets.next_stack_id(),
        rows=numbers,
        touched=emulator.clock.now(),
        state_id=0,
    )
    emulator.result_sets.keep(result, emulator.switches.result_set_seconds)
    return next_page(emulator, result, result.take(emulator.clock.now()))


def _select(emulator: Emulator, search: _Search, what: list[sa.ColumnElement[Any]], limit: int) -> sa.Select[Any]:
    target = search.target
    where = [search.where.expression, *target.visible()]
    if search.order:
        first = search.order[0][0]
        if first.name in search.where.low:
            where.append(target.expression(first) >= search.where.low[first.name])
        if first.name in search.where.high:
            where.append(target.expression(first) <= search.where.high[first.name])
    statement = sa.select(*what).select_from(target.sql).where(*where).order_by(*_sorting(emulator, search))
    return statement.limit(limit) if search.size and limit else statement


def _sorting(emulator: Emulator, search: _Search) -> list[sa.ColumnElement[Any]]:
    """Return the sort asked for; where it leaves the order open, rows are shuffled (the same way for the same seed)."""
    shuffled = ((search.target.row_number + emulator.seed) * 2654435761) % 4294967296
    if emulator.switches.ignore_order_by:
        return [shuffled]
    columns: list[sa.ColumnElement[Any]] = [
        search.target.expression(column).desc() if direction == "DESC" else search.target.expression(column).asc()
        for column, direction in search.order
    ]
    complete = set(search.target.table.key_columns) <= {column for column, _ in search.order}
    return columns if complete else [*columns, shuffled]


def _fetch(emulator: Emulator, statement: sa.Select[Any]) -> Sequence[Sequence[Any]]:
    """Return rows as the database's own tuples: columns of text and whole numbers need no conversion."""
    with emulator.store.engine.connect() as connection:
        return connection.execute(statement).cursor.fetchall()


def where_clause(query: Query | None, target: Target) -> Clause:
    """Translate the query of a request, if it has one.

    Raises:
        ServiceError: It makes no sense, or lacks ``autoFind``.
    """
    if query is None:
        return Clause(sa.true())
    if query.auto_find is None and target.switches.require_auto_find:
        raise bad_request("query.autoFind is missing")
    return compile_query(query, target)


def returned_columns(target: Target, control_ids: str | None) -> list[Column]:
    """Return the columns asked for, all when none is named; those hidden by column security are left out."""
    hidden = target.switches.column_security
    names = [name for name in (control_ids or "").split("|") if name]
    chosen = [target.column(name) for name in dict.fromkeys(names)] if names else list(target.table.columns.values())
    return [column for column in chosen if column.alias not in hidden.get(column.owner, [])]


def sort_columns(order: list[OrderBy], target: Target) -> list[tuple[Column, str]]:
    """Return sort columns and their directions.

    Raises:
        ServiceError: Unknown column or direction.
    """
    for one in order:
        if one.direction not in _DIRECTIONS:
            raise bad_request(f"Unknown direction {one.direction}")
    return [(target.column(one.column), one.direction) for one in order]


def _check_order_is_returned(order: list[OrderBy], target: Target, columns: list[Column]) -> None:
    for column, _ in sort_columns(order, target):
        if column not in columns:
            raise bad_request(f"orderBy column {column.alias} is not in returnControlIDs")


def _page_size(text: str) -> int:
    """Return maxPageSize as a number, 0 for "No Max"."""
    if text.strip().upper() == "NO MAX":
        return 0
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise ServiceError(500, f"For input string: {text!r} (maxPageSize)", "NumberFormatException")
    return int(text)
