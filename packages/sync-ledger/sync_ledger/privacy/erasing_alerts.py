"""Erasing what is kept of alerts: by age, or of one person.

What keeps an alert from being told twice stays: its hash, state, version and step, who knows of it, and which
escalations were decided. An alert that has lost its values is told to nobody until a row of it brings them back.
"""

from __future__ import annotations

import abc
import typing as t
from functools import partial

from sqlalchemy import bindparam, delete, exists, func, or_, select, update

from sync_ledger.ledger import alert_tables as tables
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.transactions import lock, transact
from sync_ledger.ledger.upsert import slices
from sync_ledger.privacy.erasing_collected import hold_collected
from sync_ledger.privacy.masking import MASK, masked
from sync_ledger.privacy.persons import Person

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Table, UpdateBase
    from sqlalchemy.sql.elements import ColumnElement

    from sync_ledger.privacy.erasing import Selection

_CHUNK: t.Final = 500
_KEPT_LABELS: t.Final = frozenset({"alert", "step"})
"""Labels that say nothing of a row: the name of the rule, and one of its thresholds."""

_VALUES: t.Final = tables.alert_instances.c["values"].label("fields")  # rows have a method `values`
_PENDING: t.Final = "pending"  # alert_rules.records.Status, which this package does without


def erase_alerts(engine: Engine, selection: Selection, *, dry_run: bool = False) -> dict[str, int]:
    """Erase what alerts are made of and what was decided on them; return how many rows had any.

    By age: values of alerts, decisions, groups that nobody is in, and silences that are over. An alert that waits or
    that somebody is still to be told of (that it is there, again, or that it is over) keeps its values: they would be
    missing in what is told. Of a person: values in whatever state, texts of decisions, silences that are over, and what
    was collected for that number or address.

    Args:
        engine: The ledger's database.
        selection: What to erase.
        dry_run: Only count.
    """
    found = {"alert_collected": 0, "alert_groups": 0, "alert_instances": 0, "alert_decisions": 0, "alert_silences": 0}
    for account in _accounts(engine, selection):
        eraser: _Alerts
        if selection.external_id is not None:
            eraser = _OfPerson(engine, account, selection, Person(selection.external_id), dry_run=dry_run)
        elif selection.before is not None:
            eraser = _ByAge(engine, account, selection, selection.before, dry_run=dry_run)
        else:
            continue
        for name, rows in eraser.erase().items():
            found[name] += rows
    return found


def _accounts(engine: Engine, selection: Selection) -> list[str]:
    if selection.destination is not None:
        return [selection.destination]
    kept = (tables.alert_instances, tables.alert_decisions, tables.alert_silences)
    with engine.connect() as connection:
        names = [connection.execute(select(table.c.destination).distinct()).scalars().all() for table in kept]
    return sorted({name for some in names for name in some})


