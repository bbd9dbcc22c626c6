"""A new ledger of the tests, copied from one, is what the migrations make."""

from __future__ import annotations

import ledger_copies
from sqlalchemy import create_engine
from sync_ledger.ledger import database


def content(connection):
    return sorted(connection.connection.dbapi_connection.iterdump())  # indexes come in the order they were made in


def test_a_copied_ledger_equals_a_migrated_one(tmp_path):
    found = []
    for name, make in (("migrated", ledger_copies.migrate), ("copied", ledger_copies.copy_or_migrate)):
        engine = create_engine(f"sqlite:///{tmp_path}/{name}.db")
        with engine.connect() as connection:
            make(connection)
            found.append(content(connection))
        engine.dispose()
    assert found[0] == found[1]
    assert len(found[0]) > 20


def test_the_tests_open_ledgers_by_copy(tmp_path):
    assert database._migrate is ledger_copies.copy_or_migrate
    engine = database.open_engine(f"sqlite:///{tmp_path}/ledger.db")
    engine.dispose()
