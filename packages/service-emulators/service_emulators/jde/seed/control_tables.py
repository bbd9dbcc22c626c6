"""Control tables of the sample company: user defined codes, business units, companies, payment terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSINESS_UNITS = ("1", "30", "M30", "M40", "50", "DE10", "FR20")
PAYMENT_TERMS = ("001", "002", "003", "N30", "N60", "PRE")
PRICE_GROUPS = ("", "RETAIL", "WHOLE", "KEY")
HOLD_CODES = ("C1", "C2", "OV")
REGIONS = ("NOR", "SOU", "EAS", "WES", "CEN")
INDUSTRIES = ("", "MFG", "RET", "DIS", "SVC")
CONTACT_TYPES = ("", "PUR", "FIN", "MGT", "LOG")

_CODES: dict[tuple[str, str, str, int], dict[str, str]] = {
    ("00", "CN", "Country Codes", 3): {
        "US": "United States", "DE": "Germany", "FR": "France", "ES": "Spain", "GB": "United Kingdom", "PL": "Poland",
    },
    ("00", "S", "State and Province Codes", 3): {
        "CO": "Colorado", "CA": "California", "NY": "New York", "MA": "Massachusetts", "TX": "Texas",
    },
    ("00", "CM", "Credit Message", 2): {"": "Blank - no message", "1": "Over credit limit", "2": "Requires PO number"},
    ("00", "SI", "Subledger Inactive", 1): {"": "Active", "Y": "Inactive"},
    ("00", "MC", "Business Unit Type", 2): {"BP": "Branch/Plant", "IS": "Income Statement"},
    ("01", "ST", "Search Type", 3): {
        "C": "Customers", "V": "Suppliers", "E": "Employees", "F": "Facilities", "O": "Company", "X": "Ex-Employees",
    },
    ("01", "LP", "Language", 2): {
        "": "Domestic Language", "F": "French", "G": "German", "S": "Spanish", "PO": "Polish",
    },
    ("01", "PH", "Phone Type Code", 4): {
        "": "Business", "CAR": "Mobile", "FAX": "Fax", "HOM": "Home", "TOL": "Toll free",
    },
    ("01", "ET", "Electronic Address Type", 4): {"E": "Email Address", "I": "Internet Address"},
    ("01", "CT", "Contact Type", 3): {
        "": "No type", "PUR": "Purchasing", "FIN": "Finance", "MGT": "Management", "LOG": "Logistics",
    },
    ("01", "SC", "Industry Classification", 10): {
        "MFG": "Manufacturing", "RET": "Retail", "DIS": "Distribution", "SVC": "Services",
    },
    ("01", "01", "Address Book Category Code 01", 3): {
        "NOR": "North", "SOU": "South", "EAS": "East", "WES": "West", "CEN": "Central",
    },
    ("01", "02", "Address Book Category Code 02", 3): {"A": "A customer", "B": "B customer", "C": "C customer"},
    ("40", "PC", "Customer Price Group", 8): {"RETAIL": "Retail", "WHOLE": "Wholesale", "KEY": "Key account"},
    ("42", "HC", "Hold Orders Code", 2): {"C1": "Credit hold", "C2": "Credit limit exceeded", "OV": "Management hold"},
    ("H00", "TA", "Person/Corporation Code", 1): {"C": "Corporate Entity", "P": "Individual", "N": "Noncorporate"},
}  # fmt: skip
TERMS = (
    ("001", "1/10 Net 30", 10, 10, 30), ("002", "Net 15 Days", 0, 0, 15), ("003", "2/10 Net 45", 20, 10, 45),
    ("N30", "Net 30 Days", 0, 0, 30), ("N60", "Net 60 Days", 0, 0, 60), ("PRE", "Prepayment", 0, 0, 0),
)  # fmt: skip
_COMPANIES = (
    ("00000", "Consolidated", "USD", 1),
    ("00001", "Financial/Distribution Company", "USD", 1),
    ("00200", "Manufacturing Company", "EUR", 200),
)


def control_rows(stamp: tuple[str, str, str, int, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return table and stored values of each control row.

    Args:
        stamp: USER, PID, JOBN, UPMJ and UPMT for all of them.
    """
    audit = dict(zip(("USER", "PID", "JOBN", "UPMJ", "UPMT"), stamp, strict=True))
    for (product, kind, title, length), values in _CODES.items():
        yield "F0004", {"SY": product, "RT": kind, "DL01": title, "CDL": length, "LN2": "N", "CNUM": "N", **audit}
        for code, description in values.items():
            row = {"SY": product, "RT": kind, "KY": code.rjust(10), "DL01": description, "HRDC": "N", **audit}
            # The blank code is a row of its own; fixed-width keys keep it as blanks.
            yield "F0005", row
    for unit in BUSINESS_UNITS:
        names = {"DL01": f"Branch {unit}", "DC": f"BRANCH{unit}"}
        yield "F0006", {"MCU": unit.rjust(12), "STYL": "BP", "CO": "00001", "AN8": 1, **names, **audit}
    for company, name, currency, number in _COMPANIES:
        periods = {"PNC": 6, "NNP": 12, "DOT1": ".", "DTPN": "R"}
        yield "F0010", {"CO": company, "NAME": name, "CRCD": currency, "AN8": number, **periods, **audit}
    for code, text, discount, discount_days, net_days in TERMS:
        numbers = {"DCP": discount, "DCD": discount_days, "NDTP": net_days}
        yield "F0014", {"PTC": code, "PTD": text, **numbers, **audit}
