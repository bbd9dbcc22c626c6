"""Lines of general ledger documents (F0911): what all lines of a document share, and what each has of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import chart
from service_emulators.jde.seed.stamps import AUDIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from service_emulators.jde.seed.chart import Account
    from service_emulators.jde.seed.stamps import Stamps
    from service_emulators.jde.values import Stored

Row = tuple["Stored", ...]

COLUMNS = (
    "DOC", "DCT", "KCO", "DGJ", "JELN", "LT", "AA", "AID", "ANI", "MCU", "OBJ", "EXA", "U", "CO", "EXR", "CRCD", "CRR",
    "CRRM", "BCRC", "AN8", "VINV", "PO", "PDCT", "PKCO", "R1", "DICJ", "DSVJ", "IVD", "FY", "CTRY", "PN", "POST", "ICU",
    "ICUT", "GLC", "SFX", "TORG", "UM", "AM", *AUDIT,
)  # fmt: skip
HOME_CURRENCY = "USD"
RATE_UNIT = 10_000_000
"""Exchange rates have seven decimals."""
RATES = {"EUR": 11_000_000, "GBP": 13_000_000, "PLN": 2_500_000}
"""Dollars for one unit, as stored."""


@dataclass(frozen=True)
class Kind:
    """A kind of document: type, batch type and the program that makes it."""

    type: str
    batch_type: str
    program: str


VOUCHER, INVOICE = Kind("PV", "V", "P4310"), Kind("RI", "IB", "P42565")
JOURNAL, RECEIPT = Kind("JE", "G", "P0911"), Kind("RC", "RB", "P03B102")
PAYMENT, CREDIT_MEMO = Kind("PK", "K", "P0413M"), Kind("RM", "IB", "P03B11")


@dataclass(frozen=True)
class Head:
    """What all lines of a document share.

    Attributes:
        number: Document number.
        kind: Kind of document.
        day: G/L date.
        saved: Day of the audit stamp, CYYDDD.
        address: Address number.
        currency: Currency of the document; another than the home currency brings lines in the ledger CA.
        invoice: Invoice number, if the document has one.
        order: Purchase order number, if there is one.
    """

    number: int
    kind: Kind
    day: date
    saved: int
    address: int
    currency: str = HOME_CURRENCY
    invoice: str = ""
    order: str = ""


def foreign(amount: int, currency: str) -> int:
    """Return an amount of home currency in another one."""
    return amount if currency == HOME_CURRENCY else amount * RATE_UNIT // RATES[currency]


def lines(head: Head, amounts: list[int], accounts: Sequence[Account], stamps: Stamps) -> list[Row]:
    """Return the lines of a document, in both ledgers if it is in foreign currency.

    Args:
        head: What the lines share.
        amounts: Amount of each line but the last, in cents; the last one balances them.
        accounts: Account of each line.
        stamps: Source of the audit stamp.
    """
    number, kind, day, posted = head.number, head.kind, head.day, to_julian(head.day)
    abroad = head.currency != HOME_CURRENCY
    first = (number, kind.type, chart.COMPANY, posted)
    rest = (
        chart.COMPANY,
        f"{kind.batch_type} {number}",
        head.currency,
        RATES[head.currency] if abroad else 0,
        "F" if abroad else "D",
        HOME_CURRENCY,
        head.address,
        head.invoice,
        head.order,
        "OP" if head.order else "",
        chart.COMPANY if head.order else "",
        "" if number % 7 else f"R{number % 9999:04d}",
        posted,
        posted,
        posted if head.invoice else 0,
        day.year % 100,
        day.year // 100,
        day.month,
        "P" if number % 5 else " ",
        number // 40,
        kind.batch_type,
        "",
        "001" if head.invoice else "",
        kind.program,
        "",
        "2",
        *stamps.draw(head.saved),
    )
    ledgers = [("AA", amounts)]
    if abroad:
        ledgers.append(("CA", [foreign(amount, head.currency) for amount in amounts]))
    return [
        (*first, line * 10, ledger, amount, *_account(account), line % 4 * 100, *rest)
        for ledger, most in ledgers
        for line, (amount, account) in enumerate(zip([*most, -sum(most)], accounts, strict=True), start=1)
    ]


def _account(account: Account) -> tuple[str, str, str, str, str]:
    return account.short_id, account.text, account.unit, account.object_account, account.title
