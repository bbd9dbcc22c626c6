"""The one way records change, whether through the API or by a user of the web application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, insert, select, update

from service_emulators.zoho.changes import Change
from service_emulators.zoho.errors import RowError
from service_emulators.zoho.store import WRITTEN_AT
from service_emulators.zoho.tables import RECYCLE_BIN
from service_emulators.zoho.times import stored_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service_emulators.clock import EmulatorClock
    from service_emulators.zoho.automation import Automation
    from service_emulators.zoho.catalog import Catalog, Field, Module
    from service_emulators.zoho.changes import Changes
    from service_emulators.zoho.checks import Checks
    from service_emulators.zoho.external import ExternalRules
    from service_emulators.zoho.keys import Keys
    from service_emulators.zoho.org import Org
    from service_emulators.zoho.store import Row, Store
    from service_emulators.zoho.switches import ZohoSwitches


class Records:
    """Creates, changes and deletes records of any module. Nothing here commits.

    Args:
        store: the data.
        catalog: modules.
        org: users.
        checks: checks of bodies.
        keys: what upserts match by.
        changes: told of each change.
        automation: told of each write's triggers.
        switches: the emulator's switches.
        clock: the emulator's clock.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        org: Org,
        checks: Checks,
        keys: Keys,
        changes: Changes,
        automation: Automation,
        switches: ZohoSwitches,
        clock: EmulatorClock,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._org = org
        self._checks = checks
        self._changes = changes
        self._automation = automation
        self._switches = switches
        self._clock = clock
        self.keys = keys

    def create(
        self,
        module: Module,
        body: Any,
        path: str = "$.data[0]",
        *,
        user_id: int,
        triggers: Sequence[str] = (),
        external: ExternalRules | None = None,
    ) -> Row:
        """Adds a record.

        Args:
            module: module.
            body: record as the API takes it.
            path: where it lies in the request, for `json_path`.
            user_id: who does it.
            triggers: automations to set off.
            external: lookups that are given by external ids.

        Returns:
            The record as it is stored.

        Raises:
            RowError: the body does not pass, or a unique value is taken.
        """
        given = self._checks.accept(module, body, path, None, external)
        return self.add(module, given, path, user_id=user_id, triggers=triggers)

    def add(self, module: Module, given: Row, path: str, *, user_id: int, triggers: Sequence[str] = ()) -> Row:
        """Adds a record whose values have passed the checks; else as `create`."""
        self._check_unique(module, given, path, None)
        moment = self._clock.now()
        now = stored_time(moment)
        row: Row = {name: False if field.data_type == "boolean" else None for name, field in module.fields.items()}
        row.update(
            id=self._store.new_id(),
            Owner=user_id,
            Created_By=user_id,
            Created_Time=now,
            Record_Status__s="Available",
        )
        row.update(given)
        self._finish(row, now, moment.timestamp(), user_id)
        self._store.insert(module.table, row)
        self.keys.add(module, row["id"], row, module.matched)
        self._automation.run(module.name, triggers)
        filled = tuple(name for name, value in given.items() if value is not None)
        self._changes.add(Change(module.name, "insert", row["id"], filled, row))
        return row

    def update(
        self,
        module: Module,
        row: Row,
        body: Any,
        path: str = "$.data[0]",
        *,
        user_id: int,
        triggers: Sequence[str] = (),
        external: ExternalRules | None = None,
    ) -> Row:
        """Changes a record; its `Modified_Time` moves even when nothing differs.

        Args:
            module: module.
            row: the record as it is stored.
            body: changed fields as the API takes them, without `id`.
            path: where it lies in the request, for `json_path`.
            user_id: who does it.
            triggers: automations to set off.
            external: lookups that are given by external ids.

        Returns:
            The record as it is stored now.

        Raises:
            RowError: the body does not pass, or a unique value is taken.
        """
        given = self._checks.accept(module, body, path, row, external)
        return self.change(module, row, given, path, user_id=user_id, triggers=triggers)

    def change(
        self, module: Module, row: Row, given: Row, path: str, *, user_id: int, triggers: Sequence[str] = ()
    ) -> Row:
        """Changes a record by values that have passed the checks; else as `update`."""
        self._check_unique(module, given, path, row)
        changed = tuple(name for name, value in given.items() if value != row[name])
        moment = self._clock.now()
        after = {**row, **given}
        self._finish(after, stored_time(moment), moment.timestamp(), user_id)
        different = {name: value for name, value in after.items() if value != row[name]}
        if different:
            self._store.save(module.table, row["id"], different)
        fields = [field for field in module.matched if field.api_name in changed]
        if fields:
            self.keys.replace(module, row["id"], after, fields)
        self._automation.run(module.name, triggers)
        self._changes.add(Change(module.name, "update", row["id"], changed, after))
        return after

    def delete(self, module: Module, row: Row, *, user_id: int) -> None:
        """Moves a record to the recycle bin; lookups that point to it are emptied."""
        self._store.remove(module.table, row["id"])
        if not self._switches.recycled_unique:
            self.keys.remove(row["id"])
        self._store.connection.execute(
            insert(RECYCLE_BIN).values(
                id=row["id"],
                module=module.name,
                display_name=self.display_name(module, row),
                deleted_at=self._clock.seconds(),
                deleted_by=user_id,
                created_by=row["Created_By"],
                record=msgspec.json.encode(row).decode(),
            )
        )
        for other in self._catalog.modules().values():
            for field in other.fields.values():
                if field.lookup == module.name:
                    column = other.table.c[field.api_name]
                    self._store.connection.execute(
                        update(other.table).where(column == row["id"]).values({field.api_name: None})
                    )
        self._changes.add(Change(module.name, "delete", row["id"], (), row))

    def restore(self, module: Module, record_id: int) -> bool:
        """Brings a record back from the recycle bin; returns whether it was there."""
        here = (RECYCLE_BIN.c.id == record_id, RECYCLE_BIN.c.module == module.name)
        statement = select(RECYCLE_BIN.c.record).where(*here)
        stored = self._store.connection.execute(statement).scalar_one_or_none()
        if stored is None:
            return False
        old = msgspec.json.decode(stored)
        row = {column.name: old.get(column.name) for column in module.table.columns}
        row[WRITTEN_AT] = self._clock.seconds()
        self._store.insert(module.table, row)
        self.keys.remove(record_id)
        self.keys.add(module, record_id, row, module.matched)
        self._store.connection.execute(delete(RECYCLE_BIN).where(RECYCLE_BIN.c.id == record_id))
        self._changes.add(Change(module.name, "insert", record_id, (), row))
        return True

    @staticmethod
    def display_name(module: Module, row: Row) -> str | None:
        """Returns what a record is called."""
        name: str | None = row[module.info.display_field]
        return name

    def duplicate(self, module: Module, field: Field, path: str, record_id: int) -> RowError:
        """Returns the refusal of a value that another record holds (fact sheet section 3)."""
        row = self._store.get(module.table, record_id)
        owner = self._org.user(row["Owner"]) if row is not None else None
        details: dict[str, Any] = {
            "api_name": field.api_name,
            "json_path": f"{path}.{field.api_name}",
            "id": str(record_id),
            "duplicate_record": {
                "id": str(record_id),
                "Owner": None if owner is None else {**owner, "zuid": owner["id"][-8:]},
                "module": {"api_name": module.name, "id": str(module.info.id)},
            },
            "more_records": False,
        }
        return RowError("DUPLICATE_DATA", "duplicate data", details)

    def _check_unique(self, module: Module, given: Row, path: str, row: Row | None) -> None:
        for field in module.keys:
            value = given.get(field.api_name)
            if value is None or (row is not None and row[field.api_name] == value):
                continue
            for record_id in self.keys.find(module, field, value):
                if row is None or record_id != row["id"]:
                    raise self.duplicate(module, field, path, record_id)

    def _finish(self, row: Row, now: str, seconds: float, user_id: int) -> None:
        row["Modified_By"] = user_id
        row["Modified_Time"] = now
        row[WRITTEN_AT] = seconds
        if "Full_Name" in row:
            row["Full_Name"] = " ".join(part for part in (row["First_Name"], row["Last_Name"]) if part)
        for name in ("Last_Activity_Time", "Change_Log_Time__s"):
            if name in row:
                row[name] = now
