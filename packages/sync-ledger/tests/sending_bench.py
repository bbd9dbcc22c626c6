"""A ledger to send from, with a clock that only moves when it is told to or slept on."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.runs import Runs
from sync_ledger.ledger.sending_tables import message_events, messages
from sync_ledger.sending.claiming import Claims
from sync_ledger.sending.courier import Courier, Pace
from sync_ledger.sending.journal import Journal
from sync_ledger.sending.outbox import Outbox
from sync_ledger.sending.statuses import Statuses

if t.TYPE_CHECKING:
    from sync_ledger.sending.service import MessageService

DESTINATION = "fake:account"
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)


class Clock:
    """The moment now; `sleep` moves it on."""

    def __init__(self, moment: datetime = BEGIN) -> None:
        self.moment = moment
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def wait(self, **parts: float) -> None:
        self.moment += timedelta(**parts)


@dataclass(frozen=True)
class Told:
    """What a message tells of."""

    rule: str = "HighValue"
    fingerprint: str = "f1"
    version: int = 1
    stream: str = "purchase_orders"
    source_key: str = '{"DOCO": 4711}'


@dataclass(frozen=True)
class Text:
    """A message to put into the outbox."""

    key: str
    recipient: str = "+15550100"
    text: str = "PO 4711 Acme $60,000.00"
    channel: t.Literal["sms", "email", "voice"] = "sms"
    receiver: str = "oncall"
    purpose: str = "alert"
    group_key: str = "oncall:HighValue"
    subject: str | None = None
    html: str | None = None
    segments: int = 1
    sender: str | None = None
    messaging_service: str | None = None
    reply_to: str | None = None
    language: str | None = None
    not_before: datetime = BEGIN
    valid_until: datetime | None = None
    on_lost_answer: t.Literal["hold", "send_again"] = "hold"
    members: tuple[Told, ...] = (Told(),)


class Bench:
    """One account and one ledger."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = open_engine(url)
        self.clock = Clock()
        self.journal = Journal(self.engine, DESTINATION, clock=self.clock)
        self.told = Statuses(self.journal)
        self.outbox = Outbox(DESTINATION, clock=self.clock)

    def run(self) -> int:
        """Open a run of this process; those before it are taken for dead, as if it were another one."""
        return Runs(self.engine, DESTINATION).start("target-fake", "apply")

    def claims(self, run_id: int | None = None) -> Claims:
        return Claims(self.journal, self.run() if run_id is None else run_id, ("sms", "email", "voice"))

    def courier(self, service: MessageService, *, run_id: int | None = None, **pace: t.Any) -> Courier:
        run_id = self.run() if run_id is None else run_id
        return Courier(self.journal, run_id, service, pace=Pace(**{"threads": 1, **pace}), sleep=self.clock.sleep)

    def deliver(self, service: MessageService, **pace: t.Any) -> dict[str, int]:
        return {status.value: number for status, number in self.courier(service, **pace).deliver().items()}

    def put(self, *texts: Text) -> list[str]:
        with self.engine.begin() as connection:
            return self.outbox.put(connection, texts)

    def rows(self) -> list[t.Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(messages).order_by(messages.c.id)).all())

    def row(self, key: str) -> t.Any:
        return next(row for row in self.rows() if row.key == key)

    def statuses(self) -> dict[str, str]:
        return {row.key: row.status for row in self.rows()}

    def events(self, key: str | None = None) -> list[t.Any]:
        query = select(message_events).order_by(message_events.c.id)
        if key is not None:
            query = query.where(message_events.c.message_id == self.row(key).id)
        with self.engine.connect() as connection:
            return list(connection.execute(query).all())
