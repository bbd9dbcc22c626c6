"""Planning alone: whatever the keys, the limits of the server and the order of answers, every row comes once."""

from __future__ import annotations

import itertools
import math
import random
from bisect import insort
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jde_ais import Page, Stripes
from jde_ais.keyset import Key, stored
from jde_ais.plan import Plan, may_be_cut
from jde_ais.spans import Ask
from jde_ais.stripes import MOST_BLOCKS

KINDS = {int: "number", Decimal: "number", str: "string"}


class Table:
    """A sorted list of keys that answers like a server with a fetch limit; several limits take turns at random."""

    def __init__(self, rows, key, cap=0, hides=True):
        self.rows, self.key, self.hides = sorted(rows), key, hides
        self.caps = cap if isinstance(cap, list) else [cap]
        self.most, self.requests, self.draw = 0, 0, random.Random(len(rows))

    def of(self, stretch):
        within, after = stretch.within, stretch.after
        depth = len(within)
        found = (
            [row for row in self.rows if row[:depth] == within and row[: len(after)] > after] if after else self.rows
        )
        if stretch.upto is not None:
            found = [row for row in found if row[depth] <= stretch.reach]
            if stretch.stripes is not None:
                found = [row for row in found if stretch.stripes.owns(row[depth])]
        return found

    def answer(self, plan, ask, size):
        self.requests += 1
        found = self.of(ask.stretch)
        if ask.kind != "page":
            depth = plan.depth(ask.stretch)
            best = (
                max(found, key=lambda row: row[depth]) if found and ask.kind == "highest" else next(iter(found), None)
            )
            return plan.found(ask, None if best is None else best[: depth + 1])
        size = plan.rows(ask.stretch)
        cap = self.draw.choice(self.caps)
        wanted = min(size, cap) if cap else size
        rows = found[:wanted]
        more = len(found) > len(rows) and not (self.hides and wanted < size)
        self.most = max(self.most, len(rows))
        last = stored(rows[-1]) if rows else None
        return plan.read(ask, Page([{"row": row} for row in rows], more, last_key=last), rows, self.most)


def walk(table, size, *, after=(), stripes=None, window=6, seed=0, between=lambda step: None):
    choose = random.Random(seed)
    plan = Plan(table.key, size, after, stripes, window)
    open_, rows = [], []
    step = most_open = 0
    while plan.line:
        open_ += plan.due()
        most_open = max(most_open, sum(isinstance(one, Ask) for one in plan.line))
        head = plan.line[0]
        if isinstance(head, Ask) and head.page is not None:
            del plan.line[0]
            rows += [row["row"] for row in head.page.rows]
            continue
        assert open_, "the plan waits for nothing"
        between(step)
        step += 1
        table.answer(plan, open_.pop(choose.randrange(len(open_))), size)
    assert most_open <= 2 * window + 1
    return rows


def key_of(*types):
    return Key(tuple(f"K{n}" for n in range(len(types))), tuple(KINDS[one] for one in types))


NUMBERS = st.one_of(
    st.integers(-5, 40),
    st.integers(0, 3000),
    st.sampled_from([90_000_000, 90_000_001, 10**15]),
    st.integers(-(10**6), 10**8),
)
SHAPES = st.sampled_from(
    [(int,), (int, int), (int, int, int), (str, int), (int, str), (str, str, int, int), (Decimal, int), (str,)]
)
PARTS = {int: NUMBERS, str: st.sampled_from(["", "A", "AB", "a", "ZZ"]), Decimal: st.decimals(0, 50, places=2)}


@st.composite
def tables(draw):
    types = draw(SHAPES)
    rows = draw(st.lists(st.tuples(*(PARTS[one] for one in types)), max_size=80, unique=True))
    if int in types and draw(st.booleans()):  # a dense stretch somewhere
        column = types.index(int)
        start, base = draw(NUMBERS), [draw(PARTS[one]) for one in types]
        dense = [(*base[:column], start + n, *base[column + 1 :]) for n in range(draw(st.integers(0, 300)))]
        rows = list(dict.fromkeys([*rows, *dense]))
    cap = draw(st.sampled_from([0, 0, 1, 3, 50, 100]))
    return Table(rows, key_of(*types), cap, draw(st.booleans()))


