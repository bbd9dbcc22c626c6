from __future__ import annotations

import typing as t

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sync_ledger.ledger.transactions import exclusive, transact

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    """A database whose clients do not wait for each other by themselves."""
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db", connect_args={"timeout": 0})
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (name TEXT)"))
    yield engine
    engine.dispose()


def add(connection: Connection) -> str:
    connection.execute(text("INSERT INTO things VALUES ('one')"))
    return "done"


def count(database: Engine) -> int:
    with database.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM things")).scalar_one())


def test_work_that_met_a_lock_is_done_once_the_lock_is_gone(database: Engine) -> None:
    other = database.connect()
    other.exec_driver_sql("BEGIN IMMEDIATE")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            other.close()

    assert transact(database, add, sleep=wait) == "done"
    assert waits == [pytest.approx(0.2), pytest.approx(0.4)]
    assert count(database) == 1


def test_a_lock_that_stays_is_told_in_the_end(database: Engine) -> None:
    waits: list[float] = []
    with database.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            transact(database, add, sleep=waits.append)
    assert len(waits) == 4


def test_other_errors_are_not_repeated(database: Engine) -> None:
    waits: list[float] = []
    wrong = text("INSERT INTO others VALUES (1)")
    with pytest.raises(OperationalError, match="no such table"):
        transact(database, lambda connection: connection.execute(wrong), sleep=waits.append)
    assert waits == []


def test_what_is_read_alone_holds_until_the_end(database: Engine) -> None:
    with exclusive(database, "things") as connection:
        assert connection.execute(text("SELECT count(*) FROM things")).scalar_one() == 0
        with pytest.raises(OperationalError, match="locked"), database.begin() as other:
            add(other)
        add(connection)
    assert count(database) == 1


def test_what_failed_alone_leaves_nothing_behind(database: Engine) -> None:
    def fail() -> None:
        with exclusive(database, "things") as connection:
            add(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(database) == 0
    assert transact(database, add) == "done"
