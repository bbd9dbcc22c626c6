from __future__ import annotations

import sys
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from service_emulators.testing import start_pipedrive
from target_pipedrive.adapter import PipedriveDestination
from target_pipedrive.client import PipedriveClient
from target_pipedrive.hosts import hosts

# Test helpers of this package are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from target_pipedrive_runs import Runner

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.testing import PipedriveEmulator


@dataclass
class Account:
    """An emulated account with a destination whose waits only move its clock."""

    emulator: PipedriveEmulator
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.control = self.emulator.control
        self.destination = self.connect()
        self.organizations = self.destination.entity("organizations")
        self.persons = self.destination.entity("persons")

    def clock(self) -> float:
        """Return monotonic seconds, waits included."""
        return time.monotonic() + sum(self.waits)

    def connect(self, **changed: t.Any) -> PipedriveDestination:
        """Return another destination of the account."""
        settings = {"url": self.emulator.url, "token": self.emulator.api_token, "timeout_seconds": 2, **changed}
        client = PipedriveClient(
            hosts(settings["url"]),
            settings["token"],
            timeout_seconds=settings["timeout_seconds"],
            clock=self.clock,
            sleep=self.waits.append,
        )
        return PipedriveDestination(client, "JDE Number", sleep=self.waits.append)

    def truth(self, entity: str) -> list[dict[str, t.Any]]:
        """Return the live records as the emulator holds them, custom fields by label."""
        return self.control.records(entity)


@pytest.fixture
def pipedrive() -> Iterator[PipedriveEmulator]:
    """An account without a burst limit, so that tests need not wait."""
    with start_pipedrive(burst=0) as emulator:
        yield emulator


@pytest.fixture
def account(pipedrive: PipedriveEmulator) -> Iterator[Account]:
    found = Account(pipedrive)
    yield found
    found.destination.close()


@pytest.fixture
def settings(pipedrive: PipedriveEmulator, tmp_path: Path) -> dict[str, t.Any]:
    """Settings of a target that writes to the account and keeps its ledger for this test."""
    return {
        "api_url": pipedrive.url,
        "api_token": pipedrive.api_token,
        "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        "lookup_delay_seconds": 0,
        "request_timeout_seconds": 2,
    }


@pytest.fixture
def runner(settings: dict[str, t.Any]) -> Runner:
    """Runs of the target against the account."""
    return Runner(settings)
