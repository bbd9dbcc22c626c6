"""Reading what is kept of alerts, for people."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from alert_rules.quieting import Quiet, rule_is_gone
from alert_rules.records import Code, Decision, Instance, Status
from sqlalchemy import func, select

from sync_ledger.alerts.rows import read
from sync_ledger.ledger import alert_tables as tables
from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.row_keys import of_row

if t.TYPE_CHECKING:
    from datetime import datetime

    from alert_rules.compiled import Compiled
    from alert_rules.records import Collected, StoredSilence
    from sqlalchemy import Connection

    from sync_ledger.alerts.store import LedgerAlertStore

_DECISION = ("text", "rule", "fingerprint", "stream", "source_key", "receiver", "notification", "field")


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision, and when it was made.

    Attributes:
        decision: What was decided, and why.
        first_at: For the first time.
        last_at: For the last time.
        times: How often.
        run: The last run that made it.
    """

    decision: Decision
    first_at: datetime
    last_at: datetime
    times: int
    run: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is of alerts at a moment.

    Attributes:
        alerts: What fires or is pending, the newest first; of each, why it is told to nobody now, if so.
        counts: Alerts by rule and status.
        silences: Silences of people that are not over.
        collected: What is told later, and what waits for a person.
    """

    alerts: list[tuple[Instance, str | None]]
    counts: dict[str, dict[str, int]]
    silences: list[StoredSilence]
    collected: list[Collected]


def explained(
    connection: Connection,
    destination: str,
    *,
    stream: str | None,
    key: str | None,
    rule: str | None,
    limit: int,
) -> list[Explained]:
    """Return what was decided, newest first."""
    table = tables.alert_decisions
    where = [table.c.destination == destination]
    if stream is not None:
        where.append(table.c.stream == stream)
    if rule is not None:
        where.append(table.c.rule == rule)
    if key is not None:
        where.append(of_row(table.c.source_key, key))
    query = select(table).where(*where).order_by(table.c.last_at.desc(), table.c.id.desc()).limit(limit)
    return [
        Explained(
            decision=Decision(Code(row.code), **{name: getattr(row, name) for name in _DECISION}),
            first_at=t.cast("datetime", as_utc(row.first_at)),
            last_at=t.cast("datetime", as_utc(row.last_at)),
            times=row.times,
            run=row.run_id,
        )
        for row in connection.execute(query)
    ]


def shown(
    connection: Connection,
    destination: str,
    compiled: Compiled,
    store: LedgerAlertStore,
    now: datetime,
    *,
    rule: str | None,
    limit: int,
) -> Shown:
    """Return what there is of alerts at a moment."""
    table = tables.alert_instances
    mine = [table.c.destination == destination, *([table.c.rule == rule] if rule is not None else [])]
    active = table.c.status.in_([Status.FIRING.value, Status.PENDING.value])
    names = list(Instance.__slots__)
    query = select(*(table.c[name] for name in names)).where(*mine, active)
    rows = connection.execute(query.order_by(table.c.seen_at.desc(), table.c.fingerprint).limit(limit)).mappings()
    alerts = [read(Instance, row) for row in rows]
    silences = store.silences(now)

    def firing() -> list[Instance]:
        return [one for one in store.firing() if not rule_is_gone(compiled, one)]

    quiet = Quiet(compiled, silences, firing, now)
    counts: dict[str, dict[str, int]] = {}
    grouped = select(table.c.rule, table.c.status, func.count()).where(*mine).group_by(table.c.rule, table.c.status)
    for name, status, count in connection.execute(grouped.order_by(table.c.rule, table.c.status)):
        counts.setdefault(name, {})[status] = count
    pairs = [(one, _why(compiled, quiet, one)) for one in alerts]
    return Shown(pairs, counts, silences, store.collected(list(compiled.receivers)))


def _why(compiled: Compiled, quiet: Quiet, instance: Instance) -> str | None:
    if rule_is_gone(compiled, instance):
        return "its rule is no longer in the file"
    found = quiet.why(instance)
    return found[1] if found is not None else None