class _Alerts(abc.ABC):
    """Alerts of one account, to be erased.

    What is changed is changed under the lock of the account's alerts: nobody decides meanwhile whom to tell what.
    """

    def __init__(self, engine: Engine, account: str, selection: Selection, *, dry_run: bool) -> None:
        self._engine = engine
        self._account = account
        self._selection = selection
        self._dry_run = dry_run

    @abc.abstractmethod
    def erase(self) -> dict[str, int]:
        """Erase, and return how many rows of each table had something."""

    def _instances(self) -> list[ColumnElement[bool]]:
        """Return the condition for alerts that have values."""
        table = tables.alert_instances
        return [~table.c.erased, *self._meant(table, table.c.seen_at)]

    def _meant(self, table: Table, moment: ColumnElement[t.Any]) -> list[ColumnElement[bool]]:
        where = [table.c.destination == self._account]
        if self._selection.entity is not None:
            where.append(table.c.stream == self._selection.entity)
        if self._selection.before is not None:
            where.append(moment < self._selection.before)
        return where

    def _mask(self, marks: Collection[str]) -> int:
        """Mask the values of alerts."""
        if self._dry_run:
            return len(marks)
        given = sorted(marks)
        parts = [given[start : start + _CHUNK] for start in range(0, len(given), _CHUNK)]
        return sum(self._alone(partial(self._mask_some, marks=part)) for part in parts)

    def _mask_some(self, connection: Connection, marks: Sequence[str]) -> int:
        table = tables.alert_instances
        query = select(table, _VALUES).where(*self._instances(), table.c.fingerprint.in_(marks))
        rows = [{"mark": row.fingerprint, **_without_values(row)} for row in connection.execute(query)]
        if rows:
            this = (table.c.destination == self._account, table.c.fingerprint == bindparam("mark"))
            connection.execute(update(table).where(*this), rows)
        return len(rows)

    def _drop(self, table: Table, *where: ColumnElement[bool]) -> int:
        if self._dry_run:
            with self._engine.connect() as connection:
                return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())
        return self._alone(partial(_change, statement=delete(table).where(*where)))

    def _alone(self, work: Callable[[Connection], int]) -> int:
        def locked(connection: Connection) -> int:
            if not self._dry_run:
                lock(connection, f"alerts {self._account}")
            return work(connection)

        return transact(self._engine, locked)


class _ByAge(_Alerts):
    """Old values and old history of alerts."""

    def __init__(self, engine: Engine, account: str, selection: Selection, before: datetime, *, dry_run: bool) -> None:
        super().__init__(engine, account, selection, dry_run=dry_run)
        self._before = before

    def erase(self) -> dict[str, int]:
        """Erase, and return how many rows of each table had something."""
        decisions, silences = tables.alert_decisions, tables.alert_silences
        found = {
            "alert_instances": self._mask(self._needless()),
            "alert_decisions": self._drop(decisions, *self._meant(decisions, decisions.c.last_at)),
        }
        if self._selection.entity is None:  # these are of no stream
            over = (silences.c.destination == self._account, silences.c.until < self._before)
            found |= {"alert_groups": self._idle_groups(), "alert_silences": self._drop(silences, *over)}
        return found

    def _instances(self) -> list[ColumnElement[bool]]:
        table = tables.alert_instances
        where = [*super()._instances(), table.c.status != _PENDING]
        for users in (tables.alert_members, tables.alert_collected):
            same = (users.c.destination == self._account, users.c.fingerprint == table.c.fingerprint)
            where.append(~exists().where(*same))
        return where

    def _needless(self) -> set[str]:
        """Return the alerts nobody is to be told of any more."""
        table, later = tables.alert_instances, tables.alert_escalations
        query = select(later.c.members).where(later.c.destination == self._account, later.c.due_at.is_not(None))
        with self._engine.connect() as connection:
            used = {mark for members in connection.execute(query).scalars() for mark, _ in members}
            return set(connection.execute(select(table.c.fingerprint).where(*self._instances())).scalars()) - used

    def _idle_groups(self) -> int:
        """Drop groups that nobody is in and that may speak at any time; they begin anew as they were."""
        table, members = tables.alert_groups, tables.alert_members
        mine = (members.c.destination == self._account, members.c.group == table.c.key)
        old = or_(table.c.notified_at.is_(None), table.c.notified_at < self._before)
        return self._drop(table, table.c.destination == self._account, old, ~exists().where(*mine))


