"""What orders, vouchers and invoices share: who trades, when, and where their rows are collected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import chart, journal
from service_emulators.jde.seed.stamps import AUDIT, Stamps

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    import sqlalchemy as sa

    from service_emulators.jde.seed.documents.items import Item
    from service_emulators.jde.store import Store
    from service_emulators.jde.values import Stored

BRANCHES = ("M30", "30", "M40")
OWN_ADDRESS = 1
"""Address number of the company itself: goods bought go there."""
FIRST_BUYER, BUYERS = 7_900_001, 3
_DAYS = 730
_CHUNK = 5000


@dataclass(frozen=True)
class Party:
    """A supplier or customer, and how it trades."""

    number: int
    name: str
    terms: str
    currency: str
    hold: str


class Company:
    """Draws, dates, stamps and collects the rows of all documents.

    Args:
        random: Source of chance.
        today: The server's date.
        count: Number of documents of each kind.
        items: Items that are traded.
    """

    def __init__(self, random: Random, today: date, count: int, items: list[Item]) -> None:
        self.random = random
        self.today = today
        self.items = items
        self.accounts = chart.chart()
        self.stock: dict[tuple[int, str, str], int] = {}
        """Open quantity by item, branch and the column of F41021 it counts in."""
        self._stocked = {branch: [one for one in items if branch in one.branches] for branch in BRANCHES}
        self._sold = {branch: [one for one in of if one.stocking != "O"] for branch, of in self._stocked.items()}
        self._count = count
        self._orders = Stamps(random, today, ("EP4310", "EP4210", "R42800", "R43500"))
        self._ledgers = Stamps(random, today, ("EP0411", "R42565", "EP0911", "R09801"))
        self._rows: dict[str, list[dict[str, Stored]]] = {}
        self._journal: list[journal.Row] = []

    def day(self, index: int) -> date:
        """Return the day of the document at this place: later ones are younger, though not strictly."""
        back = _DAYS - index * _DAYS // self._count - int(self.random.random() * 5)
        return self.today - timedelta(days=max(1, back))

    def before_today(self, day: date) -> date:
        """Return the day, or yesterday if it has not come yet."""
        return min(day, self.today - timedelta(days=1))

    def saved(self, day: date) -> int:
        """Return a day to bear by the stamp of what was saved on it, CYYDDD."""
        return to_julian(self.before_today(day))

    def pick(self, count: int) -> int:
        """Return a number from 0 up to, but not including, ``count``."""
        return int(self.random.random() * count)

    def bought_item(self, branch: str) -> Item:
        """Return one of the items stocked in a branch."""
        return self._stocked[branch][self.pick(len(self._stocked[branch]))]

    def sold_item(self, branch: str) -> Item:
        """Return one of the items stocked in a branch that is not obsolete."""
        return self._sold[branch][self.pick(len(self._sold[branch]))]

    def add_order(self, table: str, saved: int, row: dict[str, Stored]) -> None:
        """Collect a row of a table of orders, its time in TDAY."""
        audit = dict(zip((*AUDIT[:-1], "TDAY"), self._orders.draw(saved), strict=True))
        self._rows.setdefault(table, []).append({**row, **audit})

    def add_ledger(self, table: str, saved: int, row: dict[str, Stored]) -> None:
        """Collect a row of a ledger, its time in UPMT."""
        self._rows.setdefault(table, []).append({**row, **dict(zip(AUDIT, self._ledgers.draw(saved), strict=True))})

    def post(self, head: journal.Head, amounts: list[int], accounts: list[tuple[str, str]]) -> None:
        """Collect the G/L lines of a document; accounts by business unit and object, the last one balances."""
        self._journal += journal.lines(head, amounts, [self.accounts[one] for one in accounts], self._ledgers)

    def count_stock(self, item: Item, branch: str, column: str, quantity: int) -> None:
        """Count an open quantity in a column of the item's location."""
        key = (item.number, branch, column)
        self.stock[key] = self.stock.get(key, 0) + quantity

    def flush(self, store: Store, connection: sa.Connection, *, at_least: int = _CHUNK) -> None:
        """Insert the rows of every table that has collected at least so many."""
        for table, rows in self._rows.items():
            if len(rows) >= at_least:
                store.load(connection, table, list(rows[0]), list(map(itemgetter(*rows[0]), rows)))
                rows.clear()
        if len(self._journal) >= at_least:
            store.load(connection, "F0911", journal.COLUMNS, self._journal)
            self._journal.clear()
