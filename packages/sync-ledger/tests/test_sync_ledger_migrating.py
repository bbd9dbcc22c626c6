"""How a ledger is brought to the current schema, and by whom it is not touched."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sync_ledger.errors import LedgerError
from sync_ledger.ledger import database, open_engine
from sync_ledger.ledger.migrating import configuration
from sync_ledger.ledger.tables import metadata

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

OPENING = """
import sys
from sync_ledger.ledger import open_engine
open_engine(sys.argv[1]).dispose()
print("alembic" in sys.modules)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Engine]:
    """A database without any table."""
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    yield engine
    engine.dispose()


def test_the_revisions_and_their_order_are_those_that_alembic_finds() -> None:
    script = ScriptDirectory.from_config(configuration())
    found = [revision.revision for revision in script.walk_revisions()]
    assert database._revisions() == set(found)
    assert sorted(found, reverse=True) == found
    assert script.get_heads() == [max(found)]


def test_a_ledger_that_is_current_is_opened_without_alembic(tmp_path: Path) -> None:
    def opened() -> str:
        command = [sys.executable, "-c", OPENING, f"sqlite:///{tmp_path}/ledger.db"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    assert [opened(), opened()] == ["True", "False"]


@pytest.mark.parametrize("revision", sorted(database._revisions())[:-1])
def test_an_older_ledger_is_brought_up_to_date(ledger: Engine, revision: str) -> None:
    config = configuration()
    with ledger.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    with ledger.connect() as connection:
        database._migrate(connection)
        assert database._revision(connection) == max(database._revisions())
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())


def test_a_ledger_of_a_newer_version_is_refused(ledger_url: str) -> None:
    engine = open_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE sync_ledger_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(LedgerError, match=r"newer version of sync-ledger \(schema 9999\); install that version"):
        open_engine(ledger_url)
