"""Rows without a date of the last change: loaded by SQL or conversions, they carry no sign of change at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jde_ais import ge, lt

from tap_jdedwards.reading import EARLIEST
from tap_jdedwards.tables.exact import keys_of, rows_with_keys

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor

    from tap_jdedwards.reading import TableReader
    from tap_jdedwards.shards import Part

_NEARLY_ALL = 0.9
_MANY = 0.5
"""From this share on reading all rows costs less than reading keys first."""
_TOGETHER = 200
"""Keys from several pages are gathered, so that requests for them are full."""


def undated_pages(
    reader: TableReader, pool: Executor, workers: int, part: Part, logger: logging.Logger
) -> Iterator[list[dict[str, Any]]]:
    """Read the rows that no query by stamp finds.

    Two counts tell whether there are any. Where the database holds 0, a comparison finds them; where it holds null, no
    condition of the data service does, so that all keys and dates are looked at.

    Args:
        reader: Reads the table.
        pool: Sends the requests.
        workers: How many to keep under way.
        part: What this process reads of the table.
        logger: Where their number is told.

    Yields:
        Raw rows without a date, or with one before 1970.
    """
    dated = reader.count(ge(reader.date, EARLIEST))
    total = reader.count()
    missing = total - dated
    if missing <= 0:
        return
    if missing >= total * _NEARLY_ALL:
        logger.warning(
            "%s: %d of %d rows have no %s, which is no usable stamp for this table; read it whole each time, or name "
            "another column in replication_columns",
            reader.table,
            missing,
            total,
            reader.date,
        )
    else:
        logger.info("%s: %d rows have no %s and are read at every run", reader.table, missing, reader.date)
    before = lt(reader.date, EARLIEST)
    if reader.count(before) >= missing:
        for page in reader.by_key(where=before):
            yield part.own(page.rows)
    elif missing >= total * _MANY:
        for page in reader.walk(pool, workers, stripes=part.stripes):
            yield [row for row in page.rows if _is_undated(reader, row)]
    else:
        yield from _found_by_key(reader, pool, workers, part)


def _found_by_key(reader: TableReader, pool: Executor, workers: int, part: Part) -> Iterator[list[dict[str, Any]]]:
    waiting: list[tuple[Any, ...]] = []
    for page in reader.bare().walk(pool, workers, stripes=part.stripes):
        waiting += keys_of(reader, [row for row in page.rows if _is_undated(reader, row)])
        if len(waiting) >= _TOGETHER:
            yield from _with_keys(reader, waiting)
            waiting = []
    yield from _with_keys(reader, waiting)


def _with_keys(reader: TableReader, keys: list[tuple[Any, ...]]) -> Iterator[list[dict[str, Any]]]:
    for found in rows_with_keys(reader, keys):
        yield [row for row in found if _is_undated(reader, row)]


def _is_undated(reader: TableReader, row: Mapping[str, Any]) -> bool:
    day = reader.day(row)
    return day is None or day < EARLIEST
