"""Open rows tried again: those that failed, and those a person marked or names."""

from __future__ import annotations

import logging
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sync_ledger.engine.deletions import Deletions
    from sync_ledger.engine.guards import DeleteGuard
    from sync_ledger.ledger import Ledger
    from sync_ledger.rows import Settled, SourceRow

    Source = Callable[[str], Iterator[list[SourceRow]]]

logger = logging.getLogger("sync_ledger")

CHUNK: t.Final = 500


class Replay:
    """Takes open rows through the engine: writes first, parents before children, then deletions the other way round.

    Args:
        ledger: Ledger of the run.
        deletions: Knows which rows are deletions.
        guard: Says whether there are too many of them.
        process: Takes a batch through the engine.
        settle: Settles rows without a stage.
        go_on: Whether the budget allows more.
    """

    def __init__(
        self,
        ledger: Ledger,
        deletions: Deletions,
        guard: DeleteGuard,
        *,
        process: Callable[[str, Sequence[SourceRow]], None],
        settle: Callable[[Sequence[Settled]], None],
        go_on: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._deletions = deletions
        self._guard = guard
        self._process = process
        self._settle = settle
        self._go_on = go_on

    def run(self, entities: Sequence[str], source: Source) -> None:
        """Try the rows of some entities again.

        Args:
            entities: Entities with open rows, parents before children.
            source: Entity -> its rows, in batches.
        """
        waiting = dict.fromkeys(entities, 0)
        for entity in entities:
            for rows in source(entity):
                writes, deletions = self._deletions.split(rows)
                waiting[entity] += sum(1 for row in deletions if not row.approved)
                if writes and self._go_on():
                    self._process(entity, writes)
        linked = {entity: self._ledger.links.living(entity) for entity, number in waiting.items() if number}
        held = self._guard.exceeded(waiting, linked)
        for entity in reversed(entities):
            for rows in source(entity):
                self._delete(entity, self._deletions.split(rows)[1], held.get(entity))

    def _delete(self, entity: str, rows: Sequence[SourceRow], too_many: str | None) -> None:
        stopped = [row for row in rows if too_many and not row.approved]
        if too_many and stopped:
            self._settle([self._guard.hold(row, too_many) for row in stopped])
        others = [row for row in rows if row.approved or not too_many]
        if others and self._go_on():
            self._process(entity, others)
