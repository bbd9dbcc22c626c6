"""The large general ledger: made quickly, whole in itself, answered quickly and along an index."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import date, datetime
from itertools import pairwise

import pytest
import sqlalchemy as sa
from service_emulators.jde.dictionary import tables
from service_emulators.jde.seed import seed_ledger
from service_emulators.jde.store import Store
from service_emulators.jde.testing import start_jde

ROWS = 20_000
KEY = ("DOC", "DCT", "KCO", "DGJ", "JELN", "LT", "EXTL")


@pytest.fixture(scope="module")
def ledger():
    with start_jde(customers=20, gl_rows=ROWS, now=datetime(2026, 11, 20, 9, 30, 5)) as jde:
        yield jde


@pytest.fixture
def reader(ledger, caller):
    one = type(caller)(ledger)
    one.log_in()
    return one


def one_value(jde, statement):
    with jde.store.engine.connect() as connection:
        return connection.exec_driver_sql(statement).scalar_one()


@contextmanager
def statements_of(jde):
    seen = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        seen.append((statement, parameters))

    sa.event.listen(jde.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(jde.store.engine, "before_cursor_execute", note)


def test_documents_balance_and_post_to_what_exists(ledger):
    assert ledger.store.count("F0911") == ROWS
    unbalanced = "SELECT SUM(GLAA) FROM F0911 GROUP BY GLDOC, GLDCT, GLKCO, GLLT HAVING SUM(GLAA) <> 0"
    assert one_value(ledger, f"SELECT COUNT(*) FROM ({unbalanced})") == 0
    lonely = "SELECT 1 FROM F0911 GROUP BY GLDOC, GLDCT, GLKCO, GLLT HAVING COUNT(*) < 2"
    assert one_value(ledger, f"SELECT COUNT(*) FROM ({lonely})") == 0
    assert one_value(ledger, "SELECT COUNT(*) FROM F0911 WHERE GLAID NOT IN (SELECT GMAID FROM F0901)") == 0
    assert one_value(ledger, "SELECT COUNT(*) FROM F0911 WHERE GLAN8 NOT IN (SELECT ABAN8 FROM F0101)") == 0
    assert one_value(ledger, "SELECT COUNT(DISTINCT GLLT) FROM F0911") == 2
    shared = "SELECT 1 FROM F0911 GROUP BY GLDOC HAVING COUNT(DISTINCT GLDCT) > 1"
    assert one_value(ledger, f"SELECT COUNT(*) FROM ({shared})") > 20


def test_numbers_are_dense_with_gaps_and_dates_cover_two_years(ledger):
    numbers = [row[0] for row in _query(ledger, "SELECT DISTINCT GLDOC FROM F0911 ORDER BY GLDOC")]
    steps = [after - before for before, after in pairwise(numbers)]
    assert sum(step == 1 for step in steps) > len(steps) * 0.9
    assert max(steps) > 10
    first, last = _query(ledger, "SELECT MIN(GLDGJ), MAX(GLDGJ) FROM F0911")[0]
    assert (last // 1000 - first // 1000, last) == (2, 126323)


def _query(jde, statement):
    with jde.store.engine.connect() as connection:
        return connection.exec_driver_sql(statement).all()


def test_same_seed_same_ledger():
    def content(seed):
        store = Store()
        seed_ledger(store, rows=300, seed=seed, today=date(2026, 11, 20), addresses=range(1, 9))
        rows = store.read("F0911")
        store.close()
        return rows

    assert content(1) == content(1)
    assert content(1) != content(2)


@pytest.mark.parametrize("rows", [1, 2, 13, 100])
def test_there_are_as_many_rows_as_asked(rows):
    store = Store()
    seed_ledger(store, rows=rows, seed=rows, today=date(2026, 11, 20), addresses=range(1, 9))
    assert store.count("F0911") == rows
    store.close()


def test_a_walk_by_key_and_by_range_uses_the_index(reader, condition):
    columns = [*KEY, *[one for one in tables()["F0911"].columns if one not in KEY][:23]]
    with statements_of(reader.jde) as seen:
        first = reader.browse("F0911", columns, order=KEY)
        last = first.rows[-1]
        position = [
            (one, f"{last[one][4:6]}/{last[one][6:]}/{last[one][:4]}" if one == "DGJ" else str(last[one]))
            for one in KEY
        ]
        beyond = [
            {
                "andOr": "OR",
                "query": {
                    "condition": [
                        *(condition(one, "EQUAL", value) for one, value in position[:index]),
                        condition(position[index][0], "GREATER", position[index][1]),
                    ]
                },
            }
            for index in range(len(KEY))
        ]
        query = {
            "condition": [condition("DOC", "GREATER_EQUAL", position[0][1])],
            "complexQuery": [{"andOr": "AND", "query": {"matchType": "MATCH_ANY", "complexQuery": beyond}}],
        }
        second = reader.browse("F0911", columns, query, KEY)
        spans = [condition("DOC", "BETWEEN", "1000100", "1000200"), condition("DOC", "BETWEEN", "1000400", "1000500")]
        reader.browse("F0911", columns, {"condition": spans[:1]}, KEY)
        reader.browse("F0911", columns, {"matchType": "MATCH_ANY", "condition": spans}, KEY)
    keys = [tuple(row[one] for one in KEY) for row in first.rows + second.rows]
    assert len(set(keys)) == len(keys) == 2000
    assert keys == sorted(keys)
    with reader.jde.store.engine.connect() as connection:
        for statement, parameters in seen[1:]:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
            assert "SEARCH F0911 USING INDEX sqlite_autoindex_F0911_1 (GLDOC>" in plan
            assert "TEMP B-TREE" not in plan


def test_latency_holds_up_no_other_request(reader):
    reader.jde.control.switch(latency=1000)
    asked = {"args": ("F0911", ("DOC",)), "kwargs": {"size": "5"}}
    try:
        threads = [threading.Thread(target=reader.browse, **asked) for _ in range(4)]
        began = time.perf_counter()
        for one in threads:
            one.start()
        reader.jde.control.counters()
        waiting = [one.is_alive() for one in threads]
        for one in threads:
            one.join()
        took = time.perf_counter() - began
    finally:
        reader.jde.control.switch(latency=0)
    assert all(waiting)
    # One after the other they would take four seconds.
    assert 1 <= took < 3.5
