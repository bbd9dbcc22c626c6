"""The sample company as a whole: how many of what, and the masters of customers and suppliers."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import control_tables as codes
from service_emulators.jde.seed.address_book import COLUMNS, AddressBook
from service_emulators.jde.seed.stamps import AUDIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

    from service_emulators.jde.seed.address_book import Entity
    from service_emulators.jde.store import Store
    from service_emulators.jde.values import Stored

FIRST_CUSTOMER, FIRST_SUPPLIER, FIRST_EMPLOYEE, FIRST_PROSPECT = 1001, 4_000_001, 7_000_001, 8_000_001
_MASTERS: dict[str, tuple[str, ...]] = {
    "F03012": (
        "AN8", "CO", "ARC", "MCUR", "CRCD", "TXA1", "EXR1", "ACL", "TRAR", "CMGR", "DAOJ", "RVDJ", "TSTA", "SPYE",
        "CPGP", "AC01", "AC05", "HOLD", "CUSTS", "BADT", "ARPY", *AUDIT,
    ),
    "F0401": ("AN8", "APC", "MCUP", "CRRP", "HDPY", "TRAP", "AYPD", "APPD", "HOLD", *AUDIT),
}  # fmt: skip
_CHUNK = 2000
_LIMITS = (0, 5000, 10000, 25000, 50000, 100000, 250000, 1000000)
_ON_HOLD, _CLOSED, _OTHER_COMPANY, _BRANCH = (25, 7), (50, 31), (20, 3), (40, 17)
"""Every 25th customer is on hold, beginning with number 7, and so on. For a branch the customer before it pays."""


def seed_store(store: Store, *, customers: int, contacts: int, seed: int, today: date) -> None:
    """Fill an empty database.

    Args:
        store: The database.
        customers: Number of customers (address book entries with a customer master of company 00000), from 1001 up.
            Beside them come suppliers (one for five customers; a few are customers as well), employees (one for ten)
            and prospects without a customer master (one for fifty).
        contacts: Number of people who belong to customers; those of suppliers and prospects come on top.
        seed: Same seed, same day, same data.
        today: The server's date; audit stamps end the day before.

    Raises:
        ValueError: Contacts were asked for without customers to have them.
    """
    if contacts and not customers:
        raise ValueError("contacts need customers: ask for at least one")
    random = Random(seed)  # noqa: S311 - sample data, not secrets
    book = AddressBook(random, seed, today)
    masters: dict[str, list[tuple[Stored, ...]]] = {name: [] for name in _MASTERS}
    writer = _Writer(store, book, masters)
    people = _spread(contacts, customers, random)
    with store.loading() as connection:
        setup = ("JDE", "P0004A", "JDEWEB01", to_julian(date(today.year - 6, 1, 2)), 90000)
        for table, row in codes.control_rows(setup):
            store.load(connection, table, list(row), [tuple(row.values())])
        for entity, count in _entities(book, masters, random, customers, people):
            for line in range(1, count + 1):
                book.contact(entity, line)
            writer.flush(connection, at_least=_CHUNK)
        for index in range(customers // 10):
            book.employee(FIRST_EMPLOYEE + index)
        writer.flush(connection, at_least=1)


class _Writer:
    """Moves collected rows to the database in chunks, so that memory stays flat."""

    def __init__(self, store: Store, book: AddressBook, masters: dict[str, list[tuple[Stored, ...]]]) -> None:
        self._store = store
        self._sources = [(COLUMNS, book.rows), (_MASTERS, masters)]

    def flush(self, connection: sa.Connection, *, at_least: int) -> None:
        """Insert the rows of every table that has collected at least so many."""
        for columns, collected in self._sources:
            for table, rows in collected.items():
                if len(rows) >= at_least:
                    self._store.load(connection, table, columns[table], rows)
                    rows.clear()


def _entities(
    book: AddressBook, masters: dict[str, list[tuple[Stored, ...]]], random: Random, customers: int, people: list[int]
) -> Iterator[tuple[Entity, int]]:
    """Add customers, suppliers and prospects; return each with the number of its people."""
    both = customers // 40
    for index in range(customers):
        number = FIRST_CUSTOMER + index
        entity = book.company(number, "C", closed=_chosen(index, _CLOSED))
        _customer_masters(book, masters["F03012"], random, entity, index)
        if index < both:
            _supplier_master(book, masters["F0401"], random, entity)
        yield entity, people[index]
    for index in range(customers // 5 - both):
        entity = book.company(FIRST_SUPPLIER + index, "V")
        _supplier_master(book, masters["F0401"], random, entity)
        yield entity, int(random.random() * 3)
    for index in range(customers // 50):
        yield book.company(FIRST_PROSPECT + index, "C"), 1


def _chosen(index: int, every: tuple[int, int]) -> bool:
    return index % every[0] == every[1]


def _spread(contacts: int, customers: int, random: Random) -> list[int]:
    """Deal contacts out to customers: some have none, some many."""
    counts = [0] * customers
    for _ in range(contacts):
        counts[int(random.random() * customers)] += 1
    return counts


def _customer_masters(
    book: AddressBook, rows: list[tuple[Stored, ...]], random: Random, entity: Entity, index: int
) -> None:
    companies = ("00000", "00001") if _chosen(index, _OTHER_COMPANY) else ("00000",)
    branch = _chosen(index, _BRANCH)
    hold = codes.HOLD_CODES[index // 25 % len(codes.HOLD_CODES)] if _chosen(index, _ON_HOLD) else ""
    for company in companies:
        chance = random.random()
        rows.append(
            (
                entity.number,
                company,
                "",
                "30".rjust(12),
                entity.country.currency,
                "",
                "V" if entity.country.code == "US" else "",
                _LIMITS[int(chance * len(_LIMITS))],
                codes.PAYMENT_TERMS[int(chance * 997) % len(codes.PAYMENT_TERMS)],
                ("", "MSMITH", "KWEBER")[int(chance * 991) % 3],
                118001 + int(chance * 365),
                0 if chance < 0.5 else None,  # noqa: PLR2004 - both kinds of blank dates
                "1" if hold else "",
                int(chance * 10**8),
                codes.PRICE_GROUPS[int(chance * 983) % len(codes.PRICE_GROUPS)],
                codes.REGIONS[int(chance * 977) % len(codes.REGIONS)],
                "",
                hold if company == "00000" else "",
                "1" if _chosen(index, _CLOSED) else "0",
                "S" if branch else "X",
                entity.number - 1 if branch else 0,
                *book.stamps.draw(),
            )
        )


def _supplier_master(book: AddressBook, rows: list[tuple[Stored, ...]], random: Random, entity: Entity) -> None:
    chance = random.random()
    rows.append(
        (
            entity.number,
            "",
            "30".rjust(12),
            entity.country.currency,
            "1" if chance < 0.03 else " ",  # noqa: PLR2004 - a share
            codes.PAYMENT_TERMS[int(chance * len(codes.PAYMENT_TERMS))],
            int(chance * 10**7),
            int(chance * 10**8),
            "",
            *book.stamps.draw(),
        )
    )
