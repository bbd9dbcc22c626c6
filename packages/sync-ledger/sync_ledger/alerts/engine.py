"""The alert engine: takes rows in, decides who is told, and answers why."""

from __future__ import annotations

import hashlib
import json
import typing as t
from functools import partial

from alert_rules.errors import BadValueError
from alert_rules.escalating import acknowledged
from alert_rules.flushing import Flushed, flush
from alert_rules.matchers import fits_all, matcher
from alert_rules.records import Code, Decision, Status, StoredSilence
from alert_rules.taking import RowOutcome, SourceRow, Taking
from sqlalchemy import select

from sync_ledger.alerts.ended_runs import release_ended
from sync_ledger.alerts.reading import explained, shown
from sync_ledger.alerts.store import LedgerAlertStore
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.ledger.transactions import lock, transact
from sync_ledger.sending.troubles import members_of

if t.TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled
    from alert_rules.records import Instance
    from sqlalchemy import Connection, Engine

    from sync_ledger.alerts.reading import Explained, Shown

__all__ = ["AlertEngine", "Flushed", "RowOutcome", "SourceRow"]


class AlertEngine:
    """Alerts of one destination, kept in a ledger.

    Args:
        engine: The ledger's database.
        destination: The account alerts are sent by.
        compiled: The alert file.
        run: Run of the ledger this is part of; None outside one (`alerts tick`).
    """

    def __init__(self, engine: Engine, destination: str, compiled: Compiled, *, run: int | None = None) -> None:
        self._engine = engine
        self._destination = destination
        self._compiled = compiled
        self._run = run
        self._streams: set[str] = set()

    def announce(self, stream: str) -> None:
        """Note that the run has a stream, with rows or without: at the run's end its rules have their baseline."""
        self._streams.add(stream)

    def take(
        self, stream: str, rows: Sequence[SourceRow], now: datetime, *, connection: Connection | None = None
    ) -> list[RowOutcome]:
        """Take rows of a stream in, and return one outcome for each in their order.

        What they change is durable when this returns, or with the caller's transaction; a STATE may pass only then.

        Args:
            stream: Name of the stream.
            rows: Its rows, with every field its rules use.
            now: The present moment, in UTC.
            connection: The caller's transaction; without one, one of its own.
        """
        self.announce(stream)
        work = partial(self._take, stream=stream, rows=rows, now=now)
        return work(connection) if connection is not None else transact(self._engine, work)

    def _take(
        self, connection: Connection, *, stream: str, rows: Sequence[SourceRow], now: datetime
    ) -> list[RowOutcome]:
        return Taking(self._compiled, self._alone(connection, now), now, self._run).take(stream, rows)

    def flush(self, now: datetime, *, run_ended: bool, connection: Connection | None = None) -> Flushed:
        """Decide who is told now, and put the messages into the outbox.

        One transaction that no other change of the destination's alerts overlaps: what two would tell is told once.

        Args:
            now: The present moment, in UTC.
            run_ended: Whether the run has taken all its rows.
            connection: The caller's transaction; without one, one of its own.
        """
        work = partial(self._flush, now=now, run_ended=run_ended)
        return work(connection) if connection is not None else transact(self._engine, work)

    def _flush(self, connection: Connection, *, now: datetime, run_ended: bool) -> Flushed:
        store = self._alone(connection, now)
        if not run_ended:
            release_ended(connection, self._destination)
        return flush(self._compiled, store, now, run=self._run, run_ended=run_ended, streams=self._streams)

    def explain(
        self, *, stream: str | None = None, key: str | None = None, rule: str | None = None, limit: int = 100
    ) -> list[Explained]:
        """Return what was decided, newest first.

        Args:
            stream: Of rows of this stream.
            key: Of the row with this key (JSON), or with a key that has this value in it.
            rule: By this rule.
            limit: Most decisions.
        """
        with self._engine.connect() as connection:
            return explained(connection, self._destination, stream=stream, key=key, rule=rule, limit=limit)

    def show(self, now: datetime, *, rule: str | None = None, limit: int = 1_000) -> Shown:
        """Return what fires or waits to, what is silenced, and what is collected for later."""
        with self._engine.connect() as connection:
            store = self._store(connection, now)
            return shown(connection, self._destination, self._compiled, store, now, rule=rule, limit=limit)

    def silence(
        self,
        matchers: Sequence[str],
        until: datetime,
        *,
        now: datetime,
        by: str,
        reason: str = "",
        starts: datetime | None = None,
    ) -> StoredSilence:
        """Silence alerts for some time and return the silence.

        Args:
            matchers: Which, by their labels: `alert="PayableOverdue"`.
            until: End.
            now: The present moment.
            by: Who wants it.
            reason: Why.
            starts: Beginning; None for now.

        Raises:
            BadValueError: A matcher cannot be read, there is none, or the end is not after the beginning.
        """
        begins = starts or now
        check_silence(matchers, begins, until)
        said = json.dumps([sorted(matchers), begins.isoformat(), until.isoformat(), by])
        key = hashlib.sha256(said.encode()).hexdigest()[:12]
        one = StoredSilence(key, tuple(matchers), begins, until, reason, by)
        transact(self._engine, lambda connection: self._store(connection, now).put_silences([one]))
        return one

    def lift(self, key: str, now: datetime) -> bool:
        """End a silence now; return whether there was one."""
        return transact(self._engine, lambda connection: self._store(connection, now).end_silence(key, now))

    def acknowledge(
        self,
        by: str,
        now: datetime,
        *,
        fingerprints: Collection[str] = (),
        matchers: Sequence[str] = (),
        recipient: str | None = None,
    ) -> list[Instance]:
        """Take firing alerts on: they are not told again and not passed on. Return them.

        Args:
            by: Who.
            now: The present moment.
            fingerprints: Which alerts.
            matchers: Which alerts, by their labels.
            recipient: Those of the newest message to this number or address.

        Raises:
            BadValueError: A matcher cannot be read.
        """
        wanted = [matcher(one) for one in matchers]

        def work(connection: Connection) -> list[Instance]:
            store = self._alone(connection, now)
            marks = set(fingerprints)
            if recipient is not None:
                marks |= self._newest(connection, recipient)
            found = store.instances(marks)
            if wanted:
                found.update({one.fingerprint: one for one in store.firing() if fits_all(wanted, one.labels)})
            fire = [one for one in found.values() if one.status is Status.FIRING]
            taken = [acknowledged(one, by, now) for one in fire]
            store.put_instances(taken)
            store.decide([_taken_on(one, by) for one in taken], now, self._run)
            return taken

        return transact(self._engine, work)

    def release(self, now: datetime, *, receiver: str | None = None) -> int:
        """Let go what a budget kept for a person, with the next flush; return how much that is."""
        return transact(self._engine, lambda connection: self._store(connection, now).release(now, receiver))

    def _newest(self, connection: Connection, recipient: str) -> set[str]:
        query = (
            select(messages.c.id)
            .where(messages.c.destination == self._destination, messages.c.recipient == recipient)
            .order_by(messages.c.id.desc())
            .limit(1)
        )
        number = connection.execute(query).scalar_one_or_none()
        if number is None:
            return set()
        return {one.fingerprint for one in members_of(connection, [number]).get(number, [])}

    def _alone(self, connection: Connection, now: datetime) -> LedgerAlertStore:
        """Return the store for changes of alerts, which must not overlap: news would be lost."""
        lock(connection, f"alerts {self._destination}")
        return self._store(connection, now)

    def _store(self, connection: Connection, now: datetime) -> LedgerAlertStore:
        return LedgerAlertStore(connection, self._destination, now)


def check_silence(matchers: Sequence[str], starts: datetime, until: datetime) -> None:
    """Check a silence before it is kept.

    Raises:
        BadValueError: A matcher cannot be read, there is none, or the end is not after the beginning.
    """
    if not matchers:
        raise BadValueError("a silence without matchers would silence everything", 'give one such as alert="Name"')
    for one in matchers:
        matcher(one)
    if until <= starts:
        raise BadValueError("a silence must end after it begins", "give a later end")


def _taken_on(one: Instance, by: str) -> Decision:
    text = f"taken on by {by}"
    return Decision(Code.ACKNOWLEDGED, text, one.rule, one.fingerprint, one.stream, one.source_key)
