"""User defined codes that orders and ledgers use, beside those of the address book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = ("EA", "CS", "KG")
SALES_CODES = ("FIN", "SPA", "ACC")
PURCHASE_CODES = ("RAW", "PUR", "SER")
GL_CLASSES = ("IN30", "IN40")

_CODES: dict[tuple[str, str, str, int], dict[str, str]] = {
    ("00", "DT", "Document Type - All Documents", 2): {
        "JE": "Journal Entry", "OB": "Blanket Order", "OP": "Purchase Order", "OR": "Requisition",
        "PK": "Automatic Payment", "PV": "Voucher", "RC": "Receipt", "RI": "Invoice", "RM": "Credit Memo",
        "SD": "Direct Ship Order", "SO": "Sales Order",
    },
    ("00", "PS", "Pay Status", 1): {
        "A": "Approved for payment", "H": "Held", "P": "Paid in full", "#": "Payment in process",
    },
    ("00", "PY", "Payment Instrument", 1): {"": "Default", "C": "Check", "T": "Electronic transfer"},
    ("00", "UM", "Unit of Measure", 2): {"EA": "Each", "CS": "Case", "KG": "Kilogram"},
    ("09", "LT", "Ledger Types", 2): {"AA": "Actual amounts", "CA": "Foreign currency", "BA": "Budget amounts"},
    ("40", "AT", "Order Activity Status", 3): {
        "220": "Enter order", "230": "Approve order", "280": "Print order", "400": "Receive", "520": "Enter order",
        "540": "Print pick slip", "560": "Confirm shipment", "580": "Print invoice", "620": "Update sales",
        "980": "Canceled", "999": "Complete",
    },
    ("41", "9", "G/L Category", 4): {"IN30": "Finished goods", "IN40": "Raw material"},
    ("41", "I", "Stocking Type", 1): {
        "M": "Manufactured", "N": "Non-stock", "O": "Obsolete", "P": "Purchased",
    },
    ("41", "P1", "Purchasing Code 1", 3): {"RAW": "Raw material", "PUR": "Purchased part", "SER": "Service"},
    ("41", "S1", "Sales Code 1", 3): {"FIN": "Finished goods", "SPA": "Spare parts", "ACC": "Accessories"},
    ("98", "IT", "Batch Type", 2): {
        "G": "General accounting", "IB": "Invoices", "K": "Automatic payments", "RB": "Receipts", "V": "Vouchers",
    },
}  # fmt: skip


def code_rows(stamp: tuple[str, str, str, int, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return table and stored values of each code type and value.

    Args:
        stamp: USER, PID, JOBN, UPMJ and UPMT for all of them.
    """
    audit = dict(zip(("USER", "PID", "JOBN", "UPMJ", "UPMT"), stamp, strict=True))
    for (product, kind, title, length), values in _CODES.items():
        yield "F0004", {"SY": product, "RT": kind, "DL01": title, "CDL": length, "LN2": "N", "CNUM": "N", **audit}
        for code, text in values.items():
            yield "F0005", {"SY": product, "RT": kind, "KY": code.rjust(10), "DL01": text, "HRDC": "Y", **audit}
