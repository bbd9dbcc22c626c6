"""Guards: a run that would do harm on a large scale ends before it does."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass, field

from sync_ledger.errors import GuardError
from sync_ledger.rows import OPEN_OUTCOMES, Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_ledger.rows import SourceRow

logger = logging.getLogger("sync_ledger")

FEWEST_ROWS: t.Final = 20
"""The share of failing rows says nothing before so many have come."""

_PASSING: t.Final = frozenset({Reason.BUDGET, Reason.PARENT_MISSING, Reason.BUSY})
"""A used-up budget ends a run well, rows wait for their parents in every first load, and for other runs."""


@dataclass
class FailureGuard:
    """Ends a run in which too many rows fail.

    Attributes:
        percent: Share of rows that may be held, rejected or failed; None for any.
    """

    percent: int | None
    _rows: int = field(default=0, init=False)
    _bad: int = field(default=0, init=False)
    _reasons: dict[str, int] = field(default_factory=dict, init=False)

    def saw(self, settled: Iterable[Settled]) -> None:
        """Count rows that came in; those of earlier runs tell nothing of this one's."""
        for item in settled:
            if item.row.open_row_id is not None:
                continue
            self._rows += 1
            if item.outcome in OPEN_OUTCOMES and item.reason not in _PASSING:
                self._bad += 1
                self._reasons[item.reason.value] = self._reasons.get(item.reason.value, 0) + 1

    def check(self) -> None:
        """Look whether the run may go on.

        Raises:
            GuardError: If too many rows failed.
        """
        if self.percent is None or self._rows < FEWEST_ROWS or self._bad * 100 <= self._rows * self.percent:
            return
        reason = max(self._reasons, key=lambda name: self._reasons[name])
        raise GuardError(
            f"{self._bad} of {self._rows} rows could not be written, mostly for {reason}; failure_guard_percent allows "
            f"{self.percent} %. The run ends here: these rows are kept (sync-ledger held), the rest comes again"
        )


@dataclass
class DeleteGuard:
    """Holds the deletions of a run when there are too many.

    Attributes:
        rows: Most deletions of one run; None for any number.
        percent: Largest share of an entity's linked records; None for any.
    """

    rows: int | None
    percent: int | None
    _tripped: list[str] = field(default_factory=list, init=False)

    def exceeded(self, wanted: Mapping[str, int], linked: Mapping[str, int]) -> dict[str, str]:
        """Return the entities whose deletions must not be carried out, each with the reason in words.

        Args:
            wanted: Entity -> deletions that wait and that nobody has let through.
            linked: Entity -> records that are linked.
        """
        total = sum(wanted.values())
        found: dict[str, str] = {}
        for entity, number in wanted.items():
            if not number:
                continue
            if self.rows is not None and total > self.rows:
                found[entity] = f"{total} records would be deleted in one run; delete_guard_rows allows {self.rows}"
            elif self.percent is not None and number * 100 > linked[entity] * self.percent:
                found[entity] = (
                    f"{number} of {linked[entity]} linked {entity} would be deleted; delete_guard_percent allows "
                    f"{self.percent} %"
                )
        self._tripped.extend(text for text in found.values() if text not in self._tripped)
        return found

    def hold(self, row: SourceRow, text: str) -> Settled:
        """Return the outcome of a deletion that is not carried out."""
        return Settled(row, Outcome.HELD, Reason.DELETE_GUARD, text=text)

    def check(self) -> None:
        """End the run once everything else is done.

        Raises:
            GuardError: If deletions were held.
        """
        if self._tripped:
            raise GuardError(
                f"{'; '.join(self._tripped)}. None of them was deleted: they are held (sync-ledger held --reason "
                "delete_guard), everything else is written. If they are right, let them through with "
                "sync-ledger replay --reason delete_guard"
            )
