"""Reading a table from one end to the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_jdedwards.bookmark import FirstLoad
from tap_jdedwards.columns import position
from tap_jdedwards.marks import capped
from tap_jdedwards.tables.run import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jdedwards.bookmark import TableBookmark
    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tables.run import TableRun


def everything(run: TableRun) -> Iterator[Batch]:
    """Read all rows without keeping a position.

    Args:
        run: The run.

    Yields:
        Batches of records in the order of the key.
    """
    run.expect(run.due)
    for page in run.walk(run.reader, run.due):
        yield run.records(page.rows)


def first_load(run: TableRun, bookmark: TableBookmark) -> Iterator[Batch]:
    """Read all rows by key, keep the position, and end with a bookmark.

    Rows that change or come behind the position meanwhile are stamped no earlier than the mark taken at the start; the
    next run reads from there.

    Args:
        run: The run.
        bookmark: The stream's bookmark; its first load goes on when it has one under way.

    Yields:
        Batches of records in the order of the key.
    """
    loading, reader, sweep = bookmark.first_load, run.reader, run.sweep
    highest, clock = reader.highest()
    if loading is None or not _goes_on(loading, reader.key) or run.stream.warned_ahead(loading.start_mark, clock):
        loading = FirstLoad(start_mark=capped(highest, clock) or clock, key=reader.key)
        run.save(bookmark.loading(loading))
    if sweep is not None:
        sweep.begin_load(from_start=not loading.after)
    run.expect(run.due, loading.after)
    for page in run.walk(reader, run.due, loading.after):
        for rows, pages in pieces(page.rows):
            yield run.records(rows, pages)
            loading = replace(loading, after=position(rows[-1], reader.key, reader.kinds), key=reader.key)
            run.save(bookmark.loading(loading))
    if sweep is not None:
        sweep.end_load()
    run.save(bookmark.loading(loading).advanced(loading.start_mark))


def _goes_on(loading: FirstLoad, key: tuple[str, ...]) -> bool:
    """Tell whether a position is one in this key; it is not when table_keys has changed since."""
    if not loading.key:  # a state of version 0.1
        return len(loading.after) in {0, len(key)}
    return not loading.after or loading.key == key
