"""The look at all keys of a table, for rows that have vanished or came without a newer stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jdedwards.tables.exact import keys_of, rows_with_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tables.run import TableRun


def swept(run: TableRun) -> Iterator[Batch]:
    """Compare the keys known with those of the table and emit the differences.

    Args:
        run: The run, after its changes have been read.

    Yields:
        Batches of records.
    """
    if run.sweep is None:
        return

    def read(keys: Sequence[tuple[Any, ...]]) -> Batch:
        return [record for rows in rows_with_keys(run.reader, keys) for record in run.plain_records(rows)]

    yield from run.sweep.run(_keys(run), read, left_out=0 if run.due is None else _left_out(run))
    run.stream.save({**run.stream.stream_state, **run.sweep.to_state()})


def _left_out(run: TableRun) -> int:
    """Count the rows that start_date leaves out; those that came meanwhile are not among them."""
    wanted = run.reader.count(run.due)
    return max(0, run.reader.count() - wanted)


def _keys(run: TableRun) -> Iterator[list[tuple[Any, ...]]]:
    progress = run.counted(f"Keys of {run.stream.name}", run.due)
    for page in run.walk(run.reader.keys_only(), run.due):
        progress.add(len(page.rows))
        yield keys_of(run.reader, page.rows)