@settings(max_examples=400)
@given(tables(), st.sampled_from([1, 2, 7, 20, 110]), st.integers(1, 9), st.integers(), st.integers(0))
def test_every_row_comes_once_and_in_order(table, size, window, seed, resume):
    rows = walk(table, size, window=window, seed=seed)
    assert rows == table.rows
    if rows:
        after = rows[resume % len(rows)]
        assert walk(table, size, window=window, seed=seed, after=after) == [row for row in table.rows if row > after]


@settings(max_examples=100)
@given(
    tables(), st.integers(1, 5), st.sampled_from([1, 10, 1000]), st.sampled_from([1, 7, 110]), st.integers(), st.data()
)
def test_stripes_are_disjoint_and_together_the_whole(table, of, width, size, seed, data):
    kinds = table.key.kinds
    if Decimal in map(type, table.rows[0] if table.rows else ()) or "number" not in kinds:
        return
    parts = [
        walk(table, size, stripes=Stripes(n, of, width), seed=seed) if of > 1 else walk(table, size) for n in range(of)
    ]
    assert sorted(row for part in parts for row in part) == table.rows
    assert all(part == sorted(part) for part in parts)
    if parts[0] and of > 1:
        after = data.draw(st.sampled_from(parts[0]))
        rest = walk(table, size, stripes=Stripes(0, of, width), seed=seed, after=after)
        assert rest == [row for row in parts[0] if row > after]


@settings(max_examples=100)
@given(
    tables(),
    st.sampled_from([1, 5, 30]),
    st.integers(),
    st.lists(st.tuples(st.booleans(), st.integers(0)), max_size=40),
)
def test_rows_that_come_and_go_cost_no_row_that_stays(table, size, seed, events):
    stay = set(table.rows)
    pool = iter(range(10**6))

    def change(step):
        if step >= len(events) or not table.rows:
            return
        add, where = events[step]
        row = table.rows[where % len(table.rows)]
        if not add:
            table.rows.remove(row)
            stay.discard(row)
        elif type(row[-1]) is int:
            new = (*row[:-1], row[-1] + next(pool) - 3)
            if new not in table.rows:
                insort(table.rows, new)

    rows = walk(table, size, seed=seed, between=change)
    assert len(set(rows)) == len(rows)
    assert rows == sorted(rows)
    assert stay <= set(rows)


@settings(max_examples=300)
@given(
    tables(),
    st.lists(st.sampled_from([0, 1, 3, 7, 33, 50, 64, 111]), min_size=2, max_size=4),
    st.sampled_from([1, 5, 30, 110]),
    st.integers(1, 9),
    st.integers(),
)
def test_servers_with_limits_that_differ_lose_no_row(table, caps, size, window, seed):
    table.caps = caps
    assert walk(table, size, window=window, seed=seed) == table.rows


