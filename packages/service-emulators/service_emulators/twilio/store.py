"""Storage of the Twilio emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.row_store import RowStore
from service_emulators.twilio.tables import MESSAGES, METADATA, OPT_OUTS, PHONES, RECEIVED, SENDERS

if TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.row_store import Row


class Store(RowStore):
    """The data of one account.

    Args:
        path: SQLite file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(METADATA, path)

    def sender(self, number: str) -> Row | None:
        """Returns a number of the account, or None."""
        return self.one(SENDERS, SENDERS.c.number == number)

    def phone(self, number: str) -> Row:
        """Returns what is known of somebody's phone."""
        found = self.one(PHONES, PHONES.c.number == number)
        return found or {"number": number, "code": None, "verified": False, "line_type": "mobile"}

    def set_phone(self, number: str, **values: Any) -> Row:
        """Changes what is known of somebody's phone."""
        row = {**self.phone(number), **values}
        self.remove(PHONES, PHONES.c.number == number)
        self.add(PHONES, **row)
        return row

    def opted_out(self, scope: str, number: str) -> bool:
        """Returns whether somebody wants no messages of a number or Messaging Service."""
        return self.one(OPT_OUTS, OPT_OUTS.c.scope == scope, OPT_OUTS.c.number == number) is not None

    def opt_out(self, scope: str, number: str, *, out: bool) -> None:
        """Takes note of a STOP or START."""
        self.remove(OPT_OUTS, OPT_OUTS.c.scope == scope, OPT_OUTS.c.number == number)
        if out:
            self.add(OPT_OUTS, scope=scope, number=number)

    def receive(self, number: str, kind: str, sender: str, text: str, sid: str | None, at: float) -> None:
        """Puts something on somebody's phone."""
        self.add(RECEIVED, number=number, kind=kind, sender=sender, text=text, sid=sid, at=at)

    def sent_since(self, moment: float) -> int:
        """Returns how many messages were accepted since a moment."""
        return self.count(MESSAGES, MESSAGES.c.created_at > moment, MESSAGES.c.direction == "outbound-api")
