from __future__ import annotations

import itertools
import sys
import typing as t
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sync_ledger.ledger import open_engine

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL

# Test helpers of this package are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from alert_trials import Trial

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def ledger_server(postgresql: str) -> URL:
    """A PostgreSQL server with one migrated ledger, which others are copied from: that takes a tenth of the time."""
    server = make_url(postgresql).set(drivername="postgresql+psycopg")
    _create(server, "migrated")
    open_engine(_shown(server.set(database="migrated"))).dispose()
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, in a file and in a server's database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return t.cast("str", request.getfixturevalue("server_ledger_url"))


@pytest.fixture
def server_ledger_url(ledger_server: URL) -> str:
    """The URL of an empty ledger in a server's database."""
    name = f"ledger_{next(_numbers)}"
    _create(ledger_server, f"{name} TEMPLATE migrated")
    return _shown(ledger_server.set(database=name))


def _create(server: URL, database: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {database}"))
    engine.dispose()


def _shown(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    """Alert files that are tried out, each over its own rows and time."""
    made: list[Trial] = []

    def one(**more: t.Any) -> Trial:
        made.append(Trial(tmp_path / "alerts.yml", **more))
        return made[-1]

    yield one
    for each in made:
        each.it.close()
