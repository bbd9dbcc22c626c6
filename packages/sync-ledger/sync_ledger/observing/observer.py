"""The end of a run: values that have had their time are erased, notices sent, metrics written."""

from __future__ import annotations

import logging
import typing as t
from datetime import timedelta

from singer_sdk import typing as th
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sync_ledger.errors import LedgerError
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.database import open_engine, said
from sync_ledger.ledger.history import History
from sync_ledger.ledger.tables import open_rows, runs
from sync_ledger.observing import metrics, notices
from sync_ledger.privacy.erasing import Eraser, Selection

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

logger = logging.getLogger("sync_ledger")

_FAILED = "failed"
_SUCCEEDED = "succeeded"


def observing_settings() -> tuple[th.Property[t.Any], ...]:
    """Return the settings about privacy, notices and metrics."""
    return (
        th.Property(
            "masked_fields",
            th.ObjectType(additional_properties=th.ArrayType(th.StringType)),
            title="Masked fields",
            description=(
                'Fields per stream, like `{"persons": ["phones", "emails"]}`, whose values the ledger keeps masked; '
                "what is written to the service never is. A row that waits keeps its values until it is settled."
            ),
        ),
        th.Property(
            "payload_retention_days",
            th.IntegerType(minimum=1, maximum=36_500),
            title="Retention",
            description=(
                "Age in days at which values are erased from the ledger at the end of a run; links, hashes, counts and "
                "reasons stay. Optional; without it values are kept."
            ),
        ),
        th.Property(
            "notify_command",
            th.ArrayType(th.StringType),
            title="Notice by command",
            description=(
                "Program and arguments to run, with a JSON object on its standard input, when a run fails after a "
                "success or succeeds after a failure. It has 30 seconds, and never lets a run fail."
            ),
        ),
        th.Property(
            "notify_url",
            th.StringType,
            secret=True,
            title="Notice by webhook",
            description="Address to which the same JSON object is sent by POST, three times at the most.",
        ),
        th.Property(
            "metrics_file",
            th.StringType,
            title="Metrics file",
            description=(
                "File for Prometheus' textfile collector (`*.prom`), written anew at the end of each run; one for each "
                "target. Off when empty."
            ),
        ),
        th.Property(
            "tracing",
            th.BooleanType,
            default=False,
            title="Tracing",
            description=(
                "Whether to send OpenTelemetry traces by OTLP over HTTP (`sync-ledger[tracing]`; where to, say the "
                "variables `OTEL_EXPORTER_OTLP_ENDPOINT` and the like): run, batches and requests, with counts only."
            ),
        ),
    )


class Observer:
    """Does at the end of a run what the settings ask for.

    Args:
        target: Name of the target.
        config: Its settings.
    """

    def __init__(self, target: str, config: Mapping[str, t.Any]) -> None:
        self._target = target
        self._config = config

    def ended(self, status: str, error: str | None, *, run_id: int | None, destination: str | None) -> None:
        """Note the end of a run, whether or not it got as far as to be in the ledger.

        Args:
            status: `succeeded`, `failed` or `stopped`.
            error: What ended it.
            run_id: Its number, if it has one.
            destination: Its account, if that was found out.
        """
        wanted = ("notify_command", "notify_url", "metrics_file", "payload_retention_days", "masked_fields")
        if not any(self._config.get(name) for name in wanted):
            return
        try:
            database = open_engine(self._config["ledger_url"])
        except LedgerError:
            # Whether that is news is not known then; better told too often than not at all.
            if status == _FAILED:
                self._send(self._notice("failure", status, error, destination, None))
            return
        try:
            self._note(database, status, error, run_id, destination or self._last_destination(database))
        except SQLAlchemyError as problem:
            logger.warning("The end of the run could not be told: the ledger failed: %s", said(problem))
        finally:
            database.dispose()

    def _note(self, database: Engine, status: str, error: str | None, run_id: int | None, destination: str) -> None:
        history = History(database)
        if run_id is not None:
            self._erase(database, destination)
        run = history.run(run_id) if run_id is not None else None
        if status in {_FAILED, _SUCCEEDED}:
            failed = status == _FAILED
            event = notices.turned(database, self._target, destination, run_id, failed=failed)
            if event is not None:
                self._send(self._notice(event, status, error, destination, run))
        if run is not None and (path := self._config.get("metrics_file")):
            metrics.write(path, metrics.exposition(run, _waiting(database, destination), _success(database, run)))

    def _erase(self, database: Engine, destination: str) -> None:
        if days := self._config.get("payload_retention_days"):
            erased = Eraser(database).erase(Selection(before=now() - timedelta(days=days), destination=destination))
            if any(erased.values()):
                counted = ", ".join(f"{rows} {table}" for table, rows in erased.items() if rows)
                logger.info("Values older than %d days were erased from the ledger: %s", days, counted)

    def _notice(
        self, event: str, status: str, error: str | None, destination: str | None, run: Mapping[str, t.Any] | None
    ) -> dict[str, t.Any]:
        names = ("id", "started_at", "ended_at", "seconds", "rows", "replayed", "outcomes", "calls", "writes", "cost")
        return {
            "event": event,
            "target": self._target,
            "destination": destination or None,
            "status": status,
            "error": error,
            "run": {name: run[name] for name in names} if run else None,
        }

    def _send(self, notice: Mapping[str, t.Any]) -> None:
        if command := self._config.get("notify_command"):
            notices.run_command(command, notice)
        if url := self._config.get("notify_url"):
            notices.post(url, notice)

    def _last_destination(self, database: Engine) -> str:
        query = select(runs.c.destination).where(runs.c.target == self._target).order_by(runs.c.id.desc()).limit(1)
        with database.connect() as connection:
            return connection.execute(query).scalar() or ""


def _waiting(database: Engine, destination: str) -> dict[tuple[str, str], int]:
    query = (
        select(open_rows.c.entity, open_rows.c.outcome, func.count())
        .where(open_rows.c.destination == destination, open_rows.c.closed_at.is_(None))
        .group_by(open_rows.c.entity, open_rows.c.outcome)
    )
    with database.connect() as connection:
        return {(entity, outcome): int(rows) for entity, outcome, rows in connection.execute(query)}


def _success(database: Engine, run: Mapping[str, t.Any]) -> str | None:
    query = select(func.max(runs.c.id)).where(
        runs.c.destination == run["destination"], runs.c.target == run["target"], runs.c.status == _SUCCEEDED
    )
    with database.connect() as connection:
        last = connection.execute(query).scalar()
    found = History(database).run(last) if last is not None else None
    return found["ended_at"] if found else None
