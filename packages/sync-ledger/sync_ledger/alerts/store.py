"""What alerts keep between runs, in the ledger's database. Many at a time, never one query for a row."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from alert_rules.records import (
    Collected,
    Escalating,
    GroupLog,
    Instance,
    Membership,
    RuleState,
    Status,
    StoredSilence,
)
from sqlalchemy import and_, delete, or_, select, tuple_, update

from sync_ledger.alerts.rows import read, values_of
from sync_ledger.ledger import alert_tables as tables
from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.sending_tables import message_members, messages
from sync_ledger.ledger.upsert import insert, slices, upsert
from sync_ledger.sending.outbox import Outbox
from sync_ledger.sending.troubles import Troubles

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from alert_rules.notifications import Notification
    from alert_rules.records import (
        Decision,
    )
    from sqlalchemy import ColumnElement, Connection, Table

    from sync_ledger.alerts.rows import Kept
    from sync_ledger.sending.troubles import Trouble

_SLICE: t.Final = 2_000


class LedgerAlertStore:
    """An `alert_rules.store.AlertStore` within a transaction of the ledger.

    Args:
        connection: The transaction.
        destination: The account alerts are sent by.
        now: The moment that messages are put at.
    """

    def __init__(self, connection: Connection, destination: str, now: datetime) -> None:
        self._connection = connection
        self._destination = destination
        self._outbox = Outbox(destination, clock=lambda: now)

    def rule_states(self) -> dict[str, RuleState]:
        """Return what is kept of the rules, by name."""
        return {one.rule: one for one in self._all(tables.alert_rules, RuleState)}

    def put_rule_states(self, states: Iterable[RuleState]) -> None:
        """Keep that."""
        self._put(tables.alert_rules, states)

    def instances(self, fingerprints: Collection[str]) -> dict[str, Instance]:
        """Return alerts by fingerprint; what is not there is left out."""
        column = tables.alert_instances.c.fingerprint
        found = (self._all(tables.alert_instances, Instance, column.in_(part)) for part in slices(sorted(fingerprints)))
        return {one.fingerprint: one for some in found for one in some}

    def put_instances(self, instances: Iterable[Instance]) -> None:
        """Keep alerts as they are now."""
        self._put(tables.alert_instances, instances)

    def timed(self) -> list[Instance]:
        """Return the alerts that time alone may change: pending ones, and those that keep firing for a while."""
        table = tables.alert_instances
        pending = table.c.status == Status.PENDING.value
        return self._all(table, Instance, or_(pending, table.c.ending_since.is_not(None)))

    def firing(self) -> list[Instance]:
        """Return the alerts that fire."""
        table = tables.alert_instances
        return self._all(table, Instance, table.c.status == Status.FIRING.value)

    def members(self, groups: Collection[str]) -> list[Membership]:
        """Return all members of some groups."""
        table = tables.alert_members
        parts = slices(sorted(groups))
        return [one for part in parts for one in self._all(table, Membership, table.c.group.in_(part))]

    def members_of(self, fingerprints: Collection[str]) -> list[Membership]:
        """Return the memberships of some alerts."""
        table = tables.alert_members
        parts = slices(sorted(fingerprints))
        return [one for part in parts for one in self._all(table, Membership, table.c.fingerprint.in_(part))]

    def untold(self, fingerprints: Collection[str]) -> set[str]:
        """Return which of some alerts there is something to tell of, now or with what is collected."""
        found: set[str] = set()
        members, collected = tables.alert_members, tables.alert_collected
        for part in slices(sorted(fingerprints)):
            for table, where in ((members, [members.c.opened_at.is_not(None)]), (collected, [])):
                mine = (table.c.destination == self._destination, table.c.fingerprint.in_(part), *where)
                found.update(self._connection.execute(select(table.c.fingerprint).where(*mine)).scalars())
        return found

    def open_members(self) -> list[Membership]:
        """Return the members with something to tell."""
        return self._all(tables.alert_members, Membership, tables.alert_members.c.opened_at.is_not(None))

    def put_members(self, members: Iterable[Membership]) -> None:
        """Keep members as they are now."""
        self._put(tables.alert_members, members)

    def open_anew(self, members: Iterable[Membership]) -> None:
        """Keep members with something to tell; what they were told, and since when they wait, stays as it is."""
        table, rows = tables.alert_members, self._rows(members)
        if not rows:
            return
        statement = insert(self._connection, table)
        statement = statement.on_conflict_do_update(
            index_elements=["destination", "group", "fingerprint"],
            set_={"opened_at": statement.excluded.opened_at, "run": statement.excluded.run},
            where=table.c.opened_at.is_(None),
        )
        self._connection.execute(statement, rows)

    def drop_members(self, members: Iterable[Membership]) -> None:
        """Forget members of which there is nothing more to tell."""
        table = tables.alert_members
        self._drop(table, [(one.group, one.fingerprint) for one in members], table.c.group, table.c.fingerprint)

    def groups(self, keys: Collection[str]) -> dict[str, GroupLog]:
        """Return groups by key."""
        table = tables.alert_groups
        found = (self._all(table, GroupLog, table.c.key.in_(part)) for part in slices(sorted(keys)))
        return {one.key: one for some in found for one in some}

    def groups_to_repeat(self, now: datetime) -> list[GroupLog]:
        """Return the groups whose time to be told again has come."""
        return self._all(tables.alert_groups, GroupLog, tables.alert_groups.c.repeat_at <= now)

    def put_groups(self, groups: Iterable[GroupLog]) -> None:
        """Keep groups as they are now."""
        self._put(tables.alert_groups, groups)

    def add_groups(self, groups: Iterable[GroupLog]) -> None:
        """Keep groups that are not there yet; those that are there have their labels again if these were erased."""
        table, rows = tables.alert_groups, self._rows(groups)
        if rows:
            statement = insert(self._connection, table)
            labels = {"labels": statement.excluded.labels}
            self._connection.execute(
                statement.on_conflict_do_update(index_elements=["destination", "key"], set_=labels), rows
            )

    def collected(self, receivers: Collection[str]) -> list[Collected]:
        """Return all that is collected for some receivers."""
        table = tables.alert_collected
        return self._all(table, Collected, table.c.receiver.in_(sorted(receivers)))

    def collected_due(self, now: datetime) -> list[Collected]:
        """Return what is collected and may go out."""
        return self._all(tables.alert_collected, Collected, tables.alert_collected.c.due_at <= now)

    def put_collected(self, items: Iterable[Collected]) -> None:
        """Keep what is collected."""
        self._put(tables.alert_collected, items)

    def drop_collected(self, items: Iterable[Collected]) -> None:
        """Forget what has been told, or need not be any more."""
        table = tables.alert_collected
        keys = [(one.receiver, one.channel, one.recipient, one.fingerprint) for one in items]
        self._drop(table, keys, table.c.receiver, table.c.channel, table.c.recipient, table.c.fingerprint)

    def escalations_due(self, now: datetime) -> list[Escalating]:
        """Return whom it is time to tell."""
        table = tables.alert_escalations
        return self._all(table, Escalating, table.c.due_at <= now)

    def put_escalations(self, escalations: Iterable[Escalating]) -> None:
        """Keep whom to tell later; those that are there already stay as they are, done or not."""
        rows = self._rows(escalations)
        if rows:
            self._connection.execute(insert(self._connection, tables.alert_escalations).on_conflict_do_nothing(), rows)

    def end_escalations(self, keys: Collection[str]) -> None:
        """Note that these have been decided."""
        table = tables.alert_escalations
        for part in slices(sorted(keys)):
            where = and_(table.c.destination == self._destination, table.c.key.in_(part))
            self._connection.execute(update(table).where(where).values(due_at=None))

    def failures(self) -> list[Trouble]:
        """Return messages that did not arrive, each once."""
        return Troubles(self._destination).take(self._connection)

    def silences(self, now: datetime) -> list[StoredSilence]:
        """Return the silences of people that are not over."""
        return self._all(tables.alert_silences, StoredSilence, tables.alert_silences.c.until > now)

    def put_silences(self, silences: Iterable[StoredSilence]) -> None:
        """Keep silences as they are now."""
        self._put(tables.alert_silences, silences)

    def end_silence(self, key: str, now: datetime) -> bool:
        """End a silence; return whether there was one."""
        table = tables.alert_silences
        where = and_(table.c.destination == self._destination, table.c.key == key, table.c.until > now)
        return self._connection.execute(update(table).where(where).values(until=now)).rowcount > 0

    def release(self, now: datetime, receiver: str | None) -> int:
        """Let go what waits for a person; return how much that is."""
        table = tables.alert_collected
        where = [table.c.destination == self._destination, table.c.due_at.is_(None)]
        if receiver is not None:
            where.append(table.c.receiver == receiver)
        return self._connection.execute(update(table).where(*where).values(due_at=now)).rowcount

    def told(self, instances: Collection[Instance]) -> set[tuple[str, str, int]]:
        """Return who has been told of some alerts, or is to be with what is collected: receiver, alert and change.

        What was passed on to somebody (escalation) does not count.
        """
        found: set[tuple[str, str, int]] = set()
        of_rules: dict[str, list[str]] = {}
        for one in instances:
            of_rules.setdefault(one.rule, []).append(one.fingerprint)
        members, collected = message_members, tables.alert_collected
        for rule, marks in of_rules.items():
            for part in slices(sorted(marks)):
                sent = (
                    select(messages.c.receiver, members.c.fingerprint, members.c.version)
                    .join(messages, messages.c.id == members.c.message_id)
                    .where(members.c.rule == rule, members.c.fingerprint.in_(part))
                    .where(messages.c.destination == self._destination, messages.c.purpose != "escalation")
                )
                kept = select(collected.c.receiver, collected.c.fingerprint, collected.c.version).where(
                    collected.c.destination == self._destination, collected.c.fingerprint.in_(part)
                )
                for query in (sent, kept):
                    found.update((row[0], row[1], row[2]) for row in self._connection.execute(query))
        return found

    def sent_since(self, since: datetime) -> list[tuple[str, str, datetime]]:
        """Return the messages since then: receiver, recipient and when, oldest first."""
        query = select(messages.c.receiver, messages.c.recipient, messages.c.put_at).order_by(messages.c.put_at)
        rows = self._connection.execute(
            query.where(messages.c.destination == self._destination, messages.c.put_at > since)
        )
        return [(row.receiver, row.recipient, t.cast("datetime", as_utc(row.put_at))) for row in rows]

    def notify(self, notifications: Sequence[Notification]) -> None:
        """Put messages into the outbox; a key that is there already is left as it is."""
        self._outbox.put(self._connection, notifications)

    def decide(self, decisions: Iterable[Decision], now: datetime, run: int | None) -> None:
        """Keep decisions; one that is there already is counted once more."""
        table = tables.alert_decisions
        rows = [self._decision(one, now, run) for one in decisions]
        if not rows:
            return
        statement = insert(self._connection, table)
        # The text as well: that of the line may have been erased.
        changed = {name: statement.excluded[name] for name in ("text", "last_at", "run_id")}
        statement = statement.on_conflict_do_update(
            index_elements=["destination", "mark"], set_={**changed, "times": table.c.times + 1}
        )
        self._connection.execute(statement, rows)

    def _decision(self, one: Decision, now: datetime, run: int | None) -> dict[str, t.Any]:
        row = values_of(one)
        mark = hashlib.sha256(json.dumps(row, sort_keys=True).encode(errors="surrogatepass")).hexdigest()
        more = {"first_at": now, "last_at": now, "run_id": run, "times": 1}
        return {"destination": self._destination, "mark": mark, **row, **more}

    def _all(self, table: Table, kind: type[Kept], *where: ColumnElement[bool]) -> list[Kept]:
        names = [one.name for one in dataclasses.fields(t.cast("t.Any", kind))]
        query = select(*(table.c[name] for name in names)).where(table.c.destination == self._destination, *where)
        # Not in the order of the disk: the same state must make the same messages.
        query = query.order_by(*(column for column in table.primary_key.columns if column.name != "destination"))
        return [read(kind, row) for row in self._connection.execute(query).mappings()]

    def _rows(self, kept: Iterable[t.Any]) -> list[dict[str, t.Any]]:
        return [{"destination": self._destination, **values_of(one)} for one in kept]

    def _put(self, table: Table, kept: Iterable[t.Any]) -> None:
        upsert(self._connection, table, self._rows(kept))

    def _drop(self, table: Table, keys: Sequence[tuple[str, ...]], *columns: t.Any) -> None:
        for start in range(0, len(keys), _SLICE):
            where = tuple_(*columns).in_(keys[start : start + _SLICE])
            self._connection.execute(delete(table).where(table.c.destination == self._destination, where))
