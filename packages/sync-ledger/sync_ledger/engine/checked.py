"""A row between validation and write, and what its stages have found out about it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_ledger.adapter import Action

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_ledger.adapter import Operation
    from sync_ledger.engine.resolve import Match
    from sync_ledger.ledger.links import Flight
    from sync_ledger.rows import SourceRow

    Changes = Mapping[str, tuple[t.Any, t.Any]]


@dataclass(slots=True)
class Checked:
    """A row that passed validation, with what the stages after it learn about it.

    Attributes:
        row: The source row.
        values: Its normalised payload, parents as remote ids.
        match: Which record it stands for.
        mark: What the link said when it was looked up; None without one.
        flight: A write of an earlier try whose result nobody knows.
        unflagged: Fields that get back what they had before the record was flagged, whatever the field rules say.
        operation: What is to be sent; None until that is decided, and when nothing is.
        updates: Field -> (old, new) of an update; see `changes`.
        note: What a plan says of it.
    """

    row: SourceRow
    values: dict[str, t.Any]
    match: Match | None = None
    mark: tuple[str, str, bool] | None = None
    flight: Flight | None = None
    unflagged: frozenset[str] = frozenset()
    operation: Operation | None = None
    updates: Changes | None = None
    note: str | None = None

    @property
    def creates(self) -> bool:
        """Whether a record is to be made for it."""
        return self.operation is not None and self.operation.action is Action.CREATE

    @property
    def changes(self) -> Changes | None:
        """Field -> (old, new) of what is sent; of a create not kept but made when asked for, as many may wait."""
        if self.creates:
            return {name: (None, value) for name, value in self.values.items() if value is not None}
        return self.updates

    @property
    def remote_id(self) -> str | None:
        """The record it was matched with, also one that is only linked to it."""
        if self.match is None:
            return None
        return self.match.remote_id or (self.match.link.remote_id if self.match.link else None)

    @property
    def matched_by(self) -> str | None:
        """Name of the match rule that found its record."""
        return self.match.matched_by if self.match else None


def operations_of(items: Iterable[Checked]) -> list[Operation]:
    """Return what is to be sent for some rows."""
    return [item.operation for item in items if item.operation]
