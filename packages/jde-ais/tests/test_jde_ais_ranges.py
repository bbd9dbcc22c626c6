"""Walks with several requests under way, over real HTTP."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from jde_ais import (
    AisClient,
    AisError,
    AisSettings,
    AisUnavailable,
    OrderNotHonoured,
    Stripes,
    between,
    keyset_pages,
    ne,
    ranged_pages,
)
from service_emulators.jde.testing import start_jde

NUMBER, STRING, DATE = "number", "string", "date"
KEYS = {
    "F0101": {"AN8": NUMBER},
    "F0115": {"AN8": NUMBER, "IDLN": NUMBER, "CNLN": NUMBER, "RCK7": NUMBER},
    "F0116": {"AN8": NUMBER, "EFTB": DATE},
    "F03012": {"AN8": NUMBER, "CO": STRING},
    "F0005": {"SY": STRING, "RT": STRING, "KY": STRING},
}
WORKERS = 4


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(WORKERS) as executor:
        yield executor


@pytest.fixture(scope="module")
def site():
    with start_jde(customers=400, contacts=600, seed=5) as running:
        yield running


def keys_of(pages, kinds):
    return [tuple(row[column] for column in kinds) for page in pages for row in page.rows]


def ranged(client, pool, table="F0101", columns=("AN8",), **options):
    kinds = KEYS[table]
    return ranged_pages(client, table, columns, list(kinds), key_kinds=kinds, pool=pool, workers=WORKERS, **options)


def plain(client, table="F0101", columns=("AN8",), **options):
    kinds = KEYS[table]
    return keyset_pages(client, table, columns, list(kinds), key_kinds=kinds, **options)


def fill(jde, numbers):
    rows = [{"AN8": number, "ALPH": f"Name {number}"} for number in numbers]
    random.Random(7).shuffle(rows)
    jde.control.insert_rows("F0101", rows)


def read(jde, pool, timeout_seconds=60, **options):
    with jde.client(max_concurrency=WORKERS, timeout_seconds=timeout_seconds) as client:
        return [an8 for (an8,) in keys_of(ranged(client, pool, **options), KEYS["F0101"])]


@pytest.mark.parametrize("switches", [{}, {"fetch_cap": 40, "trailing_blanks": True, "null_dates": True}])
@pytest.mark.parametrize("page_size", [1000, 60, 7])
@pytest.mark.parametrize("table", KEYS)
def test_the_same_rows_in_the_same_order_as_a_plain_walk(site, pool, table, page_size, switches):
    defaults = site.control.switches()
    site.control.switch(**switches)
    try:
        with AisClient(AisSettings(site.url, site.username, site.password, max_concurrency=WORKERS)) as client:
            expected = [row for page in plain(client, table, ()) for row in page.rows]
            pages = list(ranged(client, pool, table, (), page_size=page_size))
    finally:
        site.control.switch(**defaults)
    assert [row for page in pages for row in page.rows] == expected
    assert all(0 < len(page.rows) <= page_size * 1.5 and page.server_time and page.next is None for page in pages)
    assert [page.last_key[0] for page in pages] == [
        v.rstrip() if isinstance(v := page.rows[-1][next(iter(KEYS[table]))], str) else v for page in pages
    ]


HALF_IN_ONE = [{"AN8": 500, "IDLN": n, "CNLN": 0, "RCK7": 1} for n in range(300)] + [
    {"AN8": n, "IDLN": 0, "CNLN": 0, "RCK7": 2} for n in range(300)
]


def test_half_of_the_rows_under_one_value(jde, pool):
    jde.control.insert_rows("F0115", HALF_IN_ONE)
    with jde.client(max_concurrency=WORKERS) as client:
        expected = keys_of(plain(client, "F0115", (), page_size=25), KEYS["F0115"])
        before = jde.calls("/dataservice")
        assert keys_of(ranged(client, pool, "F0115", (), page_size=25), KEYS["F0115"]) == expected
    assert len(expected) == 600
    assert jde.calls("/dataservice") - before <= 1.3 * before + 30


@pytest.mark.parametrize(
    "numbers",
    [[], [7], [*range(1, 1001), 90_000_000], [*range(1, 300), *range(5_000, 5_300), 10**7], range(1, 400, 3)],
    ids=["empty", "single", "one far away", "gaps", "thin"],
)
def test_keys_of_every_kind_of_distribution(jde, pool, numbers):
    fill(jde, numbers)
    calls = []
    for _ in range(3):  # how many pages are asked for in a gap goes by which worker comes first
        before = jde.calls("/dataservice")
        assert read(jde, pool, page_size=100) == list(numbers)
        calls.append(jde.calls("/dataservice") - before)
    # Nobody knows of a gap before the pages asked for in it come back empty.
    assert min(calls) <= 1.3 * (len(numbers) / 100) + 4 * WORKERS + 8


def test_dense_keys_cost_no_more_requests_than_a_plain_walk(jde, pool):
    fill(jde, range(1, 5001))
    assert read(jde, pool, page_size=100) == list(range(1, 5001))
    assert jde.calls("/dataservice") <= 50 + 3


@pytest.mark.parametrize("hides", [True, False])
@pytest.mark.parametrize("page_size", [100, 1000, 130])
def test_a_fetch_limit_kept_silent(jde, pool, page_size, hides):
    fill(jde, [*range(1, 700), *range(2000, 2500)])
    jde.control.switch(fetch_cap=100, cap_hides_more=hides)
    assert read(jde, pool, page_size=page_size) == [*range(1, 700), *range(2000, 2500)]


@pytest.mark.parametrize("cap", [99, 64, 50])
def test_a_fetch_limit_that_falls_during_a_walk_loses_nothing(jde, pool, cap):
    numbers = [*range(1, 700), *range(2000, 3500, 2)]
    fill(jde, numbers)
    jde.emulator.hooks.after_requests(4, lambda: jde.control.switch(fetch_cap=cap))
    assert read(jde, pool, page_size=110) == numbers


def test_going_on_after_every_position(jde, pool):
    jde.control.insert_rows("F0115", HALF_IN_ONE[280:330])
    with jde.client(max_concurrency=WORKERS) as client:
        rows = keys_of(ranged(client, pool, "F0115", page_size=9), KEYS["F0115"])
        for place, after in enumerate(rows):
            assert keys_of(ranged(client, pool, "F0115", page_size=9, after=after), KEYS["F0115"]) == rows[place + 1 :]


def test_a_condition_and_single_rows(jde, pool):
    fill(jde, range(1, 60))
    expected = [n for n in range(5, 51) if n != 7]
    with jde.client(max_concurrency=WORKERS) as client:
        pages = list(ranged(client, pool, page_size=1, where=between("AN8", 5, 50)))
        assert [page.rows[0]["AN8"] for page in pages] == list(range(5, 51))
        rows = keys_of(ranged(client, pool, page_size=8, where=ne("AN8", 7), after=(4,)), KEYS["F0101"])
    assert [an8 for (an8,) in rows if an8 <= 50] == expected


@pytest.mark.parametrize("width", [1, 10, 1000])
def test_stripes_together_are_the_whole(jde, pool, width):
    numbers = [*range(1, 500), *range(40_000, 40_200), 10**6, 10**7 + 1]
    fill(jde, numbers)
    parts = [read(jde, pool, page_size=50, stripes=Stripes(n, 3, width)) for n in range(3)]
    assert sorted(number for part in parts for number in part) == numbers
    for index, part in enumerate(parts):
        assert part == [number for number in numbers if number // width % 3 == index]
    assert read(jde, pool, page_size=50, stripes=Stripes(0, 1)) == numbers


def test_stripes_of_a_key_that_begins_with_text(jde, pool):
    kinds = {"CO": STRING, "AN8": NUMBER}
    jde.control.insert_rows("F03012", [{"AN8": n, "CO": f"000{n % 3}0"} for n in range(1, 200)])
    options = {"key_kinds": kinds, "pool": pool, "workers": WORKERS, "page_size": 20}
    with jde.client(max_concurrency=WORKERS) as client:
        whole = keys_of(ranged_pages(client, "F03012", [], list(kinds), **options), kinds)
        parts = [
            keys_of(ranged_pages(client, "F03012", [], list(kinds), stripes=Stripes(n, 2, 10), **options), kinds)
            for n in range(2)
        ]
        with pytest.raises(ValueError, match="no number to divide"):
            next(ranged(client, pool, "F0005", stripes=Stripes(0, 2)))
    assert len(whole) == 199
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert all(an8 // 10 % 2 == index for index, part in enumerate(parts) for _, an8 in part)


FAULTS = [
    {"kind": "status", "status": 503, "times": 3},
    {"kind": "reset", "when": "after", "times": 3},
    {"kind": "truncate", "times": 3},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_faults_in_the_middle_cost_no_row(jde, pool, fault):
    fill(jde, range(1, 600))
    jde.control.fault(path="v2/dataservice$", skip=3, **fault)
    assert read(jde, pool, page_size=50) == list(range(1, 600))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_faults_of_every_kind_cost_no_row(jde, pool, seed):
    fill(jde, [*range(1, 1500), *range(30_000, 31_000)])
    jde.control.random_faults(16, seed=seed, path="v2/dataservice$")
    assert read(jde, pool, page_size=50, timeout_seconds=5) == [*range(1, 1500), *range(30_000, 31_000)]


def test_rows_changed_between_any_two_requests(pool):
    draw, lock = random.Random(3), threading.Lock()
    fleeting, come = set(range(0, 2000, 4)), []

    def change(_):
        with lock:
            gone, new = draw.choice(sorted(fleeting)), 2 * len(come) * draw.randrange(1, 40) + 1
            fleeting.discard(gone)
            site.store.delete("F0101", {"AN8": gone})
            if new not in come:
                come.append(new)
                site.store.insert("F0101", [{"AN8": new, "ALPH": "new"}])

    with start_jde(on_request=lambda request: request.service == "BROWSE" and change(request)) as site:
        site.store.insert("F0101", [{"AN8": number, "ALPH": "old"} for number in range(0, 2000, 2)])
        with AisClient(AisSettings(site.url, site.username, site.password, max_concurrency=WORKERS)) as client:
            rows = [an8 for (an8,) in keys_of(ranged(client, pool, page_size=30), KEYS["F0101"])]
    assert rows == sorted(set(rows))
    assert set(range(2, 2000, 4)) <= set(rows)
    assert len(come) > 30


@pytest.mark.parametrize("status", [444, 403])
def test_a_token_that_dies_under_parallel_requests_costs_one_log_in_each_time(jde, pool, status):
    fill(jde, range(1, 2000))
    jde.control.switch(invalid_token_status=status)
    rows, deaths = [], 0
    with jde.client(max_concurrency=WORKERS) as client:
        for number, page in enumerate(ranged(client, pool, page_size=20)):
            rows += [row["AN8"] for row in page.rows]
            if number in {3, 9}:
                time.sleep(0.2)  # no request is under way: a token that dies twice at once is another matter
                jde.control.expire_sessions()
                deaths += 1
    assert rows == list(range(1, 2000))
    assert jde.calls("v2/tokenrequest") == 1 + deaths


def test_pages_before_a_lasting_failure_are_handed_out(jde, pool):
    fill(jde, range(1, 600))
    jde.control.fault("status", path="v2/dataservice$", status=503, skip=5, times=None)
    got = []

    def collect(client):
        for page in ranged(client, pool, page_size=50):
            got.extend(row["AN8"] for row in page.rows)

    with jde.client(max_concurrency=WORKERS) as client, pytest.raises(AisUnavailable):
        collect(client)
    assert got == list(range(1, len(got) + 1))
    assert len(got) >= 50


def test_a_walk_that_is_given_up_leaves_nothing_under_way(jde):
    fill(jde, range(1, 1500))
    jde.control.fault("slow", path="v2/dataservice$", delay_ms=30, times=None)
    threads = threading.active_count()
    with jde.client(max_concurrency=WORKERS) as client, ThreadPoolExecutor(WORKERS) as own:
        pages = ranged(client, own, page_size=50)
        next(pages)
        next(pages)
        pages.close()
        own.submit(int).result()
        time.sleep(0.1)
        asked = jde.calls("/dataservice")
        time.sleep(0.2)
        assert jde.calls("/dataservice") == asked <= 2 + 1 + 2 * WORKERS
    assert threading.active_count() <= threads + 1


def test_pages_ahead_are_bounded_and_do_not_wait_for_the_caller(jde, pool):
    fill(jde, range(1, 2000))
    with jde.client(max_concurrency=WORKERS) as client:
        pages = ranged(client, pool, page_size=50)
        next(pages)
        next(pages)
        time.sleep(0.4)
        asked = jde.calls("/dataservice")
        assert 2 + WORKERS <= asked <= 2 + 1 + 3 * WORKERS
        assert len(list(pages)) >= 1900 / 50


def test_one_page_is_fetched_ahead_where_nothing_can_be_divided(jde, pool):
    jde.control.insert_rows("F0005", [{"SY": "01", "RT": "ST", "KY": f"{n:04}"} for n in range(300)])
    with jde.client(max_concurrency=WORKERS) as client:
        pages = ranged(client, pool, "F0005", (), page_size=50)
        next(pages)
        time.sleep(0.2)
        asked = jde.calls("/dataservice")
        assert asked == 3  # first page, the proof of its order, second page
        assert sum(len(page.rows) for page in pages) == 250


def test_waiting_is_shared_by_the_workers(jde, pool):
    fill(jde, range(1, 2001))
    jde.control.fault("slow", path="v2/dataservice$", delay_ms=60, times=None)

    def seconds(walk):
        begun = time.monotonic()
        assert sum(len(page.rows) for page in walk) == 2000
        return time.monotonic() - begun

    with jde.client(max_concurrency=WORKERS) as client:
        assert seconds(ranged(client, pool, page_size=50)) * 2 < seconds(plain(client, page_size=50))


def test_rows_that_come_and_go_during_a_walk_disturb_no_other(jde, pool):
    fill(jde, range(100, 800))
    seen = []
    with jde.client(max_concurrency=WORKERS) as client:
        for number, page in enumerate(ranged(client, pool, page_size=20)):
            seen += [row["AN8"] for row in page.rows]
            if number == 1:
                jde.control.delete_rows("F0101", {"AN8": [110, 790]})
                fill(jde, [*range(1, 5), *range(2000, 2300)])
    assert seen == sorted(set(seen))
    assert set(range(100, 800)) - {790} <= set(seen)
    assert set(range(2000, 2300)) <= set(seen)


@pytest.mark.parametrize("table", ["F0101", "F0005"])
def test_a_server_that_does_not_sort_is_found_out(jde, pool, table):
    fill(jde, range(1, 300))
    jde.control.insert_rows("F0005", [{"SY": "01", "RT": "ST", "KY": f"{n:04}"} for n in range(300)])
    jde.control.switch(ignore_order_by=True)
    with jde.client(max_concurrency=WORKERS) as client, pytest.raises(OrderNotHonoured):
        list(ranged(client, pool, table, (), page_size=50))


def test_wrong_numbers_of_rows_or_workers(jde, pool):
    with jde.client() as client:
        with pytest.raises(ValueError, match="page_size"):
            next(ranged(client, pool, page_size=0))
        with pytest.raises(ValueError, match="1 parts, got 2"):
            next(ranged(client, pool, after=(1, 2)))


def test_a_refused_table_is_one_error(jde, pool):
    fill(jde, range(1, 30))
    jde.control.switch(refused_tables=["F0101"])
    with jde.client() as client, pytest.raises(AisError, match="Data Browser security"):
        list(ranged(client, pool))
