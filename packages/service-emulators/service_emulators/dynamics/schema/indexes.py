"""The indexes of alternate keys: built by a job that takes its time, and fails on duplicates (fact sheet section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.exc import IntegrityError

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import AlternateKey
    from service_emulators.dynamics.store import Store
    from service_emulators.dynamics.switches import DynamicsSwitches

_MS = 1000


class KeyIndexes:
    """Brings the state of indexes up to date whenever somebody may look.

    An active key has a unique SQL index. Rows in which one of its columns is null are not in it.

    Args:
        store: the data.
        catalog: tables and their keys.
        switches: how long building takes.
        clock: the emulator's clock.
    """

    def __init__(self, store: Store, catalog: Catalog, switches: DynamicsSwitches, clock: EmulatorClock) -> None:
        self._store = store
        self._catalog = catalog
        self._switches = switches
        self._clock = clock

    def advance(self) -> None:
        """Lets the indexes that are being built go on to the state they have reached by now."""
        for table in self._catalog.tables().values():
            for key in list(table.keys.values()):
                if key.status in {"Pending", "InProgress"}:
                    self._advance(key)

    def start(self, key: AlternateKey) -> AlternateKey:
        """Lets the building of an index begin; returns the key as it is now."""
        begun = msgspec.structs.replace(key, status="Pending", since=self._clock.seconds())
        self._catalog.save_key(begun)
        return begun

    def build(self, key: AlternateKey) -> AlternateKey:
        """Builds an index at once; returns the key as it is then, `Active` or `Failed`."""
        built = msgspec.structs.replace(key, status="Active" if self._build(key) else "Failed")
        self._catalog.save_key(built)
        return built

    def drop(self, key: AlternateKey) -> None:
        """Takes the index of a key away."""
        self._store.connection.exec_driver_sql(f'DROP INDEX IF EXISTS "key_{key.id}"')

    def _advance(self, key: AlternateKey) -> None:
        age = (self._clock.seconds() - key.since) * _MS
        if age >= self._switches.key_index_ms:
            self.build(key)
        elif age >= self._switches.key_index_ms / 2 and key.status != "InProgress":
            self._catalog.save_key(msgspec.structs.replace(key, status="InProgress"))

    def _build(self, key: AlternateKey) -> bool:
        columns = ", ".join(f'"{name}"' for name in key.columns)
        try:
            with self._store.savepoint():
                self._store.connection.exec_driver_sql(
                    f'CREATE UNIQUE INDEX "key_{key.id}" ON "{key.table}" ({columns})'
                )
        except IntegrityError:
            return False
        return True
