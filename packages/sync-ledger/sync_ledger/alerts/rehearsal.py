"""Trying an alert file out: rows and a clock in, messages and decisions out. Nothing is sent, nothing is kept."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, replace
from datetime import timezone

from alert_rules.identity import key_of
from sqlalchemy import select, update

from sync_ledger.alerts.engine import AlertEngine, SourceRow
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from alert_rules.compiled import Compiled

    from sync_ledger.alerts.engine import RowOutcome
    from sync_ledger.alerts.reading import Explained

_DESTINATION: t.Final = "rehearsal"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that would be sent.

    Attributes:
        at: When it was put into the outbox.
        key: What makes it this message.
        receiver: Name of the receiver.
        channel: How.
        to: Number or address.
        purpose: Why.
        subject: Of a mail.
        text: What it says.
        html: HTML part of a mail.
        segments: Of an SMS.
    """

    at: datetime
    key: str
    receiver: str
    channel: str
    to: str
    purpose: str
    subject: str | None
    text: str
    html: str | None
    segments: int


class Rehearsal:
    """Alerts on a ledger in memory, with a clock of its own.

    Args:
        compiled: The alert file.
        start: What the clock shows first.
        initial: Whether rules begin with a baseline; None for what they say.
        ledger_url: Another ledger.
    """

    def __init__(
        self,
        compiled: Compiled,
        start: datetime,
        *,
        initial: t.Literal["baseline", "send"] | None = None,
        ledger_url: str = "sqlite://",
    ) -> None:
        self.now = start
        self._initial = initial
        self.compiled = self._with_initial(compiled)
        self.database = open_engine(ledger_url)
        self._runs = 0
        self._seen = 0

    def use(self, compiled: Compiled) -> None:
        """Go on with another alert file."""
        self.compiled = self._with_initial(compiled)

    def wait(self, length: timedelta) -> None:
        """Let time pass."""
        self.now += length

    def run(self, rows: Mapping[str, Sequence[Mapping[str, t.Any]]], *, ends: bool = True) -> list[RowOutcome]:
        """Run rows through, as a sync does.

        Args:
            rows: Rows by stream.
            ends: Whether the run gets to its end; one that does not has its rows taken in, and tells nobody.
        """
        self._runs += 1
        engine = self.engine(self._runs)
        outcomes = []
        for stream, given in rows.items():
            engine.announce(stream)
            if given:
                outcomes += engine.take(stream, [self._row(stream, row) for row in given], self.now)
        if ends:
            engine.flush(self.now, run_ended=True)
        return outcomes

    def tick(self) -> None:
        """Let the alerts see what time it is, as `alerts tick` does."""
        self.engine().flush(self.now, run_ended=False)

    def kill(self, *, run_ended: bool) -> set[str]:
        """Let a flush die before its transaction ends, and return the keys of the messages it would have made."""
        query = select(messages.c.key).where(messages.c.id > self._seen)
        with self.database.connect() as connection:
            before = set(connection.execute(query).scalars())
            self.engine(self._runs).flush(self.now, run_ended=run_ended, connection=connection)
            keys = set(connection.execute(query).scalars()) - before
            connection.rollback()
        return keys

    def engine(self, run: int | None = None) -> AlertEngine:
        """Return the engine, in a run or outside one."""
        return AlertEngine(self.database, _DESTINATION, self.compiled, run=run)

    def sent(self) -> list[Sent]:
        """Return the messages since this was last asked."""
        query = select(messages).where(messages.c.id > self._seen).order_by(messages.c.id)
        with self.database.connect() as connection:
            rows = connection.execute(query).all()
        self._seen = max([self._seen, *(row.id for row in rows)])
        return [_sent(row) for row in rows]

    def undelivered(self, recipient: str) -> int:
        """Let all messages to somebody not arrive, and return how many there were."""
        values = {"status": Delivery.UNDELIVERED.value, "status_at": self.now}
        with self.database.begin() as connection:
            return connection.execute(update(messages).where(messages.c.recipient == recipient).values(values)).rowcount

    def decisions(self, **by: t.Any) -> list[Explained]:
        """Return what was decided, newest first."""
        return self.engine().explain(limit=100_000, **by)

    def close(self) -> None:
        """Forget all of it."""
        self.database.dispose()

    def _row(self, stream: str, row: Mapping[str, t.Any]) -> SourceRow:
        rules = self.compiled.rules_of(stream)
        key = key_of(row, rules[0].identity if rules else sorted(row))
        return SourceRow(key, row, deleted=bool(row.get("_sdc_deleted_at")))

    def _with_initial(self, compiled: Compiled) -> Compiled:
        if self._initial is None:
            return compiled
        rules = tuple(replace(rule, baseline=self._initial == "baseline") for rule in compiled.rules)
        return replace(compiled, rules=rules, _of_stream={})


def _sent(row: t.Any) -> Sent:
    names = ("key", "receiver", "channel", "purpose", "subject", "text", "html", "segments")
    at = row.put_at if row.put_at.tzinfo is not None else row.put_at.replace(tzinfo=timezone.utc)
    return Sent(at=at, to=row.recipient, **{name: getattr(row, name) for name in names})


def shown_key(key: str) -> str:
    """Return the key of a row as people write it: its values, with blanks."""
    return " ".join(str(value) for value in json.loads(key).values())
