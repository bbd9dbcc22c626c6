"""Rows on their way, and what became of them."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field, replace

from sync_ledger.adapter import Result, WriteResult
from sync_ledger.errors import BudgetExhaustedError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sync_ledger.adapter import Operation

UNSENT: t.Final = WriteResult(Result.UNSENT, code="unsent")
"""Nothing has become of a row yet."""


@dataclass
class Item:
    """One row on its way.

    Attributes:
        operation: What is asked for.
        record: What is sent.
        after: What is set once the row is made.
        result: What became of it.
        taken: It was refused because a row of its key is there.
    """

    operation: Operation
    record: dict[str, t.Any]
    after: dict[str, t.Any] = field(default_factory=dict)
    result: WriteResult = UNSENT
    taken: bool = False


@contextlib.contextmanager
def settling(items: Sequence[Item], *, partly: bool = False) -> Iterator[None]:
    """Let the end of the budget be the result of those rows it keeps from being sent.

    Args:
        items: The rows.
        partly: They are the second step of a write: something was sent, even if none of them is.

    Raises:
        BudgetExhaustedError: If it is all of them: nothing was sent.
    """
    try:
        yield
    except BudgetExhaustedError as error:
        unsent = [item for item in items if item.result is UNSENT]
        if len(unsent) == len(items) and not partly:
            raise
        settle(unsent, replace(UNSENT, text=str(error)))


def halve(items: Sequence[Item], send: Callable[[Sequence[Item]], None]) -> None:
    """Send rows in two halves, since together they were refused."""
    middle = len(items) // 2
    send(items[:middle])
    send(items[middle:])


def settle(items: Sequence[Item], result: WriteResult) -> None:
    """Let the same have become of all rows."""
    for item in items:
        item.result = result
