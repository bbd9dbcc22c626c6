"""What records of which module were created, changed or deleted, for whoever wants to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Operation = Literal["insert", "update", "delete"]


@dataclass(frozen=True)
class Change:
    """One changed record.

    Attributes:
        module: API name.
        operation: what happened.
        record_id: id of the record.
        fields: API names of the fields whose values are new; empty for a deletion.
        row: the record as it is stored now; as it was for a deletion.
    """

    module: str
    operation: Operation
    record_id: int
    fields: tuple[str, ...] = ()
    row: dict[str, Any] = field(default_factory=dict)


class Changes:
    """Collects the changes of a request and delivers them once they are committed."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[list[Change]], object]] = []
        self._waiting: list[Change] = []

    def listen(self, listener: Callable[[list[Change]], object]) -> None:
        """Calls a listener with the changes of each request; it holds the store's lock and must be quick."""
        self._listeners.append(listener)

    def add(self, change: Change) -> None:
        """Takes note of a change that is not committed yet."""
        if self._listeners:
            self._waiting.append(change)

    def deliver(self) -> None:
        """Tells the listeners; called after a commit."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for listener in self._listeners:
                listener(waiting)

    def drop(self) -> None:
        """Forgets what was not committed."""
        self._waiting.clear()
