from __future__ import annotations

import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from service_emulators.dynamics.emulator import DynamicsEmulator

# Test helpers of this package are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stopping() -> Iterator[ThreadPoolExecutor]:
    """Stops emulators beside the tests: it takes a server 0.2 s to go."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def dynamics(stopping: ThreadPoolExecutor) -> Iterator[DynamicsEmulator]:
    """An environment without columns of ours."""
    emulator = DynamicsEmulator()
    yield emulator
    stopping.submit(emulator.stop)
