"""The sample company's chart of accounts: the same object accounts in every business unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service_emulators.jde.seed import control_tables as codes
from service_emulators.jde.seed.stamps import AUDIT

if TYPE_CHECKING:
    from service_emulators.jde.values import Stored

COMPANY = "00001"
OBJECTS: dict[str, str] = {
    "1110": "Bank", "1210": "Accounts Receivable Trade", "1411": "Inventory", "4110": "Accounts Payable Trade",
    "4111": "Received not Vouchered", "4551": "Sales Tax Payable", "4553": "Input Tax", "5010": "Sales",
    "5020": "Cost of Goods Sold", "8110": "Office Supplies", "8345": "Freight", "8350": "Energy",
    "8560": "Travel", "8605": "Rent", "8720": "Consulting", "9190": "Exchange Gain/Loss",
}  # fmt: skip
BANK, RECEIVABLE, INVENTORY, PAYABLE, RECEIVED = "1110", "1210", "1411", "4110", "4111"
OUTPUT_TAX, INPUT_TAX, SALES, COST_OF_SALES = "4551", "4553", "5010", "5020"
EXPENSES = ("8110", "8345", "8350", "8560", "8605", "8720")
ACCOUNT_COLUMNS = ("AID", "CO", "MCU", "OBJ", "SUB", "ANS", "DL01", "LDA", "PEC", "CRCD", *AUDIT)
_FIRST_ID = 12_001


@dataclass(frozen=True)
class Account:
    """An account: ``short_id`` is AID, ``unit`` is padded as the database holds it, ``text`` is ANI."""

    short_id: str
    unit: str
    object_account: str
    text: str
    title: str


def chart() -> dict[tuple[str, str], Account]:
    """Return all accounts by business unit (not padded) and object account."""
    pairs = [(unit, one) for unit in codes.BUSINESS_UNITS for one in OBJECTS]
    return {
        (unit, one): Account(f"{_FIRST_ID + index:08d}", unit.rjust(12), one, f"{unit}.{one}", OBJECTS[one])
        for index, (unit, one) in enumerate(pairs)
    }


def account_rows(stamp: tuple[str, str, str, int, int]) -> list[tuple[Stored, ...]]:
    """Return the rows of F0901, in the order of `ACCOUNT_COLUMNS`.

    Args:
        stamp: USER, PID, JOBN, UPMJ and UPMT for all of them.
    """
    return [
        (one.short_id, COMPANY, one.unit, one.object_account, "", one.text, one.title, "6", " ", "USD", *stamp)
        for one in chart().values()
    ]
