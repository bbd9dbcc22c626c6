"""A large general ledger (F0911) for measuring: hundreds of thousands of rows within seconds.

One document is drawn at a time and its lines share what is the same for all of them; the rest is a few additions.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import chart
from service_emulators.jde.seed.stamps import AUDIT, Stamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from service_emulators.jde.seed.chart import Account
    from service_emulators.jde.store import Store
    from service_emulators.jde.values import Stored

Row = tuple["Stored", ...]

COLUMNS = (
    "DOC", "DCT", "KCO", "DGJ", "JELN", "LT", "AA", "AID", "ANI", "MCU", "OBJ", "EXA", "U", "CO", "EXR", "CRCD", "CRR",
    "CRRM", "BCRC", "AN8", "VINV", "R1", "DICJ", "DSVJ", "IVD", "FY", "CTRY", "PN", "POST", "ICU", "ICUT", "GLC",
    "SFX", "TORG", "UM", "AM", *AUDIT,
)  # fmt: skip
FIRST_DOCUMENT = 1_000_001
"""Bulk documents are numbered from here, beyond those of `documents`."""
_DAYS = 730
_CHUNK = 20_000
_DENSE = 0.98
"""Share of document numbers that follow the one before directly."""
_TYPES = (("PV", "V", "P4310"), ("RI", "IB", "P42565"), ("JE", "G", "P0911"), ("RC", "RB", "P03B102"))
"""Document type, batch type, program."""
_RATE_UNIT = 10_000_000
_CURRENCIES = (("EUR", 11_000_000), ("GBP", 13_000_000), ("PLN", 2_500_000))
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
        chunk: list[Row] = []
        for document in _documents(random, rows, today, addresses):
            chunk += document
            if len(chunk) >= _CHUNK:
                store.load(connection, "F0911", COLUMNS, chunk)
                chunk.clear()
        store.load(connection, "F0911", COLUMNS, chunk)


@dataclass(frozen=True)
class _Head:
    """What all lines of a document share."""

    number: int
    kind: int
    """Position in `_TYPES`."""
    day: date
    saved: int
    """Day of the audit stamp, CYYDDD."""
    address: int


def _documents(random: Random, rows: int, today: date, addresses: Sequence[int]) -> Iterator[list[Row]]:
    accounts = list(chart.chart().values())
    stamps = Stamps(random, today, ("EP0411Z1", "R42565", "EP0911", "R09801"))
    number, kind, made, twice = FIRST_DOCUMENT, 0, 0, False
    for index in itertools.count():
        left = rows - made
        if not left:
            return
        kind = (kind + 1) % len(_TYPES) if twice else int(random.random() * len(_TYPES))
        lines = _LONG_LINES if index % _LONG_EVERY == _LONG_EVERY - 1 else 2 + int(random.random() * 11)
        foreign = index % 10 == 0 and 3 * lines <= left
        if not foreign:
            # No single line must remain for the last document: it could not balance.
            lines = left if lines >= left - 1 else lines
        # Later numbers have later dates, though not strictly.
        back = max(1, _DAYS - made * _DAYS // rows - int(random.random() * 5))
        day, saved = today - timedelta(days=back), to_julian(today - timedelta(days=max(1, back - kind)))
        head = _Head(number, kind, day, saved, addresses[index % len(addresses)])
        amounts = [int(random.random() * 2_000_000) - 700_000 for _ in range(lines - 1)]
        at = int(random.random() * len(accounts))
        line_accounts = [accounts[(at + line) % len(accounts)] for line in range(lines)]
        document = _lines(head, amounts, line_accounts, stamps, foreign=foreign)
        yield document
        made += len(document)
        twice = index % 30 == 0 and not twice
        if not twice:
            number += 1 if random.random() < _DENSE else 2 + int(random.random() * 50)
        if index % _GAP_EVERY == _GAP_EVERY - 1:
            number += _GAP


def _lines(head: _Head, amounts: list[int], accounts: list[Account], stamps: Stamps, *, foreign: bool) -> list[Row]:
    """Return the lines of a document, in both ledgers if it is in foreign currency; the last amount balances it."""
    type_, batch_type, program = _TYPES[head.kind]
    number, day, posted = head.number, head.day, to_julian(head.day)
    currency, rate = _CURRENCIES[number % len(_CURRENCIES)] if foreign else ("USD", 0)
    invoice = type_ in {"PV", "RI"}
    first = (number, type_, chart.COMPANY, posted)
    rest = (
        chart.COMPANY,
        f"{batch_type} {number}",
        currency,
        rate,
        "F" if foreign else "D",
        "USD",
        head.address,
        f"INV-{number}" if invoice else "",
        "" if number % 7 else f"R{number % 9999:04d}",
        posted,
        posted,
        posted if invoice else 0,
        day.year % 100,
        day.year // 100,
        day.month,
        "P" if number % 5 else " ",
        number // 40,
        batch_type,
        "",
        "001" if invoice else "",
        program,
        "",
        "2",
        *stamps.draw(head.saved),
    )
    ledgers = [("AA", amounts)]
    if foreign:
        ledgers.append(("CA", [amount * _RATE_UNIT // rate for amount in amounts]))
    return [
        (*first, line * 10, ledger, amount, *_account(account), line % 4 * 100, *rest)
        for ledger, most in ledgers
        for line, (amount, account) in enumerate(zip([*most, -sum(most)], accounts, strict=True), start=1)
    ]


def _account(account: Account) -> tuple[str, str, str, str, str]:
    return account.short_id, account.text, account.unit, account.object_account, account.title
