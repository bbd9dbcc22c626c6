"""What the endpoints are made of, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.dynamics.environment import Environment
    from service_emulators.dynamics.finding import Finder
    from service_emulators.dynamics.rows import Rows
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.indexes import KeyIndexes
    from service_emulators.dynamics.show import Show
    from service_emulators.dynamics.store import Store
    from service_emulators.dynamics.switches import DynamicsSwitches
    from service_emulators.dynamics.users import User


@dataclass(frozen=True)
class Parts:
    """Parts of one emulated environment.

    Attributes:
        store: the data.
        catalog: tables, columns, keys.
        environment: ids and currencies.
        finder: rows by address.
        rows: the one way rows change.
        show: rows as answers show them.
        indexes: the building of alternate keys' indexes.
        user: the application user.
        switches: the emulator's switches.
        clock: the emulator's clock.
    """

    store: Store
    catalog: Catalog
    environment: Environment
    finder: Finder
    rows: Rows
    show: Show
    indexes: KeyIndexes
    user: User
    switches: DynamicsSwitches
    clock: EmulatorClock
