"""The state of one emulated AIS Server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.jde.conditions import Target
from service_emulators.jde.errors import ServiceError
from service_emulators.jde.hooks import Hooks
from service_emulators.jde.result_sets import ResultSets
from service_emulators.jde.sessions import Account, Sessions
from service_emulators.jde.store import RowError
from service_emulators.jde.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from service_emulators.clock import EmulatorClock
    from service_emulators.jde.hooks import RequestInfo
    from service_emulators.jde.store import Store


class Emulator:
    """Data, clock, switches, tokens and open result sets.

    Args:
        store: The database.
        clock: The server's clock.
        switches: Behaviours, changed in place.
        account: The user who may sign on.
        seed: Decides the order of rows nobody asked an order for.
        on_request: Called with each data request before its rows are read (see `hooks.Hooks`).
    """

    def __init__(
        self,
        store: Store,
        clock: EmulatorClock,
        *,
        switches: Switches | None = None,
        account: Account | None = None,
        seed: int = 1,
        on_request: Callable[[RequestInfo], object] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.switches = switches or Switches()
        self.account = account or Account()
        self.seed = seed
        self.sessions = Sessions(clock)
        self.result_sets = ResultSets(clock)
        self.hooks = Hooks(on_request)

    def local_now(self) -> datetime:
        """Return the server's local time, without zone: what stamps and answers carry."""
        return self.clock.now().replace(tzinfo=None)

    def target(self, name: str, kind: str) -> Target:
        """Return what a request reads.

        Raises:
            ServiceError: No such table or view, or the user may not read it.
        """
        if kind not in {"table", "view"}:
            raise ServiceError(500, f"Unknown targetType {kind}")
        try:
            table, sql, owners = self.store.source(name, kind)
        except RowError:
            raise ServiceError(self.switches.unknown_object_status, f"Invalid {kind}: {name}") from None
        if name in self.switches.refused_tables:
            raise ServiceError(403, f"Authorization Failure: {name} may not be viewed", "AuthorizationException")
        return Target(table, sql, owners, self.switches, self.local_now().date(), self.account.username)
