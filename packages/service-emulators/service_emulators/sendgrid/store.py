"""Storage of the SendGrid emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.row_store import RowStore
from service_emulators.sendgrid.tables import MAILBOXES, METADATA, SUPPRESSIONS

if TYPE_CHECKING:
    from pathlib import Path


class Store(RowStore):
    """The data of one account.

    Args:
        path: SQLite file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(METADATA, path)

    def outcome(self, email: str) -> str:
        """Returns what becomes of mail to an address."""
        row = self.one(MAILBOXES, MAILBOXES.c.email == email)
        return str(row["outcome"]) if row else "delivered"

    def suppress(self, kind: str, email: str, reason: str, status: str, at: float) -> None:
        """Puts an address on a list; once on it, it stays as it is."""
        if self.one(SUPPRESSIONS, SUPPRESSIONS.c.kind == kind, SUPPRESSIONS.c.email == email) is None:
            self.add(SUPPRESSIONS, kind=kind, email=email, reason=reason, status=status, created_at=int(at))

    def suppressed(self, email: str) -> set[str]:
        """Returns the lists an address is on."""
        return {row["kind"] for row in self.rows(SUPPRESSIONS, SUPPRESSIONS.c.email == email)}


def decode(text: str) -> Any:
    """Returns stored JSON."""
    return msgspec.json.decode(text)


def encode(value: Any) -> str:
    """Returns JSON to store."""
    return msgspec.json.encode(value).decode()
