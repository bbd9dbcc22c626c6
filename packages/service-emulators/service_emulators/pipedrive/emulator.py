"""Puts the Pipedrive emulator together and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service_emulators.client import PipedriveControl
from service_emulators.clock import EmulatorClock
from service_emulators.control import control_app
from service_emulators.faults import FaultPlan
from service_emulators.pipedrive.api_v1 import ApiV1
from service_emulators.pipedrive.api_v2 import ApiV2
from service_emulators.pipedrive.app import Credential, PipedriveApp
from service_emulators.pipedrive.catalog import Catalog
from service_emulators.pipedrive.checks import Checks
from service_emulators.pipedrive.controls import RecordControls
from service_emulators.pipedrive.effects import Effects
from service_emulators.pipedrive.entities import ENTITIES
from service_emulators.pipedrive.fields_api import FieldsApi
from service_emulators.pipedrive.limits import Limits
from service_emulators.pipedrive.listing import Listing
from service_emulators.pipedrive.oauth import OAuthServer
from service_emulators.pipedrive.records import Records
from service_emulators.pipedrive.search import SearchIndex
from service_emulators.pipedrive.seed import ADMIN_ID, COMPANY_DOMAIN, USER_ID, populate, secret
from service_emulators.pipedrive.store import Store
from service_emulators.pipedrive.switches import PipedriveSwitches
from service_emulators.pipedrive.tables import USERS
from service_emulators.running import RunningEmulator
from service_emulators.traffic import Recorder, TrafficMiddleware

if TYPE_CHECKING:
    from pathlib import Path


class PipedriveEmulator(RunningEmulator):
    """A running Pipedrive company.

    Args:
        seed: decides credentials and the codes of custom fields.
        demo_fields: create the custom fields of the demonstration.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        switches: initial switches by name (see `PipedriveSwitches`).

    Attributes:
        url: service base; requests go to `{url}/api/v2/…` and `{url}/api/v1/…`.
        api_token: token of an administrator.
        user_token: token of a user who is none.
        access_token: OAuth access token of the same user.
        oauth: OAuth server with client id and secret and the first refresh token.
        company_domain: what `/users/me` tells.
        seed: as given.
        switches: live switches.
        store: the data.
        control: client of the control interface.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        demo_fields: bool = True,
        path: Path | None = None,
        port: int = 0,
        **switches: Any,
    ) -> None:
        self.seed = seed
        self.api_token = secret(seed, "api token")
        self.company_domain = COMPANY_DOMAIN
        self.switches = PipedriveSwitches()
        self.switches.change(switches)
        self.user_token = secret(seed, "user token")
        self.clock = EmulatorClock()
        self.oauth = OAuthServer(seed, self.clock, self.switches)
        self.access_token = self.oauth.access_token
        self.store = Store(path)
        app, self._records = self._assemble(demo_fields=demo_fields)
        super().__init__(app, self.store, port)
        self.control = PipedriveControl(self.url)

    def _assemble(self, *, demo_fields: bool) -> tuple[TrafficMiddleware, RecordControls]:
        store, switches, clock = self.store, self.switches, self.clock
        catalog = Catalog(store, clock, self.seed)
        index = SearchIndex(store, catalog, switches, clock)
        checks = Checks(store, switches, self._user_ids)
        records = Records(store, catalog, checks, Effects(store, switches), index, switches, clock)
        self._users: frozenset[int] = frozenset({ADMIN_ID})
        populate(store, catalog, records, seed=self.seed, demo_fields=demo_fields)
        self._users = frozenset(store.connection.execute(select(USERS.c.id)).scalars())
        index.touch_all()
        fields = FieldsApi(store, catalog, switches)
        v2 = ApiV2(store, catalog, records, Listing(store, catalog, switches, clock), index)
        v1 = ApiV1(store, catalog, fields, index, clock)
        credentials = {
            self.api_token: Credential(ADMIN_ID, "token"),
            self.user_token: Credential(USER_ID, "token"),
        }
        app = PipedriveApp(
            store,
            catalog,
            switches,
            Limits(switches, clock),
            credentials,
            self.oauth,
            {**v2.routes(), **fields.routes()},
            v1.routes(),
        )
        recorder, faults = Recorder(), FaultPlan()
        extra = RecordControls(store, catalog, records)
        control = control_app(recorder, faults, switches, clock, extra.routes())
        return TrafficMiddleware(app, control, recorder, faults, clock), extra

    def _user_ids(self) -> frozenset[int]:
        return self._users

    def records(self, entity: str) -> list[dict[str, Any]]:
        """Returns the live records of an entity, custom fields and options by label."""
        with self.store.lock:
            return self._records.all(ENTITIES[entity])

    def counts(self) -> dict[str, int]:
        """Returns the number of live records by entity."""
        return {name: self.store.count(name) for name in ENTITIES}

    def describe(self) -> dict[str, Any]:
        """Returns what a client needs to know, as JSON data; credentials included."""
        return {
            "url": self.url,
            "api_token": self.api_token,
            "access_token": self.access_token,
            "client_id": self.oauth.client_id,
            "client_secret": self.oauth.client_secret,
            "refresh_token": self.oauth.refresh_token,
            "company_domain": self.company_domain,
            "plan": self.switches.plan,
            "seed": self.seed,
            "counts": self.counts(),
        }
