"""A message service whose answers a test decides; it keeps what it took, as the real one would."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field

from sync_ledger.sending.service import Accepted, Delivery, Seen

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sync_ledger.sending.service import Answer, Outgoing


@dataclass
class Took:
    """A message the service has."""

    remote_id: str
    key: str
    recipient: str
    text: str
    created_at: datetime
    status: Delivery = Delivery.QUEUED
    code: str | None = None


@dataclass
class FakeService:
    """Takes everything unless `answer` says otherwise.

    Attributes:
        clock: The service's own clock.
        answer: Called with each message; what it returns is the answer, and None means that the message is taken.
        blind: Whether it cannot be asked for messages.
    """

    clock: Callable[[], datetime]
    answer: Callable[[Outgoing], Answer | None] = lambda _: None
    channels: Sequence[str] = ("sms", "voice", "email")
    per_second: float = 0
    blind: bool = False
    took: list[Took] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    asked: int = 0
    lock: t.Any = field(default_factory=threading.Lock)

    def take(self, message: Outgoing) -> str:
        with self.lock:
            remote_id = f"SM{len(self.took) + 1:032x}"
            self.took.append(Took(remote_id, message.key, message.recipient, message.text, self.clock()))
            return remote_id

    def send(self, message: Outgoing) -> Answer:
        self.calls.append(message.key)
        answer = self.answer(message)
        return Accepted(self.take(message), Delivery.QUEUED) if answer is None else answer

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
        self.asked += 1
        if self.blind:
            return None
        whole = since.replace(microsecond=0)  # times of the service have no fractions
        return [
            Seen(one.remote_id, one.status, one.code, created_at=one.created_at.replace(microsecond=0))
            for one in reversed(self.took)
            if (one.recipient, one.text) == (message.recipient, message.text) and one.created_at >= whole
        ]

    def status(self, remote_id: str, channel: str) -> Seen | None:
        self.asked += 1
        if self.blind:
            return None
        one = next(one for one in self.took if one.remote_id == remote_id)
        return Seen(remote_id, one.status, one.code)

    def close(self) -> None:
        pass

    def keys(self) -> list[str]:
        return [one.key for one in self.took]
