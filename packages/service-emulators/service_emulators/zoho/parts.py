"""What the endpoints are made of, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.zoho.accounts import AccountsServer
    from service_emulators.zoho.automation import Automation
    from service_emulators.zoho.catalog import Catalog
    from service_emulators.zoho.changes import Changes
    from service_emulators.zoho.org import Org
    from service_emulators.zoho.records import Records
    from service_emulators.zoho.show import Show
    from service_emulators.zoho.store import Store
    from service_emulators.zoho.switches import ZohoSwitches


@dataclass(frozen=True)
class Parts:
    """Parts of one emulated org.

    Attributes:
        store: the data.
        catalog: modules and fields.
        org: the org and its users.
        records: the one way records change.
        show: records as answers show them.
        changes: what changed, for whoever wants to be told.
        automation: workflow runs and the like that writes set off.
        accounts: the accounts server.
        switches: the emulator's switches.
        clock: the emulator's clock.
    """

    store: Store
    catalog: Catalog
    org: Org
    records: Records
    show: Show
    changes: Changes
    automation: Automation
    accounts: AccountsServer
    switches: ZohoSwitches
    clock: EmulatorClock