@pytest.mark.parametrize("cap", [1999, 1450, 1024, 1000, 333, 64, 50])
@pytest.mark.parametrize("rows", [[(n,) for n in range(0, 90_000, 3)], [(n // 7, n % 7) for n in range(30_000)]])
def test_a_limit_that_falls_during_a_walk_loses_no_row(rows, cap):
    table = Table(rows, key_of(*map(type, rows[0])), cap=2000)

    def fall(step):
        if step == 7:
            table.caps = [cap]

    assert walk(table, 1300, window=8, between=fall) == rows
    assert table.requests <= 1.5 * len(rows) / min(cap, 1300) + 40


def test_rows_added_above_the_highest_are_read_as_well():
    table = Table([(n,) for n in range(3000)], key_of(int))

    def add(step):
        if step == 5:
            table.rows += [(n,) for n in range(10_000, 12_500)]

    assert walk(table, 500, between=add) == table.rows
    assert len(table.rows) == 5500


@settings(max_examples=200)
@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), unique=True), st.integers(1, 9), st.integers())
def test_values_that_agree_column_after_column(rows, size, seed):
    assert walk(Table(rows, key_of(int, int, int)), size, seed=seed) == sorted(rows)


def test_dense_keys_cost_hardly_more_requests_than_a_plain_walk():
    for rows in ([(n,) for n in range(60_000)], [(n // 3, n % 3) for n in range(60_000)]):
        table = Table(rows, key_of(*map(type, rows[0])), cap=2000)
        assert walk(table, 1000, window=8) == rows
        assert table.requests <= 1.15 * 60 + 12


def test_lines_of_documents_in_numbers_with_gaps_fill_the_pages_on_the_average():
    random.seed(8)
    documents = itertools.accumulate(1 if random.random() < 0.98 else random.randint(2, 51) for _ in range(9000))
    rows = [(number, line) for number in documents for line in range(random.randint(2, 12))]
    table = Table(rows, key_of(int, int), cap=2000)
    assert walk(table, 1000, window=8) == rows
    assert table.requests <= 1.2 * len(rows) / 1000 + 5


def test_keys_with_gaps_and_of_uneven_density_cost_little():
    random.seed(5)
    thin = [(n,) for n in random.sample(range(100_000), 30_000)]
    uneven = (
        [(n,) for n in range(1000)] + [(n,) for n in range(10_000, 300_000, 97)] + [(10**8 + n,) for n in range(20_000)]
    )
    for rows, most in (
        (thin, 1.3 * 30 + 12),
        (uneven, 1.3 * 24 + 40),
        ([(n,) for n in [*range(1000), 90_000_000]], 14),
    ):
        table = Table(rows, key_of(int), cap=2000)
        assert walk(table, 1000, window=8) == sorted(rows)
        assert table.requests <= most, table.requests


def test_half_of_the_rows_under_one_value_are_divided_by_the_next_number():
    rows = [(n, 0) for n in range(10_000)] + [(5_000, n) for n in range(1, 10_000)]
    table = Table(rows, key_of(int, int), cap=2000)
    assert walk(table, 1000, window=8) == sorted(rows)
    assert table.requests <= 1.3 * 20 + 24


def test_documents_behind_a_company_and_a_type_are_divided_by_their_number():
    rows = [(company, kind, n) for company in ("00001", "00070") for kind in ("JE", "OV") for n in range(5_000)]
    key = Key(("KCO", "DCT", "DOC"), ("string", "string", "number"))
    table = Table(rows, key, cap=2000)
    plan = Plan(key, 500, (), None, 8)
    (first,) = plan.due()
    table.answer(plan, first, 500)
    (highest,) = [ask for ask in plan.due() if ask.kind == "highest"]
    table.answer(plan, highest, 500)
    # What follows this type is asked for at its turn, the documents of the type side by side.
    assert sum(ask.stretch.within == ("00001", "JE") for ask in plan.due()) >= 6
    assert walk(table, 500, window=8) == rows


def test_a_limit_kept_silent_is_noticed_in_the_middle():
    rows = [(n,) for n in range(3000)]
    for cap in (100, 150, 400):
        table = Table(rows, key_of(int), cap=cap)
        assert walk(table, 500, window=8) == rows
        assert table.requests <= 1.4 * 3000 / cap + 14


@pytest.mark.parametrize(
    ("rows", "most", "doubted"), [(0, 0, False), (3, 3, True), (99, 100, False), (150, 2000, True), (151, 2000, True)]
)
def test_when_a_page_may_have_been_cut(rows, most, doubted):
    assert may_be_cut(rows, most) is doubted


stripes = st.integers(1, 6).flatmap(
    lambda of: st.builds(Stripes, st.integers(0, of - 1), st.just(of), st.integers(1, 30))
)


@given(stripes, st.integers(-300, 300), st.integers(0, 500))
@example(Stripes(0, 1), 5, 4)
def test_the_condition_of_a_stripe_is_its_ownership(part, low, extent):
    high = min(low + extent, part.last(low))
    condition = part.where("AN8", low, high)
    blocks = [] if condition is None else getattr(condition, "parts", (condition,))
    assert len(blocks) <= MOST_BLOCKS
    covered = {value for one in blocks for value in range(one.values[0], one.values[1] + 1)}
    assert covered == {value for value in range(low, high + 1) if part.owns(value)}
    assert part.first(low) == next(value for value in range(low, low + 10_000) if part.owns(value))


@given(st.integers(1, 64), st.integers(1, 2000), st.decimals(-(10**6), 10**6, places=3))
def test_every_value_has_one_owner(of, width, value):
    owners = [n for n in range(of) if Stripes(n, of, width).owns(value)]
    assert owners == [math.floor(value) // width % of]


def test_a_condition_has_an_end():
    part = Stripes(1, 3, 10)
    assert part.where("AN8", 0, part.last(0)) is not None
    with pytest.raises(ValueError, match="too many stripes"):
        part.where("AN8", 0, part.last(0) + 1)
    assert Stripes(0, 1).where("AN8", 5, 4) is None


@pytest.mark.parametrize("wrong", [(3, 3, 1), (-1, 3, 1), (0, 0, 1), (0, 1, 0)])
def test_stripes_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match="index"):
        Stripes(*wrong)
