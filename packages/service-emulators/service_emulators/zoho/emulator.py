"""Puts the Zoho CRM emulator together and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.client import ZohoControl
from service_emulators.clock import EmulatorClock
from service_emulators.control import control_app
from service_emulators.faults import FaultPlan
from service_emulators.running import RunningEmulator
from service_emulators.traffic import Recorder, TrafficMiddleware
from service_emulators.zoho.accounts import AccountsServer
from service_emulators.zoho.app import ZohoApp
from service_emulators.zoho.automation import Automation
from service_emulators.zoho.catalog import Catalog
from service_emulators.zoho.changes import Changes
from service_emulators.zoho.checks import Checks
from service_emulators.zoho.controls import OrgControls
from service_emulators.zoho.endpoints import APIS, routes_of
from service_emulators.zoho.keys import Keys
from service_emulators.zoho.limits import Concurrency, Credits
from service_emulators.zoho.org import Org
from service_emulators.zoho.parts import Parts
from service_emulators.zoho.records import Records
from service_emulators.zoho.seed import add_demo_fields, add_own_records, populate
from service_emulators.zoho.show import Show
from service_emulators.zoho.store import Store
from service_emulators.zoho.switches import ZohoSwitches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from service_emulators.zoho.switches import DataCenter


class ZohoEmulator(RunningEmulator):
    """A running Zoho CRM org.

    Args:
        seed: decides credentials and ids.
        demo_fields: create the custom fields of the demonstration.
        own_records: accounts, contacts and vendors, each, that users have made before.
        time_zone: time zone of the org.
        scopes: what the app was let in for; None for all that the suite may need.
        home: data centre the org lives in.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        switches: initial switches by name (see `ZohoSwitches`).

    Attributes:
        url: origin of the accounts server and of the API: `{url}/oauth/v2/token`, `{url}/crm/v8/…`.
        accounts: the accounts server, with client id and secret, refresh token and `soid`.
        access_token: an access token that lives an hour.
        org: the org and its users.
        seed: as given.
        switches: live switches.
        store: the data; each module is a table under its API name.
        parts: all parts.
        control: client of the control interface.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        demo_fields: bool = False,
        own_records: int = 0,
        time_zone: str = "Europe/Berlin",
        scopes: Sequence[str] | None = None,
        home: DataCenter = "us",
        path: Path | None = None,
        port: int = 0,
        **switches: Any,
    ) -> None:
        self.seed = seed
        self.switches = ZohoSwitches(data_center=home)
        self.switches.change(switches)
        self.clock = EmulatorClock()
        self.store = Store(path)
        catalog = Catalog(self.store)
        new = populate(self.store, catalog, seed=seed, time_zone=time_zone)
        if new and demo_fields:
            add_demo_fields(self.store, catalog)
        self.org = Org(self.store)
        self.accounts = AccountsServer(seed, self.org.zgid, home, scopes, self.clock, self.switches)
        self.access_token = self.accounts.access_token
        self.parts = self._parts(catalog)
        if new and own_records:
            add_own_records(
                self.store,
                catalog,
                self.parts.records,
                seed=seed,
                number=own_records,
                user_id=self.org.web_user_id,
            )
        super().__init__(self._assemble(), self.store, port)
        self.control = ZohoControl(self.url)

    def _parts(self, catalog: Catalog) -> Parts:
        store, switches, clock, org = self.store, self.switches, self.clock, self.org
        changes, automation = Changes(), Automation()
        checks = Checks(store, catalog, org, switches)
        records = Records(store, catalog, org, checks, Keys(store), changes, automation, switches, clock)
        return Parts(
            store=store,
            catalog=catalog,
            org=org,
            records=records,
            show=Show(store, catalog, org),
            changes=changes,
            automation=automation,
            accounts=self.accounts,
            switches=switches,
            clock=clock,
        )

    def _assemble(self) -> TrafficMiddleware:
        parts = self.parts
        self._credits = Credits(self.switches, self.clock)
        self._apis = apis = [api(parts) for api in APIS]
        app = ZohoApp(
            store=parts.store,
            catalog=parts.catalog,
            changes=parts.changes,
            switches=self.switches,
            accounts=self.accounts,
            credits_=self._credits,
            concurrency=Concurrency(self.switches),
            user_id=self.org.api_user_id,
            routes=routes_of(apis),
        )
        recorder, faults = Recorder(), FaultPlan(self.accounts.expire_tokens, batches=True)
        self._controls = OrgControls(parts, self._credits)
        extra = [route for api in apis if hasattr(api, "control_routes") for route in api.control_routes()]
        control = control_app(recorder, faults, self.switches, self.clock, [*self._controls.routes(), *extra])
        return TrafficMiddleware(app, control, recorder, faults, self.clock)

    def stop(self) -> None:
        """Stops the server, what runs beside it, and closes the data."""
        self._served.stop()
        for api in self._apis:
            if hasattr(api, "close"):
                api.close()
        super().stop()

    def records(self, module: str) -> list[dict[str, Any]]:
        """Returns the live records of a module, as the API shows all their fields, oldest first."""
        with self.store.lock:
            return self._controls.all(self.parts.catalog.modules()[module])

    def counts(self) -> dict[str, int]:
        """Returns the number of live records by module."""
        with self.store.lock:
            return {name: self.store.count_rows(module.table) for name, module in self.parts.catalog.modules().items()}

    def describe(self) -> dict[str, Any]:
        """Returns what a client needs to know, as JSON data; credentials included."""
        return {
            "url": self.url,
            "accounts_url": self.url,
            "upload_url": self.url,
            "data_center": self.switches.data_center,
            "client_id": self.accounts.client_id,
            "client_secret": self.accounts.client_secret,
            "refresh_token": self.accounts.refresh_token,
            "soid": self.accounts.soid,
            "access_token": self.access_token,
            "zgid": self.org.zgid,
            "edition": self.switches.edition,
            "seed": self.seed,
            "counts": self.counts(),
        }
