"""Reading what has changed since the bookmark."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_jdedwards.marks import Since, capped
from tap_jdedwards.tables.run import pieces
from tap_jdedwards.tables.undated import undated_pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tap_jdedwards.bookmark import TableBookmark
    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tables.run import TableRun


def changes(run: TableRun, bookmark: TableBookmark, clock: datetime | None) -> Iterator[Batch]:
    """Read the rows that are due and move the bookmark.

    Args:
        run: The run.
        bookmark: The stream's bookmark, with a mark.
        clock: The server's time before the first row is read; None if it did not tell.

    Yields:
        Batches of records in the order of their stamps.
    """
    if bookmark.mark is None:
        return
    overlap = timedelta(minutes=run.settings.overlap_minutes)
    since = Since.after(bookmark.mark, overlap=overlap, not_before=run.settings.start_date, clock=clock)
    reader = run.reader
    if not reader.is_tidy():
        if run.due is None:  # what has no date is not known to be as late as start_date
            for rows in undated_pages(reader, run.pool, run.workers, run.part, run.stream.logger):
                yield run.records(rows)
        # Rows without a time come first: the bookmark must not pass their day before they are written.
        for page in run.ahead(reader.timeless(since)):
            yield run.records(run.part.own(page.rows))
    for page in run.ahead(reader.changed(since)):
        for rows, pages in pieces(page.rows):
            yield run.records(run.part.own(rows), pages)
            # Not the clock of this page: rows stamped in the future may have been read long after all others.
            bookmark = bookmark.advanced(capped(reader.mark(rows[-1]), clock or page.server_time))
            run.save(bookmark)
