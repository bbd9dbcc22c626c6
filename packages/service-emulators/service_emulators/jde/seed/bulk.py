"""A large general ledger (F0911) for measuring: hundreds of thousands of rows within seconds.

One document is drawn at a time and its lines share what is the same for all of them; the rest is a few additions.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import chart, journal
from service_emulators.jde.seed.stamps import Stamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from service_emulators.jde.store import Store

FIRST_DOCUMENT = 1_000_001
"""Bulk documents are numbered from here, beyond those of `documents`."""
_DAYS = 730
_CHUNK = 20_000
_DENSE = 0.98
"""Share of document numbers that follow the one before directly."""
_KINDS = (journal.VOUCHER, journal.INVOICE, journal.JOURNAL, journal.RECEIPT)
_CURRENCIES = tuple(journal.RATES)
_LONG_EVERY, _LONG_LINES = 5000, 1200
"""Every 5000th document is a journal longer than a usual page."""
_GAP_EVERY, _GAP = 20_000, 50_000
"""After so many documents a new range of numbers begins."""


def seed_ledger(store: Store, *, rows: int, seed: int, today: date, addresses: Sequence[int]) -> None:
    """Add G/L lines of the two years before ``today``, and the accounts they name if there are none.

    Documents have two to twelve lines and balance in each ledger type; some carry a second ledger in foreign currency
    (LT CA), some share their number with a document of another type. Numbers are dense, with gaps small and large.

    Args:
        store: The database.
        rows: Number of lines.
        seed: Same seed, same day, same data.
        today: The server's date.
        addresses: Address numbers to post to.
    """
    random = Random(seed)  # noqa: S311 - sample data, not secrets
    with store.loading() as connection:
        if not store.count("F0901"):
            setup = ("JDE", "P0901", "JDEWEB01", to_julian(today - timedelta(days=_DAYS + 1)), 90000)
            store.load(connection, "F0901", chart.ACCOUNT_COLUMNS, chart.account_rows(setup))
        chunk: list[journal.Row] = []
        for document in _documents(random, rows, today, addresses):
            chunk += document
            if len(chunk) >= _CHUNK:
                store.load(connection, "F0911", journal.COLUMNS, chunk)
                chunk.clear()
        store.load(connection, "F0911", journal.COLUMNS, chunk)


def _documents(random: Random, rows: int, today: date, addresses: Sequence[int]) -> Iterator[list[journal.Row]]:
    accounts = list(chart.chart().values())
    stamps = Stamps(random, today, ("EP0411Z1", "R42565", "EP0911", "R09801"))
    number, kind, made, twice = FIRST_DOCUMENT, 0, 0, False
    for index in itertools.count():
        left = rows - made
        if not left:
            return
        kind = (kind + 1) % len(_KINDS) if twice else int(random.random() * len(_KINDS))
        count = _LONG_LINES if index % _LONG_EVERY == _LONG_EVERY - 1 else 2 + int(random.random() * 11)
        abroad = index % 10 == 0 and 3 * count <= left
        if not abroad:
            # No single line must remain for the last document: it could not balance.
            count = left if count >= left - 1 else count
        # Later numbers have later dates, though not strictly.
        back = max(1, _DAYS - made * _DAYS // rows - int(random.random() * 5))
        head = journal.Head(
            number,
            _KINDS[kind],
            today - timedelta(days=back),
            to_julian(today - timedelta(days=max(1, back - kind))),
            addresses[index % len(addresses)],
            _CURRENCIES[index // 10 % len(_CURRENCIES)] if abroad else journal.HOME_CURRENCY,
            f"INV-{number}" if _KINDS[kind] in {journal.VOUCHER, journal.INVOICE} else "",
        )
        amounts = [int(random.random() * 2_000_000) - 700_000 for _ in range(count - 1)]
        at = int(random.random() * len(accounts))
        document = journal.lines(head, amounts, [accounts[(at + one) % len(accounts)] for one in range(count)], stamps)
        yield document
        made += len(document)
        twice = index % 30 == 0 and not twice
        if not twice:
            number += 1 if random.random() < _DENSE else 2 + int(random.random() * 50)
        if index % _GAP_EVERY == _GAP_EVERY - 1:
            number += _GAP
