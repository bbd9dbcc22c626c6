"""The one way rows change: checks, defaults, states, amounts, versions, keys (fact sheet sections 4, 5 and 7)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from service_emulators.dynamics.derived import derive, new_row
from service_emulators.dynamics.errors import (
    ApiError,
    bad_status,
    cannot_delete,
    key_violated,
    payload,
    row_exists,
)
from service_emulators.dynamics.tables import TOMBSTONES
from service_emulators.dynamics.times import stored_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.clock import EmulatorClock
    from service_emulators.dynamics.bodies import Bodies, Content
    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.environment import Environment
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import Table
    from service_emulators.dynamics.store import Row, Store
    from service_emulators.dynamics.users import User
    from service_emulators.traffic import Tally

KEPT = frozenset({"transactioncurrency", "businessunit", "organization", "publisher"})
"""Tables whose rows cannot be deleted while other rows refer to them; elsewhere the lookups are emptied."""


@dataclass
class Write:
    """Who writes, and how.

    Attributes:
        user: the user.
        tally: counts the rows written.
        references: paths of rows by reference, inside a change set.
        detect_duplicates: `MSCRM.SuppressDuplicateDetection: false` was sent.
    """

    user: User
    tally: Tally
    references: dict[str, str] = field(default_factory=dict)
    detect_duplicates: bool = False

    @classmethod
    def of(cls, call: Call) -> Write:
        """Returns what a request says about itself."""
        suppressed = call.headers.get("mscrm.suppressduplicatedetection", "true").strip().lower()
        return cls(call.user, call.origin.tally, call.origin.references, suppressed == "false")


class Rows:
    """Writes rows.

    Args:
        store: the data.
        catalog: the tables.
        bodies: reads bodies.
        environment: organization, business unit, currency.
        clock: the emulator's clock.

    Attributes:
        checks: called before each create and update with the table, the values to be written (for an update those of
            the row after it), the row before it (None for a create) and the write; raise `ApiError` to refuse it.
    """

    def __init__(
        self, store: Store, catalog: Catalog, bodies: Bodies, environment: Environment, clock: EmulatorClock
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._bodies = bodies
        self._environment = environment
        self._clock = clock
        self.checks: list[Callable[[Table, Row, Row | None, Write], None]] = []

    def create(self, table: Table, body: dict[str, Any], write: Write) -> Row:
        """Adds a row.

        Args:
            table: the table.
            body: as the API takes it; with related rows inside of it, they are created too.
            write: who does it.

        Returns:
            Columns of the row that are not null, as they are stored.

        Raises:
            ApiError: the body does not pass, a privilege is missing, or an id or a key is taken.
        """
        write.user.need("Create", table)
        content = self._bodies.read(table, body, write.user, write.references, create=True)
        self._create_parents(table, content, write)
        given = content.values
        row_id = given.get(table.id_column) or str(uuid.uuid4())
        row: Row = {**new_row(table, self._environment, write.user.id), **given, table.id_column: row_id}
        self._settle_state(table, row, given, None)
        self._require(table, row, row)
        now = stored_time(self._clock.now())
        backdated = row.pop("overriddencreatedon", None)
        if backdated is not None:
            row["overriddencreatedon"] = now
        self._stamp(table, row, write, createdon=backdated or now, createdby=write.user.id, modifiedon=now)
        row.update(derive(table, row, given, self._environment))
        row = {name: value for name, value in row.items() if value is not None}
        for check in self.checks:
            check(table, row, None, write)
        try:
            self._store.insert(table, row)
        except IntegrityError as error:
            raise self._conflict(table, error) from error
        self._written(table, write)
        for other, relation, child in content.children:
            self.create(other, {**child, f"{relation.navigation}@odata.bind": f"{table.set_name}({row_id})"}, write)
        return row

    def update(self, table: Table, row: Row, body: dict[str, Any], write: Write) -> Row:
        """Changes a row; it gets a new version and `modifiedon` even when nothing differs.

        Args:
            table: the table.
            row: the row as it is stored.
            body: changed properties, as the API takes them; the row's own id may be among them.
            write: who does it.

        Returns:
            The row as it is stored now.

        Raises:
            ApiError: as in `create`.
        """
        write.user.need("Write", table)
        if str(body.get(table.id_column, "")).lower() == row[table.id_column]:
            body = {name: value for name, value in body.items() if name != table.id_column}
        given = self._bodies.read(table, body, write.user, write.references, create=False).values
        changed: Row = dict(given)
        self._settle_state(table, changed, given, row)
        self._require(table, changed, row)
        now = stored_time(self._clock.now())
        self._stamp(table, changed, write, modifiedon=now)
        changed.update(derive(table, {**row, **changed}, given, self._environment))
        after = {**row, **changed}
        for check in self.checks:
            check(table, after, row, write)
        if changed:
            try:
                self._store.save(table, row[table.id_column], changed)
            except IntegrityError as error:
                raise self._conflict(table, error) from error
        self._written(table, write)
        return after

    def delete(self, table: Table, row: Row, write: Write) -> None:
        """Deletes a row; lookups of other rows that point to it are emptied.

        Raises:
            ApiError: 405, other rows refer to it and it must stay; 403.
        """
        write.user.need("Delete", table)
        row_id: str = row[table.id_column]
        for other in self._catalog.tables().values():
            for column in other.columns.values():
                if not column.stored or not column.is_lookup or table.name not in column.targets:
                    continue
                here = other.sql.c[column.name] == row_id
                if table.name in KEPT:
                    if self._store.count_rows(other, [here]):
                        raise cannot_delete()
                    continue
                empty = other.sql.update().where(here).values({column.name: None})
                self._store.connection.execute(empty)
        self._store.remove(table, row_id)
        if "versionnumber" in table.sql.c:
            version, moment = self._store.next_version(), self._clock.seconds()
            tombstone = {"versionnumber": version, "table": table.name, "id": row_id, "deleted_at": moment}
            self._store.connection.execute(insert(TOMBSTONES), tombstone)
        self._written(table, write)

    def _written(self, table: Table, write: Write) -> None:
        write.tally.writes += 1
        if table.name == "transactioncurrency":
            self._environment.forget_rates()

    def _create_parents(self, table: Table, content: Content, write: Write) -> None:
        for relation, body in content.parents:
            target = self._catalog.tables().get(relation.target)
            if target is None:
                raise payload(table.set_name, f"'{relation.navigation}' can not be created together with the row.")
            parent = self.create(target, body, write)
            column = table.columns[relation.column]
            self._bodies.point(content.values, column, target.name, parent[target.id_column])

    def _stamp(self, table: Table, row: Row, write: Write, **values: Any) -> None:
        stamps = {**values, "modifiedby": write.user.id}
        row.update({name: value for name, value in stamps.items() if name in table.sql.c})
        if "versionnumber" in table.sql.c:
            row["versionnumber"] = self._store.next_version()

    @staticmethod
    def _settle_state(table: Table, row: Row, given: Row, before: Row | None) -> None:
        """Makes state and status reason fit each other."""
        states, statuses = table.columns.get("statecode"), table.columns.get("statuscode")
        if states is None or statuses is None:
            return
        if before is not None and not {"statecode", "statuscode"} & given.keys():
            return
        current = 0 if before is None else before.get("statecode")
        state = given.get("statecode", current)
        option = states.option(state)
        if option is None:
            raise payload(table.set_name, "The property 'statecode' can not be null.")
        status = given.get("statuscode")
        if status is None:
            status = option.default_status
        reason = statuses.option(status)
        if reason is None or reason.state != state:
            raise bad_status(table.name, status, option.label, (before or row)[table.id_column])
        row["statecode"], row["statuscode"] = state, status

    @staticmethod
    def _require(table: Table, changed: Row, row: Row) -> None:
        """Refuses null where the service itself needs a value."""
        for name in table.demanded:
            created = changed is row and row.get(name) is None
            if created or (name in changed and changed[name] is None):
                raise ApiError(400, "0x80040203", f"The property '{name}' of '{table.name}' is required.")

    def _conflict(self, table: Table, error: IntegrityError) -> ApiError:
        """Returns what the service says when a unique index refuses a row."""
        text = str(error.orig)
        names = {part.strip().rpartition(".")[2] for part in text.partition(": ")[2].split(",")}
        key = table.active_key(names)
        if key is None:
            return row_exists()
        labels = " and ".join(table.columns[name].label or name for name in key.columns)
        return key_violated(key.label or key.schema_name, labels)
