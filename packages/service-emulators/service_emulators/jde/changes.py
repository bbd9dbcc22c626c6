"""Changes of rows as a JDE user or a direct load makes them, now or after so many data requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from service_emulators.control import ControlError
from service_emulators.jde.store import stamp

if TYPE_CHECKING:
    from service_emulators.jde.emulator import Emulator


def update_rows(
    emulator: Emulator, table: str, where: dict[str, Any], values: dict[str, Any], *, stamped: bool = True
) -> int:
    """Change the rows that match; returns how many. `stamped` moves the audit columns to the server's clock.

    Raises:
        RowError: A table, column or value does not fit.
    """
    return emulator.store.update(table, where, {**_audit(emulator, table, wanted=stamped), **values})


def insert_rows(emulator: Emulator, table: str, rows: list[dict[str, Any]], *, stamped: bool = True) -> int:
    """Add rows; returns how many. Raises as `update_rows`."""
    audit = _audit(emulator, table, wanted=stamped)
    return emulator.store.insert(table, [{**audit, **row} for row in rows])


def _audit(emulator: Emulator, table: str, *, wanted: bool) -> dict[str, Any]:
    return stamp(emulator.store.table(table)[0], emulator.local_now()) if wanted else {}


class Scheduled(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A change that is made once, when so many further data requests were read.

    Attributes:
        after: Number of data requests from now on, from 1; the answer to the last one shows the rows as they were.
        of: Count requests for this table or view only.
        action: What to do; `expire_sessions` and `expire_results` need nothing more.
        table: The table to change.
        where: Which rows to update or delete.
        values: New values of an update.
        rows: Rows to insert.
        stamp: Move the audit columns.
        done: Rows changed; null as long as it was not carried out.
        error: Why it could not be.
    """

    after: int
    of: str | None = None
    action: Literal["update", "insert", "delete", "expire_sessions", "expire_results"]
    table: str = ""
    where: dict[str, Any] = {}
    values: dict[str, Any] = msgspec.field(name="set", default_factory=dict)
    rows: list[dict[str, Any]] = []
    stamp: bool = True
    done: int | None = None
    error: str | None = None


class Schedule:
    """Changes put off, and what became of them."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.changes: list[Scheduled] = []

    def add(self, change: Scheduled) -> None:
        """Put off a change.

        Raises:
            ControlError: The number of requests is below 1, or there is no such table.
        """
        try:
            if change.action in {"update", "insert", "delete"}:
                self._emulator.store.table(change.table)
            self._emulator.hooks.after_requests(change.after, lambda: self._carry_out(change), target=change.of)
        except ValueError as error:
            raise ControlError(str(error)) from error
        self.changes.append(change)

    def _carry_out(self, change: Scheduled) -> None:
        try:
            change.done = self._act(change)
        except ValueError as error:
            # The request that happens to come along is not to suffer for it.
            change.error = str(error)

    def _act(self, change: Scheduled) -> int:
        emulator = self._emulator
        if change.action == "update":
            return update_rows(emulator, change.table, change.where, change.values, stamped=change.stamp)
        if change.action == "insert":
            return insert_rows(emulator, change.table, change.rows, stamped=change.stamp)
        if change.action == "delete":
            return emulator.store.delete(change.table, change.where)
        return (emulator.sessions if change.action == "expire_sessions" else emulator.result_sets).expire_all()
