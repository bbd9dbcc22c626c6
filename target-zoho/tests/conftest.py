from __future__ import annotations

import sys
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from service_emulators.zoho.emulator import ZohoEmulator
from target_zoho.adapter import Choices, ZohoDestination
from target_zoho.client import ZohoClient
from target_zoho.oauth import Login, ZohoOAuth
from target_zoho.setup.making import Maker
from target_zoho.setup.wanted import wanted_fields

# Test helpers of this package are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from target_zoho_runs import CUSTOM_FIELDS, Runner

if t.TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "JDE_Number"


@dataclass
class Org:
    """An emulated organisation with a destination whose waits only move its clock.

    Attributes:
        emulator: The organisation.
        folder: Where the token file is.
    """

    emulator: ZohoEmulator
    folder: Path
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.control = self.emulator.control
        self.client = self.log_in()
        self.destination = self.connect()

    def clock(self) -> float:
        """Return monotonic seconds, waits included."""
        return time.monotonic() + sum(self.waits)

    def log_in(self) -> ZohoClient:
        """Return a client of the organisation."""
        accounts = self.emulator.accounts
        login = Login(
            client_id=accounts.client_id,
            client_secret=accounts.client_secret,
            refresh_token=accounts.refresh_token,
            soid=None,
            scopes=(),
            accounts=self.emulator.url,
            data_center="us",
        )
        auth = ZohoOAuth(login, self.folder / "tokens.json", timeout_seconds=5)
        return ZohoClient(auth, upload=self.emulator.url, timeout_seconds=5, clock=self.clock, sleep=self.waits.append)

    def connect(self, **changed: t.Any) -> ZohoDestination:
        """Return another destination of the organisation."""
        choices = Choices(**{"external_id_field": "JDE Number", **changed})
        return ZohoDestination(self.client, choices, sleep=self.waits.append, clock=self.clock)

    def set_up(self, custom_fields: dict[str, t.Any], modules: tuple[str, ...] = ()) -> None:
        """Make the field of the external ID and others."""
        settings = {"external_id_field": "JDE Number", "custom_fields": custom_fields, "modules": modules}
        wanted = wanted_fields(settings, self.destination.entities)
        maker = Maker(self.client, lambda _: None, sleep=self.waits.append)
        for module in dict.fromkeys(one.module for one in wanted):
            maker.make(module, [one for one in wanted if one.module == module])

    def truth(self, module: str) -> list[dict[str, t.Any]]:
        """Return the live records as the emulator holds them."""
        return self.control.records(module)

    def add(self, module: str, **values: t.Any) -> str:
        """Add a record of the users' own and return its id."""
        return str(self.control.add_record(module, values)["id"])


@pytest.fixture
def zoho() -> Iterator[ZohoEmulator]:
    """An organisation without fields of ours."""
    with ZohoEmulator() as emulator:
        yield emulator


@pytest.fixture
def bare(zoho: ZohoEmulator, tmp_path: Path) -> Iterator[Org]:
    """An organisation nothing is set up in."""
    found = Org(zoho, tmp_path)
    yield found
    found.destination.close()


@pytest.fixture
def org(bare: Org) -> Org:
    """An organisation with the field of the external ID, and some others in Accounts."""
    bare.set_up(CUSTOM_FIELDS)
    return bare


@pytest.fixture
def settings(org: Org, zoho: ZohoEmulator, tmp_path: Path) -> dict[str, t.Any]:
    """Settings of a target that writes to the organisation and keeps its ledger for this test."""
    return {
        "client_id": zoho.accounts.client_id,
        "client_secret": zoho.accounts.client_secret,
        "refresh_token": zoho.accounts.refresh_token,
        "accounts_url": zoho.url,
        "upload_url": zoho.url,
        "token_file": str(tmp_path / "tokens.json"),
        "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        "request_timeout_seconds": 5,
    }


@pytest.fixture
def runner(settings: dict[str, t.Any]) -> Runner:
    """Runs of the target against the organisation."""
    return Runner(settings)
