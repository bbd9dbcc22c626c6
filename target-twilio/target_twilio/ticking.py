"""Letting time pass without new rows."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_ledger.alerts.engine import AlertEngine
from sync_ledger.errors import ConfigError, SyncError
from sync_ledger.ledger import Ledger
from sync_ledger.ledger.clock import now

from target_twilio.connecting import alert_file, destination_of
from target_twilio.sending import Sending

if t.TYPE_CHECKING:
    from collections.abc import Mapping

TARGET: t.Final = "alerts-tick"
"""Name under which ticks are in the list of runs."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did.

    Attributes:
        run: Its run in the ledger.
        notifications: Messages it put into the outbox.
        sent: What came of the calls: status -> messages.
        moved: Messages that are further than before.
        waiting: What is put off, in words.
    """

    run: int
    notifications: int
    sent: Mapping[str, int]
    moved: int
    waiting: str


def tick(config: Mapping[str, t.Any]) -> Ticked:
    """Tell what time has made due, send what waits, and ask how far messages are.

    Raises:
        SyncError: The alert file or a setting is wrong, or a service cannot send; nothing is lost.
    """
    if config["mode"] != "apply":
        raise ConfigError("A tick sends, and setting mode is plan; plans are made by runs")
    compiled = alert_file(config)
    ledger = Ledger(config["ledger_url"], destination_of(config))
    sending = Sending(ledger.database, config)
    run = ledger.runs.start(TARGET, "apply")
    status, problem = "failed", None
    try:
        alerts = AlertEngine(ledger.database, ledger.destination, compiled, run=run)
        flushed = alerts.flush(now(), run_ended=False)
        told = sending.deliver(run)
        moved = sending.follow()
        status = "succeeded"
    except SyncError as error:
        problem = str(error)
        raise
    finally:
        sending.close()
        ledger.runs.end(run, status, sending.usage, problem)
        ledger.close()
    sent = {one.value: number for one, number in told.items()}
    return Ticked(run, flushed.notifications, sent, moved, flushed.waiting)
