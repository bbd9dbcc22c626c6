from __future__ import annotations

import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from service_emulators.dynamics.emulator import DynamicsEmulator
from service_emulators.dynamics.seed import add_demo_columns
from target_dynamics.adapter import Choices, DynamicsDestination
from target_dynamics.connecting import connect
from target_dynamics.setup.making import Maker
from target_dynamics.setup.wanted import wanted_columns

# Test helpers of this package are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from target_dynamics_runs import CUSTOM_FIELDS, Runner

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_dynamics.client import DynamicsClient

KEY = "jde_number"


@dataclass
class Crm:
    """An emulated environment with a destination whose waits only move its clock.

    Attributes:
        emulator: The environment.
        settings: Settings of a target that writes to it.
    """

    emulator: DynamicsEmulator
    settings: dict[str, t.Any]
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.control = self.emulator.control
        self._offset = 0.0
        self.client: DynamicsClient = connect(self.settings)
        self.destination = self.connect()

    def clock(self) -> float:
        """Return monotonic seconds, waits included."""
        return time.monotonic() + sum(self.waits)

    def sleep(self, seconds: float) -> None:
        """Let the environment's clock and ours go on."""
        self.waits.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let the environment's clock go on."""
        self._offset += seconds
        self.control.set_clock(offset_seconds=self._offset, running=True)

    def connect(self, **changed: t.Any) -> DynamicsDestination:
        """Return another destination of the environment."""
        choices = Choices(**{"external_id_field": "JDE Number", **changed})
        return DynamicsDestination(self.client, choices, clock=self.clock)

    def maker(self, told: t.Callable[[str], None] = lambda _: None, **changed: t.Any) -> Maker:
        """Return what makes columns and keys."""
        given = {"prefix": "jde", "sleep": self.sleep, "clock": self.clock, **changed}
        return Maker(self.client, self.destination.tables(), told, **given)

    def set_up(self, custom_fields: dict[str, t.Any] | None = None, **settings: t.Any) -> None:
        """Make the column of the external ID and others."""
        config = {**self.settings, "custom_fields": custom_fields or {}, **settings}
        wanted = wanted_columns(config, self.destination.tables())
        for entity in dict.fromkeys(one.entity for one in wanted):
            self.maker().make(entity, [one for one in wanted if one.entity == entity])

    def truth(self, entity: str) -> list[dict[str, t.Any]]:
        """Return the rows as the emulator holds them."""
        return self.control.records(entity)

    def add(self, entity: str, **values: t.Any) -> str:
        """Add a row of the users' own and return its id."""
        return str(self.control.add_record(entity, values)[f"{entity.removesuffix('s')}id"])

    def calls(self) -> int:
        """Return how many requests came in so far, those for tokens left out."""
        return int(self.control.counters()["requests"])


@pytest.fixture(scope="session")
def stopping() -> Iterator[ThreadPoolExecutor]:
    """Stops emulators beside the tests."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def dynamics(stopping: ThreadPoolExecutor) -> Iterator[DynamicsEmulator]:
    """An environment without columns of ours."""
    emulator = DynamicsEmulator()
    yield emulator
    stopping.submit(emulator.stop)


@pytest.fixture
def settings(dynamics: DynamicsEmulator, tmp_path: Path) -> dict[str, t.Any]:
    """Settings of a target that writes to the environment and keeps its ledger for this test."""
    return {
        "tenant_id": dynamics.entra.tenant_id,
        "client_id": dynamics.entra.app.client_id,
        "client_secret": dynamics.entra.client_secret,
        "org_url": dynamics.org_url,
        "authority_url": dynamics.url,
        "api_url": dynamics.url,
        "token_file": str(tmp_path / "tokens.json"),
        "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        "external_id_field": "JDE Number",
        "publisher_prefix": "jde",
        "entities": [],
        "request_timeout_seconds": 30,
    }


@pytest.fixture
def bare(dynamics: DynamicsEmulator, settings: dict[str, t.Any]) -> Iterator[Crm]:
    """An environment nothing is set up in."""
    found = Crm(dynamics, settings)
    yield found
    found.destination.close()


@pytest.fixture
def crm(bare: Crm) -> Crm:
    """An environment with the column of the external ID."""
    with bare.emulator.store.lock:
        add_demo_columns(bare.emulator.parts)
    return bare


@pytest.fixture
def wide(crm: Crm) -> Crm:
    """An environment with columns of all types in accounts."""
    crm.set_up(CUSTOM_FIELDS)
    return crm


@pytest.fixture
def runner(settings: dict[str, t.Any], crm: Crm) -> Runner:
    """Runs of the target against the environment."""
    return Runner(settings)
