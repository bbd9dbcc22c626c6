"""All documents of the sample company, in the order they depend on each other."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import address_book, chart, control_tables, journal
from service_emulators.jde.seed.documents import codes, items, purchases, sales
from service_emulators.jde.seed.documents.company import BUYERS, FIRST_BUYER, Company, Party

if TYPE_CHECKING:
    from service_emulators.jde.store import Store

_MOST_ITEMS = 2000


def seed_documents(store: Store, *, count: int, seed: int, today: date) -> None:
    """Add purchase orders, sales orders, vouchers and invoices, with items, accounts and ledger lines that fit them.

    Headers total their lines, open amounts follow from what was received or paid, every document balances in the
    general ledger, and whatever a row names exists: address, item and branch, business unit, account, terms, code.

    Args:
        store: The database; it holds customers and suppliers already.
        count: Number of documents of each of the four kinds.
        seed: Same seed, same day, same data.
        today: The server's date.

    Raises:
        ValueError: There are no customers or no suppliers to trade with.
    """
    suppliers = _parties(store, "F0401", {"terms": "TRAP", "currency": "CRRP"})
    customers = _parties(store, "F03012", {"terms": "TRAR", "currency": "CRCD"})
    if not suppliers or not customers:
        raise ValueError("documents need customers and suppliers: ask for at least five customers")
    random = Random(seed)  # noqa: S311 - sample data, not secrets
    company = Company(random, today, count, items.draw_items(random, min(_MOST_ITEMS, 10 + count // 5)))
    setup = ("JDE", "P0004A", "JDEWEB01", to_julian(date(today.year - 6, 1, 2)), 90000)
    book = address_book.AddressBook(random, seed, today)
    known = {row["AN8"] for row in store.read("F0101")}
    for number in sorted({row["AN8"] for row in store.read("F0010")} - known):
        book.company(number, "O")
    for number in range(FIRST_BUYER, FIRST_BUYER + BUYERS):
        book.employee(number)
    has_controls = bool(store.count("F0006"))
    with store.loading() as connection:
        for table, row in codes.code_rows(setup):
            store.load(connection, table, list(row), [tuple(row.values())])
        if not has_controls:
            for table, row in control_tables.control_rows(setup):
                store.load(connection, table, list(row), [tuple(row.values())])
        for table, rows in book.rows.items():
            store.load(connection, table, address_book.COLUMNS[table], rows)
        store.load(connection, "F0901", chart.ACCOUNT_COLUMNS, chart.account_rows(setup))
        items.add_items(company, suppliers)
        for index in range(count):
            supplier, customer = suppliers[index % len(suppliers)], customers[company.pick(len(customers))]
            purchases.add_voucher(company, index, purchases.add_order(company, index, supplier))
            sales.add_invoice(company, index, sales.add_order(company, index, customer))
            company.flush(store, connection)
        items.add_locations(company)
        company.flush(store, connection, at_least=1)


def _parties(store: Store, table: str, names: dict[str, str]) -> list[Party]:
    """Return those who trade, of customers those of the default company; currencies without a rate become ours."""
    names_by_number = {row["AN8"]: row["ALPH"] for row in store.read("F0101")}
    found: dict[int, Party] = {}
    for row in store.read(table):
        number: Any = row["AN8"]
        if number in found or number not in names_by_number:
            continue
        currency = row[names["currency"]] if row[names["currency"]] in journal.RATES else journal.HOME_CURRENCY
        found[number] = Party(number, names_by_number[number], row[names["terms"]], currency, row["HOLD"])
    return list(found.values())
