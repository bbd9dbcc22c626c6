from __future__ import annotations

import typing as t

import pytest
from service_emulators.testing import start_pipedrive
from target_pipedrive_runs import Runner, organization, schema

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("plan", ["lite", "ultimate"])
def test_eight_workers_never_meet_the_burst_limit(plan: str, tmp_path: Path) -> None:
    rows = {"lite": 50, "ultimate": 300}[plan]
    with start_pipedrive(plan=plan) as emulator:
        settings = {
            "api_url": emulator.url,
            "api_token": emulator.api_token,
            "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
            "max_concurrency": 8,
        }
        messages = [organization(number) for number in range(rows)]
        assert Runner(settings).run(schema("organizations"), *messages) == 0
        assert set(emulator.control.counters()["by_status"]) == {"200"}
        assert len(emulator.control.records("organizations")) == rows
