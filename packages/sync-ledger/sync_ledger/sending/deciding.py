"""What people decide on messages: send one again that is held, or send one no more."""

from __future__ import annotations

import typing as t

from sync_ledger.errors import InputError
from sync_ledger.sending.journal import REFUSED, Said
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.sending.journal import Journal

_DISCARDABLE = frozenset({Delivery.WAITING, Delivery.UNKNOWN, Delivery.HELD, Delivery.FAILED})


class Decisions:
    """Decisions on messages of one destination.

    Args:
        journal: The messages.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def release(self, keys: Sequence[str], note: str | None = None) -> None:
        """Let messages go out that are held or were refused; all of them or, with an error, none.

        Of one whose answer was lost it is the person's word that it did not arrive.

        Raises:
            InputError: If one of them is not there, waits for nobody, or has lost its text.
        """
        with self._journal.alone() as connection:
            for row in [self._journal.by_key(connection, key) or _missing(key) for key in keys]:
                if not (row.status == Delivery.HELD.value or row.reason == REFUSED):
                    raise InputError(f"Message {row.key} is {row.status}; only held and refused ones can be sent again")
                if row.erased:
                    raise InputError(f"Message {row.key} has lost its text to a purge; discard it")
                values = {"due_at": self._journal.clock(), "tries": 0, "tried_at": None, "failure_told": False}
                self._journal.move(connection, row.id, Said("person", Delivery.WAITING, text=note), values)

    def discard(self, keys: Sequence[str], note: str | None = None) -> None:
        """Close messages that are not sent and not wanted any more; all of them or, with an error, none.

        Raises:
            InputError: If one of them is not there, is being sent, or has been sent.
        """
        with self._journal.alone() as connection:
            for row in [self._journal.by_key(connection, key) or _missing(key) for key in keys]:
                if Delivery(row.status) not in _DISCARDABLE or (row.remote_id is not None):
                    raise InputError(f"Message {row.key} is {row.status} and cannot be discarded")
                self._journal.move(connection, row.id, Said("person", Delivery.DISCARDED, text=note))


def _missing(key: str) -> t.NoReturn:
    raise InputError(f"There is no message {key}")
