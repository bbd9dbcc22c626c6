"""A look at all keys of a stream: which have vanished, and which nobody has told of."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_jdedwards.deletes.guard import check_shrinkage
from tap_jdedwards.deletes.store import encoded

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from tap_jdedwards.deletes.store import Key, KeyStore
    from tap_jdedwards.stream import Batch

DELETED_AT = "_sdc_deleted_at"
"""Property that tells when a row was found deleted (UTC); null while it is there. Targets of the SDK know it."""


class Sweep:
    """Finds deleted rows of one stream, and rows that came without a sign of change.

    Every record passes :meth:`keep` before it is written, so that its key is known. After the stream has been read,
    :meth:`run` compares the keys known with those at the source. What it emits is kept until the state shows that the
    destination has it (``deletes.sweep`` of an incoming state), and emitted again otherwise. Example::

        sweep = open_sweep(settings, "customers", key=["address_number"], properties=names, state=stream_state, ...)
        with sweep:
            sweep.begin_load(from_start=True)  # before a first load; from_start False when one goes on
            for batch in documents():
                yield sweep.keep(batch)
                save({...})  # whatever the stream's own state is, with sweep.to_state() unchanged in it
            sweep.end_load()  # a first load has reached its end: it has shown all keys, no run() is needed
            # or, after an incremental run:
            yield from sweep.run(keys=pages_of_keys(), read=documents_with_keys)
            save({..., **sweep.to_state()})  # now with the number of this sweep

    Args:
        store: The keys.
        stream: The stream's name, for messages.
        key: Key properties.
        properties: All properties of a record; null in those that tell of a deletion.
        guard_percent: The setting ``delete_guard_percent``.
        acknowledged: Number of the last sweep that the destination has, from the incoming state; None if it has none.
        logger: Where it says what it found.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        stream: str,
        key: Sequence[str],
        properties: Iterable[str],
        guard_percent: int,
        acknowledged: int | None,
        logger: logging.Logger,
    ) -> None:
        self._store = store
        self._stream = stream
        self._key = tuple(key)
        self._properties = tuple(dict.fromkeys((*properties, DELETED_AT)))
        self._guard_percent = guard_percent
        self._logger = logger
        self._reached = acknowledged or 0
        if self._reached < store.acknowledged:
            logger.warning(
                "The state of %s is older than %s: deletions told since then are not told again. For an exact copy "
                "delete that file and the state of this stream",
                stream,
                store.path,
            )
        store.acknowledge(self._reached)

    def __enter__(self) -> Self:
        self._store.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.__exit__(kind, error, trace)

    def begin_load(self, *, from_start: bool) -> None:
        """Note that a first load begins or goes on.

        Args:
            from_start: Whether it begins at the first row; one that goes on counts as whole if it began with this file.
        """
        if from_start:
            self._store.note(from_start=1)

    def end_load(self) -> None:
        """Note that a first load has reached its end; if this file has seen all of it, it knows all keys."""
        if self._store.knows("from_start"):
            self._store.note(learned=1)

    def keep(self, batch: Batch) -> Batch:
        """Take in the keys of records that are about to be written.

        Args:
            batch: Records; they get the property ``_sdc_deleted_at``, which is null.

        Returns:
            The same batch.
        """
        for record in batch:
            record[DELETED_AT] = None
        self._store.put(self._key_of(record) for record in batch)
        return batch

    def run(
        self, keys: Iterable[Sequence[Key]], read: Callable[[Sequence[Key]], Batch], *, left_out: int = 0
    ) -> Iterator[Batch]:
        """Compare the keys known with those at the source and emit the differences.

        Args:
            keys: All keys at the source, page by page, each key with the values that records hold.
            read: Reads the records with exactly these keys, at most some hundreds; it leaves out what is not there.
            left_out: How many rows of the source are not among the keys, since they are older than ``start_date``.
                Known ones among them were wanted once: they are there, and no longer looked at.

        Yields:
            Records that nobody has told of, then records of deleted rows: key, ``_sdc_deleted_at``, else null.

        Raises:
            SourceShrunkError: When too much has vanished; nothing has then been told as deleted.
            KeysError: When the file fails.
        """
        store, known, learning = self._store, self._store.count(), not self._store.learned
        number = max(store.sweep, self._reached) + 1
        store.note(sweep=number)
        for page in keys:
            store.found(page, number, learning=learning)
        for pending in store.pages_gone(before=number):
            yield [self._deletion(key, at) for key, at in pending]
        added = 0
        for page in store.pages_added():
            records = read(page)
            there = {encoded(self._key_of(record)) for record in records}
            store.forget((key for key in page if encoded(key) not in there), number)
            for record in records:
                record[DELETED_AT] = None
            added += len(records)
            yield records
        if added:
            self._logger.info("%s: %d rows had come without a newer stamp", self._stream, added)
        self._guard(known, store.vanished(number) - left_out)
        if left_out:
            for page in store.pages_vanished(number):
                there = {encoded(self._key_of(record)) for record in read(page)}
                store.leave_out(key for key in page if encoded(key) in there)
            self._guard(known, store.vanished(number))
        deleted = 0
        for page in store.pages_vanished(number):
            there = {encoded(self._key_of(record)) for record in read(page)}
            gone = [key for key in page if encoded(key) not in there]
            store.found((key for key in page if encoded(key) in there), number, learning=True)
            at = datetime.now(timezone.utc).isoformat(timespec="seconds")
            store.bury(gone, number, at)
            deleted += len(gone)
            yield [self._deletion(key, at) for key in gone]
        if deleted:
            self._logger.info("%s: %d rows were deleted", self._stream, deleted)
        if learning:
            store.note(learned=1)
        self._reached = number

    def to_state(self) -> dict[str, Any]:
        """Write what belongs into the stream's state.

        Returns:
            ``{"deletes": {"sweep": 7}}``; nothing before the first sweep.
        """
        return {"deletes": {"sweep": self._reached}} if self._reached else {}

    def _guard(self, known: int, vanished: int) -> None:
        check_shrinkage(self._stream, known=known, vanished=max(0, vanished), percent=self._guard_percent)

    def _key_of(self, record: dict[str, Any]) -> Key:
        return tuple([record[name] for name in self._key])

    def _deletion(self, key: Key, at: str) -> dict[str, Any]:
        record: dict[str, Any] = dict.fromkeys(self._properties)
        record.update(zip(self._key, key, strict=True))
        record[DELETED_AT] = at
        return record
