"""A line for each message that did not get through: refused by the service, or failed on its way."""

from __future__ import annotations

import logging
import threading
import typing as t

from sync_ledger.sending.service import Delivery, Refused

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sync_ledger.sending.service import Answer, MessageService, Outgoing, Seen

logger = logging.getLogger("sync_ledger")

_NOUNS: t.Final = {"sms": "text", "voice": "call", "email": "mail"}
_MISSED: t.Final = frozenset({Delivery.FAILED, Delivery.UNDELIVERED})
_MOST_LINES: t.Final = 20


class Outspoken:
    """A service that says in the log what did not get through, so that a run's output tells it.

    The ledger has every one of them; the log has one line for each recipient and reason, and not more than twenty.

    Args:
        service: The service.
        name: Its name.
    """

    def __init__(self, service: MessageService, name: str) -> None:
        self._service = service
        self._name = name
        self._lock = threading.Lock()
        self._told: set[tuple[str | None, str]] = set()
        self.channels = service.channels
        self.per_second = service.per_second

    def send(self, message: Outgoing) -> Answer:
        """Send a message; say so if it is refused."""
        answer = self._service.send(message)
        if isinstance(answer, Refused):
            what = f"does not take the {_NOUNS[message.channel]} to {message.recipient}"
            self._tell(message.recipient, what, answer.code, answer.text, answer.remedy)
        return answer

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
        """Ask the service."""
        return self._service.find(message, since)

    def status(self, remote_id: str, channel: str) -> Seen | None:
        """Ask the service; say so if the message will not arrive."""
        seen = self._service.status(remote_id, channel)
        if seen is not None and seen.status in _MISSED:
            what = f"could not deliver the {_NOUNS[channel]} {remote_id}"
            self._tell(remote_id, what, seen.code, seen.text, seen.remedy)
        return seen

    def close(self) -> None:
        """Close the service's connections."""
        self._service.close()

    def _tell(self, whom: str, what: str, code: str | None, text: str | None, remedy: str | None) -> None:
        with self._lock:
            if (code, whom) in self._told:
                return
            self._told.add((code, whom))
            number = len(self._told)
        if number <= _MOST_LINES:
            said = " ".join(part for part in (code, text) if part) or "no reason given"
            logger.warning("%s %s: %s%s", self._name, what, said, f"; {remedy}" if remedy else "")
        elif number == _MOST_LINES + 1:
            logger.warning("%s: there are more such messages; `alerts messages` lists them", self._name)
