from __future__ import annotations

import sys
import typing as t
from contextlib import ExitStack
from pathlib import Path

import pytest
from service_emulators.testing import start_jde, start_pipedrive

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Test helpers are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from suite import Suite


@pytest.fixture
def suite_of(tmp_path: Path) -> Iterator[Callable[..., Suite]]:
    """Start a suite with so many customers and contacts; it ends with the test."""
    with ExitStack() as stack:

        def start(customers: int = 60, contacts: int = 90, documents: int = 0, **pipedrive: t.Any) -> Suite:
            options = {"burst": 0, **pipedrive}
            return Suite(
                stack.enter_context(start_jde(customers=customers, contacts=contacts, documents=documents)),
                stack.enter_context(start_pipedrive(**options)),
                tmp_path,
            )

        yield start
