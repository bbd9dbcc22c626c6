"""Passes over the documents of a composed stream: all of them, or those that are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tap_jdedwards.columns import reader as value_reader
from tap_jdedwards.composed.bookmark import Pass
from tap_jdedwards.composed.changes import ChangeFinder, Lower
from tap_jdedwards.marks import Since
from tap_jdedwards.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tap_jdedwards.composed.bookmark import ComposedBookmark, Watermark
    from tap_jdedwards.composed.changes import Changes
    from tap_jdedwards.composed.document import Assembler, Bundle
    from tap_jdedwards.composed.lookups import Lookups
    from tap_jdedwards.composed.merging import Group
    from tap_jdedwards.composed.reading import DocumentReader
    from tap_jdedwards.composed.stream import ComposedStream
    from tap_jdedwards.deletes import Sweep
    from tap_jdedwards.shards import Part
    from tap_jdedwards.stream import Batch

    IsDue = Callable[[Bundle], bool]


class Run:
    """One run of a composed stream."""

    def __init__(
        self,
        stream: ComposedStream,
        reader: DocumentReader,
        assembler: Assembler,
        lookups: Lookups,
        *,
        part: Part,
        documents_per_state: int,
        clock: datetime | None,
    ) -> None:
        """Prepare without reading.

        Args:
            stream: The stream.
            reader: Its tables.
            assembler: Makes its documents.
            lookups: Its looked-up tables.
            part: Which of its documents are read.
            documents_per_state: Documents after which a STATE follows.
            clock: The server's time before the first row is read; None if it did not tell.

        Raises:
            ValueError: When the reader does not know the server's day.
        """
        if reader.today is None:
            raise ValueError("documents need the server's day")
        self._stream = stream
        self._definition = reader.definition
        self._reader = reader
        self._assembler = assembler
        self._lookups = lookups
        self._part = part
        self._at_once = documents_per_state
        self._clock = clock
        self._today = reader.today
        self._progress = Progress(stream.logger, stream.name)
        self._settings = stream.jde.settings
        self._sweep: Sweep | None = None
        self._changes_with_time = any(source.daily for source in self._definition.sources.values())

    def everything(self) -> Iterator[Batch]:
        """Read all live documents."""
        for _, bundles in self._hands(self._reader.walk(live=True)):
            yield self._documents(bundles)

    def incremental(self, bookmark: ComposedBookmark) -> Iterator[Batch]:
        """Read what is due.

        Args:
            bookmark: Where the last run has come to.

        Yields:
            Documents; the bookmark follows them.
        """
        yield from self._changes(bookmark) if bookmark.tables else self._first_load(bookmark)

    def swept(self, bookmark: ComposedBookmark, sweep: Sweep) -> Iterator[Batch]:
        """Read what is due, then tell which documents have vanished.

        Args:
            bookmark: Where the last run has come to.
            sweep: Knows the keys told before; opened.

        Yields:
            Documents, then records of deleted ones.
        """
        self._sweep = sweep
        root = self._definition.sources[self._definition.root]
        # A first load that leaves documents out has not shown all keys: the sweep after it learns them.
        whole = not root.live and self._settings.start_date is None
        loading = not bookmark.tables
        if loading and whole:
            sweep.begin_load(from_start=bookmark.under_way is None or not bookmark.under_way.after)
        for batch in self.incremental(bookmark):
            yield sweep.keep(batch)
        if loading and whole:
            sweep.end_load()
            return
        yield from sweep.run(self._keys(), self._documents_of)
        self._stream.save({**self._stream.stream_state, **sweep.to_state()})

    def _first_load(self, bookmark: ComposedBookmark) -> Iterator[Batch]:
        if bookmark.under_way is None:
            bookmark = replace(bookmark, under_way=Pass(tables=self._reader.start_marks(), day=self._day))
            self._save(bookmark)
        yield from self._pass(bookmark, lambda after: self._reader.walk(after=after, live=True))

    def _changes(self, bookmark: ComposedBookmark) -> Iterator[Batch]:
        lowers = {name: self._lower(mark) for name, mark in bookmark.tables.items()}
        finder = ChangeFinder(
            self._reader,
            lowers,
            today=self._today,
            new_day=bookmark.day != self._day,
            clock=self._clock,
        )
        changes = finder.find()
        if bookmark.under_way is None:
            marks = self._reader.start_marks() if changes.many else changes.marks
            bookmark = replace(bookmark, under_way=Pass(tables=marks, day=self._day))
        if changes.many:
            yield from self._pass(
                bookmark, lambda after: self._reader.walk(after=after, all_rows=True), late=finder.is_due
            )
        else:
            yield from self._pass(bookmark, lambda after: self._of(changes, after), early=_early(changes, finder))

    @property
    def _day(self) -> Any:
        return self._today if self._changes_with_time else None

    def _of(self, changes: Changes, after: Sequence[Any]) -> Iterator[Group]:
        return self._reader.some(sorted(value for value in changes.first_values() if not after or value > after[0]))

    def _pass(
        self,
        bookmark: ComposedBookmark,
        walk: Callable[[Sequence[Any]], Iterator[Group]],
        *,
        early: IsDue | None = None,
        late: IsDue | None = None,
    ) -> Iterator[Batch]:
        after = bookmark.under_way.after if bookmark.under_way else ()
        for value, bundles in self._hands(walk(after)):
            yield self._documents(bundles, early=early, late=late)
            bookmark = bookmark.at((value,))
            self._save(bookmark)
        self._save(bookmark.finished())

    def _save(self, bookmark: ComposedBookmark) -> None:
        kept = {} if self._sweep is None else self._sweep.to_state()
        self._stream.save({**bookmark.to_state(), **self._part.to_state(), **kept})

    def _hands(self, groups: Iterable[Group]) -> Iterator[tuple[int, list[Bundle]]]:
        """Gather as many documents as are worked on at once, with the last first key value among them."""
        value = 0
        hand: list[Bundle] = []
        for value, root_rows, others in groups:
            hand.extend(self._assembler.bundles(root_rows, others))
            if len(hand) >= self._at_once:
                yield value, hand
                hand = []
        if hand:
            yield value, hand

    def _documents(self, bundles: list[Bundle], *, early: IsDue | None = None, late: IsDue | None = None) -> Batch:
        """Make the documents that are due, told before or after other tables are asked for them."""
        self._stream.touch()
        chosen = bundles if early is None else [bundle for bundle in bundles if early(bundle)]
        self._lookups.fill(chosen)
        if late is not None:
            chosen = [bundle for bundle in chosen if late(bundle)]
        complete = (self._assembler.complete(bundle, self._today) for bundle in chosen)
        batch = [
            self._stream.prune(self._assembler.build(bundle, self._today))
            for bundle in complete
            if bundle is not None and self._is_late_enough(bundle)
        ]
        self._progress.add(len(batch))
        return batch

    def _keys(self) -> Iterator[list[tuple[Any, ...]]]:
        """Page through the keys of all documents, as records hold them."""
        columns = [
            (alias, value_reader(self._definition.kinds[alias], in_key=True)) for alias in self._definition.key.values()
        ]
        for _, bundles in self._hands(self._reader.walk_keys()):
            roots = (bundle.rows[self._definition.root][0] for bundle in bundles)
            yield [tuple(read(row.get(alias)) for alias, read in columns) for row in roots]

    def _documents_of(self, keys: Sequence[tuple[Any, ...]]) -> Batch:
        """Read the documents of some keys; those that are no longer there are left out."""
        wanted = set(keys)
        found: Batch = []
        for _, bundles in self._hands(self._reader.some(sorted({key[0] for key in keys}))):
            batch = self._documents(bundles)
            found += [record for record in batch if tuple(record[name] for name in self._definition.key) in wanted]
        return found

    def _is_late_enough(self, bundle: Bundle) -> bool:
        start = self._settings.start_date
        if start is None:
            return True
        mark = self._assembler.mark(bundle)
        return mark is not None and mark.date() >= start

    def _lower(self, watermark: Watermark) -> Lower:
        since = Since.after(
            watermark.mark or datetime.min,  # noqa: DTZ901 -- a mark has no zone
            overlap=timedelta(minutes=self._settings.overlap_minutes),
            not_before=self._settings.start_date,
            clock=self._clock,
        )
        return Lower(since, watermark.effective)


def _early(changes: Changes, finder: ChangeFinder) -> IsDue:
    return lambda bundle: changes.concern(bundle.key) or (changes.concern_live(bundle.key) and finder.is_live(bundle))
