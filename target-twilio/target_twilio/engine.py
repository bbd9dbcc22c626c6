"""One run: rows become alerts, alerts become messages, messages go out."""

from __future__ import annotations

import logging
import typing as t

from alert_rules.records import Code
from sync_ledger.alerts.engine import AlertEngine
from sync_ledger.errors import CountMismatchError
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.settlement import settle
from sync_ledger.ledger.transactions import transact
from sync_ledger.rows import Outcome, Reason, Settled, Tally

from target_twilio.planning import Plan
from target_twilio.sending import Sending

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alert_rules.compiled import Compiled
    from alert_rules.taking import RowOutcome
    from alert_rules.taking import SourceRow as AlertRow
    from sqlalchemy import Connection
    from sync_ledger.adapter import Usage
    from sync_ledger.ledger import Ledger
    from sync_ledger.rows import SourceRow

logger = logging.getLogger("sync_ledger")

_CHANGED: t.Final = frozenset({Outcome.CREATED, Outcome.UPDATED})


class AlertRun:
    """Settles the rows of a run and sends what comes of them.

    Args:
        ledger: The ledger, bound to the account.
        compiled: The alert file.
        config: Settings of the target.
        target: Name of the target.
    """

    def __init__(self, ledger: Ledger, compiled: Compiled, config: Mapping[str, t.Any], *, target: str) -> None:
        self._ledger = ledger
        self._mode: str = config["mode"]
        self.tally = Tally()
        self._received = 0
        self._noted = 0
        self.run_id = ledger.runs.start(target, self._mode)
        self.destination_name = ledger.destination
        ledger.mode = self._mode
        self._sending = Sending(ledger.database, config)
        self._plan = Plan(ledger, logger.info) if self._mode == "plan" else None
        database = self._plan.database if self._plan is not None else ledger.database
        self._alerts = AlertEngine(database, ledger.destination, compiled, run=self.run_id)

    @property
    def usage(self) -> Usage:
        """What was used of the services."""
        return self._sending.usage

    def announce(self, stream: str) -> None:
        """Note that a stream came, with rows or without."""
        self._alerts.announce(stream)

    def process(self, stream: str, rows: Sequence[tuple[SourceRow, AlertRow]]) -> None:
        """Take rows of a stream; alerts and outcomes are in the ledger when it returns, in one transaction."""
        moment = now()
        self._received += len(rows)
        alert_rows = [row for _, row in rows]
        if self._plan is not None:
            self._close(self._settled(rows, self._alerts.take(stream, alert_rows, moment)))
            return

        def work(connection: Connection) -> list[Settled]:
            settled = self._settled(rows, self._alerts.take(stream, alert_rows, moment, connection=connection))
            ledger = self._ledger
            settle(connection, ledger.destination, self.run_id, settled, self.usage, ledger.masks, mode=self._mode)
            return settled

        for item in transact(self._ledger.database, work):
            self.tally.add(item)

    def settle_directly(self, settled: Sequence[Settled]) -> None:
        """Settle rows whose outcome is clear: unmapped rows, streams no rule looks at."""
        self._received += len(settled)
        self._close(settled)

    def note_state(self, *, came: Mapping[str, t.Any] | None = None, passed: Mapping[str, t.Any] | None = None) -> None:
        """Keep the run's first and last STATE in the ledger."""
        self._ledger.runs.note_state(self.run_id, came=came, passed=passed)

    def note_alive(self) -> None:
        """Give a sign of life while no row is settled."""
        self._ledger.runs.beat(self.run_id)

    def finish(self) -> None:
        """Check the books, decide who is told, send, and ask how far messages are.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If a service cannot send at all; what it did not send waits in the ledger.
        """
        self._check_books()
        flushed = self._alerts.flush(now(), run_ended=True)
        if self._noted:
            logger.info("%d alerts were there when their rule began: noted and not told (initial)", self._noted)
        if self._plan is not None:
            self._plan.tell()
            return
        if flushed.notifications:
            logger.info("%d messages to send", flushed.notifications)
        if flushed.waiting:
            logger.info("%s; `alerts explain` says until when", flushed.waiting)
        self._sending.deliver(self.run_id)
        self._sending.follow()

    def end(self, status: str, error: str | None = None) -> None:
        """Close the run in the ledger and let go of services and ledger."""
        self._sending.close()
        if self._plan is not None:
            self._plan.close()
        self._ledger.runs.end(self.run_id, status, self.usage, error)
        self._ledger.eraser.mask_closed()
        self._ledger.close()

    def _settled(self, rows: Sequence[tuple[SourceRow, AlertRow]], outcomes: Sequence[RowOutcome]) -> list[Settled]:
        self._noted += sum(outcome.reason == Code.BASELINE.value for outcome in outcomes)
        return [self._one(row, outcome) for (row, _), outcome in zip(rows, outcomes, strict=True)]

    def _one(self, row: SourceRow, found: RowOutcome) -> Settled:
        outcome = Outcome(found.outcome.value)
        if outcome is Outcome.HELD:
            text = f"{found.text}; {found.remedy}" if found.remedy else found.text
            return Settled(row, outcome, Reason.RULE_FAILED, field=found.field, text=text)
        if self._plan is not None and outcome in _CHANGED:
            outcome = Outcome.PLANNED
        return Settled(row, outcome, Reason(found.reason), text=found.text or None)

    def _close(self, settled: Sequence[Settled]) -> None:
        self._ledger.settle(self.run_id, settled, self.usage)
        for item in settled:
            self.tally.add(item)

    def _check_books(self) -> None:
        taken, outcomes = self._ledger.runs.counted(self.run_id)
        if not self._received == taken == outcomes:
            raise CountMismatchError(
                f"Run {self.run_id}: {self._received} rows read, {taken} in the ledger, {outcomes} outcomes; "
                "this must never happen, please report it"
            )
