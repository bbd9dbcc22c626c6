"""Puts the Dataverse emulator together and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.x509 import load_pem_x509_certificate

from service_emulators.client import DynamicsControl
from service_emulators.clock import EmulatorClock
from service_emulators.control import control_app
from service_emulators.dynamics.app import DynamicsApp
from service_emulators.dynamics.bodies import Bodies
from service_emulators.dynamics.controls import EnvironmentControls
from service_emulators.dynamics.endpoints import APIS, routes_of
from service_emulators.dynamics.entra import Entra
from service_emulators.dynamics.environment import Environment
from service_emulators.dynamics.finding import Finder
from service_emulators.dynamics.limits import Protection
from service_emulators.dynamics.parts import Parts
from service_emulators.dynamics.rows import Rows
from service_emulators.dynamics.schema.catalog import Catalog
from service_emulators.dynamics.schema.indexes import KeyIndexes
from service_emulators.dynamics.seed import add_demo_columns, add_own_records
from service_emulators.dynamics.show import Show
from service_emulators.dynamics.store import Store
from service_emulators.dynamics.switches import DynamicsSwitches
from service_emulators.dynamics.users import User
from service_emulators.dynamics.webapi import WebApi
from service_emulators.faults import FaultPlan
from service_emulators.running import RunningEmulator
from service_emulators.traffic import Recorder, TrafficMiddleware

if TYPE_CHECKING:
    from pathlib import Path

ORG_URL = "https://emulator.crm.dynamics.com"
AUTHORITY = "https://login.microsoftonline.com"


class DynamicsEmulator(RunningEmulator):
    """A running Dataverse environment with its Entra ID tenant.

    Args:
        seed: decides credentials, ids and made-up rows.
        demo_columns: create the columns of the demonstration, with their alternate keys.
        own_records: accounts and contacts, each, that users have made before.
        certificates: certificates (PEM) that may sign assertions of the app registration.
        authority: origin of the authority, as the openid-configuration names it.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.
        switches: initial switches by name (see `DynamicsSwitches`).

    Attributes:
        url: origin of the token endpoint `{url}/{tenant}/oauth2/v2.0/token` and of the Web API
            `{url}/api/data/v9.2/`.
        org_url: address of the environment that tokens are asked for (`{org_url}/.default`); the emulator's own `url`
            is a resource too.
        entra: the tenant, with its id, client id and client secret.
        seed: as given.
        switches: live switches.
        store: the data; each table is a SQL table under its logical name.
        parts: all parts.
        protection: the protection limits, with the greatest use ever seen.
        control: client of the control interface.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        demo_columns: bool = False,
        own_records: int = 0,
        certificates: tuple[bytes, ...] = (),
        authority: str = AUTHORITY,
        path: Path | None = None,
        port: int = 0,
        tls: tuple[Path, Path] | None = None,
        **switches: Any,
    ) -> None:
        self.seed = seed
        self.org_url = ORG_URL
        self.switches = DynamicsSwitches()
        self.switches.change(switches)
        self.clock = EmulatorClock()
        self.entra = Entra(seed, authority, {ORG_URL}, self.clock, self.switches)
        self.entra.app.certificates.extend(load_pem_x509_certificate(pem) for pem in certificates)
        self.store = Store(path)
        self.parts = self._parts()
        if self.parts.environment.new and demo_columns:
            add_demo_columns(self.parts)
        if self.parts.environment.new and own_records:
            add_own_records(self.parts, seed=seed, number=own_records)
        self.protection = Protection(self.switches, self.clock)
        super().__init__(self._assemble(), self.store, port, tls)
        self.entra.resources.add(self.url)
        self.control = DynamicsControl(self.url)

    def _parts(self) -> Parts:
        store, switches, clock = self.store, self.switches, self.clock
        catalog = Catalog(store)
        catalog.create()
        store.start_versions(catalog.tables().values())
        environment = Environment(store, catalog, self.seed)
        if environment.new:
            environment.populate(self.entra.app.client_id)
        environment.set_multiple(switches.multiple_messages)
        store.commit()
        finder = Finder(store, catalog)
        rows = Rows(store, catalog, Bodies(catalog, finder, switches), environment, clock)
        return Parts(
            store=store,
            catalog=catalog,
            environment=environment,
            finder=finder,
            rows=rows,
            show=Show(store, catalog),
            indexes=KeyIndexes(store, catalog, switches, clock),
            user=User(environment.application_user_id, self.entra.app.client_id),
            switches=switches,
            clock=clock,
        )

    def _assemble(self) -> TrafficMiddleware:
        parts = self.parts
        apis = [api(parts) for api in APIS]
        app = DynamicsApp(parts, self.entra, self.protection, WebApi(parts.store, parts.catalog, routes_of(apis)))
        recorder, faults = Recorder(), FaultPlan(self.entra.expire_tokens, batches=True)
        self._controls = EnvironmentControls(parts, self.entra, self.protection)
        extra = [route for api in apis if hasattr(api, "control_routes") for route in api.control_routes()]
        routes = [*self._controls.routes(), *extra]
        control = control_app(recorder, faults, self.switches, self.clock, routes, self._switched)
        return TrafficMiddleware(app, control, recorder, faults, self.clock)

    def _switched(self) -> None:
        with self.store.lock:
            self.parts.environment.set_multiple(self.switches.multiple_messages)
            self.store.commit()

    def token(self) -> str:
        """Returns an access token, for a look without the token endpoint."""
        return self.entra.issue(self.entra.app, self.org_url)

    def records(self, set_name: str) -> list[dict[str, Any]]:
        """Returns the rows of an entity set, as the API shows all their columns, oldest version first."""
        with self.store.lock:
            return self._controls.all(self.parts.finder.table(set_name))

    def counts(self) -> dict[str, int]:
        """Returns the number of accounts and contacts."""
        with self.store.lock:
            tables = self.parts.catalog.tables()
            return {tables[name].set_name: self.store.count_rows(tables[name]) for name in ("account", "contact")}

    def describe(self) -> dict[str, Any]:
        """Returns what a client needs to know, as JSON data; credentials included."""
        return {
            "url": self.url,
            "authority_url": self.url,
            "api_url": self.url,
            "org_url": self.org_url,
            "tenant_id": self.entra.tenant_id,
            "client_id": self.entra.app.client_id,
            "client_secret": self.entra.client_secret,
            "access_token": self.token(),
            "seed": self.seed,
            "counts": self.counts(),
        }
