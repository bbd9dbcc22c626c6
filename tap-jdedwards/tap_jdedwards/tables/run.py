"""What the ways of reading a table have in common during one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jde_ais import AllOf, ge

from tap_jdedwards.columns import to_records
from tap_jdedwards.dictionary import Kind
from tap_jdedwards.progress import Progress
from tap_jdedwards.reading import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor, Future

    from jde_ais import Page, Where

    from tap_jdedwards.bookmark import TableBookmark
    from tap_jdedwards.columns import TableColumn
    from tap_jdedwards.deletes import Sweep
    from tap_jdedwards.reading import TableReader
    from tap_jdedwards.settings import TapSettings
    from tap_jdedwards.shards import Part
    from tap_jdedwards.stream import Batch, JdeStream

RECORDS_PER_STATE = 500
"""At most so many records pass between two STATE messages."""


class TableRun:
    """One run over one table.

    Attributes:
        stream: The stream.
        reader: Reads its table.
        part: What this process reads of it.
        sweep: Looks for deleted rows; None when nobody asked for that.
        due: The condition of ``start_date``; None without one.

    Args:
        stream: The stream.
        reader: Reads its table.
        columns: Columns to emit, by property.
        part: What this process reads of it.
        sweep: Looks for deleted rows.
        due: The condition of ``start_date``.
    """

    def __init__(
        self,
        stream: JdeStream,
        reader: TableReader,
        columns: Mapping[str, TableColumn],
        part: Part,
        sweep: Sweep | None,
        due: Where | None,
    ) -> None:
        self.stream = stream
        self.reader = reader
        self.part = part
        self.sweep = sweep
        self.due = due
        self._columns = tuple(columns.values())
        self._names = {column.alias: name for name, column in columns.items() if column.alias != name}
        self._progress = Progress(stream.jde.logger, stream.name)

    @property
    def settings(self) -> TapSettings:
        """The settings."""
        return self.stream.jde.settings

    @property
    def pool(self) -> Executor:
        """Where requests run while rows are worked on."""
        return self.stream.jde.pool

    @property
    def workers(self) -> int:
        """How many requests may be under way."""
        return self.settings.ais.max_concurrency

    def expect(self, where: Where | None, after: tuple[Any, ...] = ()) -> None:
        """Let the progress lines tell a share of all rows to come.

        Args:
            where: The condition of the rows.
            after: Key from which a first load goes on.
        """
        first = self.reader.key[0]
        if after and self.reader.kinds[first] is Kind.WHOLE:
            rest = ge(first, after[0])
            where = rest if where is None else AllOf(where, rest)
        self._progress = self.counted(self.stream.name, where)

    def counted(self, what: str, where: Where | None) -> Progress:
        """Make progress lines that tell a share of all rows with a condition."""
        shards = 1 if self.part.stripes is None else self.part.stripes.of

        def count() -> Future[int]:
            return self.pool.submit(lambda: self.reader.count(where) // shards)

        return Progress(self.stream.jde.logger, what, total=count)

    def walk(self, reader: TableReader, where: Where | None = None, after: tuple[Any, ...] = ()) -> Iterator[Page]:
        """Walk this process's part of a table by its key."""
        return reader.walk(self.pool, self.workers, after=after, where=where, stripes=self.part.stripes)

    def ahead(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Fetch the next page while the current one is worked on."""
        return ahead(pages, self.pool)

    def records(self, rows: list[dict[str, Any]], pages: int = 1) -> Batch:
        """Turn raw rows into records that are about to be written.

        Args:
            rows: Raw rows of this part.
            pages: How many pages they are; 0 for all but the first piece of one.

        Returns:
            Their records; their keys are known from now on where deletions are looked for.
        """
        self._progress.add(len(rows), pages)
        batch = self.plain_records(rows)
        return batch if self.sweep is None else self.sweep.keep(batch)

    def plain_records(self, rows: list[dict[str, Any]]) -> Batch:
        """Turn raw rows into records, and no more."""
        self.stream.touch()
        records = to_records(rows, self._columns)
        if not self._names:
            return records
        return [{self._names.get(alias, alias): value for alias, value in record.items()} for record in records]

    def save(self, bookmark: TableBookmark) -> None:
        """Send the state: everything written so far is covered by it."""
        deletes = {} if self.sweep is None else self.sweep.to_state()
        self.stream.save({**bookmark.to_state(), **deletes, **self.part.to_state()})


def pieces(rows: list[dict[str, Any]]) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Cut the rows of a page into what passes between two STATE messages; with each piece the pages it adds."""
    for start in range(0, len(rows), RECORDS_PER_STATE):
        yield rows[start : start + RECORDS_PER_STATE], int(not start)