class _OfPerson(_Alerts):
    """What alerts have of one person."""

    def __init__(self, engine: Engine, account: str, selection: Selection, person: Person, *, dry_run: bool) -> None:
        super().__init__(engine, account, selection, dry_run=dry_run)
        self._person = person

    def erase(self) -> dict[str, int]:
        """Erase, and return how many rows of each table had something."""
        chosen = self._chosen()
        return {
            "alert_collected": self._alone(self._hold_collected),
            "alert_groups": self._alone(partial(self._mask_groups, chosen=chosen)),
            "alert_instances": self._mask(chosen),
            "alert_decisions": self._decisions(),
            "alert_silences": self._silences(),
        }

    def _chosen(self) -> dict[str, Mapping[str, str]]:
        """Return their alerts, with the labels."""
        table, person = tables.alert_instances, self._person
        columns = (table.c.fingerprint, table.c.labels, table.c.source_key, table.c.identity, _VALUES)
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_CHUNK).execute(select(*columns).where(*self._instances()))
            return {
                row.fingerprint: row.labels
                for row in rows
                if person.has_key(row.source_key) or person.is_reached_by([row.identity, row.labels, row.fields])
            }

    def _hold_collected(self, connection: Connection) -> int:
        """Hold what was collected for them: it cannot be told without number or address."""
        stream = self._selection.entity
        return hold_collected(connection, self._account, self._person, stream, dry_run=self._dry_run)

    def _mask_groups(self, connection: Connection, chosen: Mapping[str, Mapping[str, str]]) -> int:
        """Mask labels of groups that have their number or address, or that none but their alerts are in."""
        table = tables.alert_groups
        groups = connection.execute(select(table.c.key, table.c.labels).where(table.c.destination == self._account))
        found: dict[str, list[list[str]]] = {}
        for key, labels in groups.all():
            telling = {name: value for name, value in labels if name not in _KEPT_LABELS and value not in ("", MASK)}
            own = any(telling.items() <= one.items() for one in chosen.values())
            if telling and (self._person.is_reached_by(telling) or (own and self._none_but(connection, key, chosen))):
                found[key] = [[name, MASK if name in telling else value] for name, value in labels]
        for key, labels in found.items() if not self._dry_run else ():
            this = (table.c.destination == self._account, table.c.key == key)
            connection.execute(update(table).where(*this).values(labels=labels))
        return len(found)

    def _none_but(self, connection: Connection, group: str, chosen: Collection[str]) -> bool:
        table = tables.alert_members
        query = select(table.c.fingerprint).where(table.c.destination == self._account, table.c.group == group)
        return all(mark in chosen for mark in connection.execute(query).scalars())

    def _decisions(self) -> int:
        """Mask the texts of decisions on their rows, and of those that name their number or address."""
        table, person = tables.alert_decisions, self._person
        query = select(table.c.id, table.c.source_key, table.c.text)
        query = query.where(table.c.text != MASK, *self._meant(table, table.c.last_at))
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_CHUNK).execute(query)
            ids = [row.id for row in rows if person.has_key(row.source_key) or person.is_told_of(row.text)]
        for part in slices(ids) if not self._dry_run else ():
            self._alone(partial(_change, statement=update(table).where(table.c.id.in_(part)).values(text=MASK)))
        return len(ids)

    def _silences(self) -> int:
        """Drop silences that are over and name them; one that is not keeps somebody from being told."""
        table, person, before = tables.alert_silences, self._person, self._selection.before
        if self._selection.entity is not None:
            return 0
        where = (table.c.destination == self._account, table.c.until < (before or now()))
        with self._engine.connect() as connection:
            rows = connection.execute(select(table).where(*where)).all()
        named = f'"{person.known_as}"'
        keys = [
            row.key
            for row in rows
            if person.is_value(row.by) or person.is_told_of(row.reason) or any(named in one for one in row.matchers)
        ]
        return self._drop(table, *where, table.c.key.in_(keys))


def _change(connection: Connection, statement: UpdateBase) -> int:
    return connection.execute(statement).rowcount


def _without_values(row: t.Any) -> dict[str, t.Any]:
    return {
        "identity": masked(row.identity),
        "labels": {name: value if name in _KEPT_LABELS else MASK for name, value in row.labels.items()},
        "annotations": masked(row.annotations),
        "values": masked(row.fields),
        "amount": None,
        "acknowledged_by": masked(row.acknowledged_by),
        "erased": True,
    }
