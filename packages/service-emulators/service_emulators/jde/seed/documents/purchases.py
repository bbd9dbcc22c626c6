"""Purchase orders (F4301, F4311), their vouchers (F0411) and what both post."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import chart, journal
from service_emulators.jde.seed.documents.company import BRANCHES, BUYERS, FIRST_BUYER, OWN_ADDRESS
from service_emulators.jde.seed.documents.money import discount_of, due_on, extended, pay_items

if TYPE_CHECKING:
    from datetime import date

    from service_emulators.jde.seed.documents.company import Company, Party
    from service_emulators.jde.values import Stored

FIRST_ORDER, FIRST_VOUCHER, FIRST_PAYMENT = 100_001, 200_001, 600_001
_ORDER_TYPES = ("OP", "OP", "OP", "OP", "OP", "OP", "OP", "OR", "OB", "OP")
_STATUS = {"entered": ("220", "280"), "printed": ("280", "400"), "received": ("400", "999"), "canceled": ("980", "999")}
_TAX_PERCENT = 19


@dataclass(frozen=True)
class Received:
    """What a voucher needs to know of its order: amounts received by business unit and object account."""

    order: int
    supplier: Party
    day: date
    amounts: dict[tuple[str, str], int]


def add_order(company: Company, index: int, supplier: Party) -> Received:
    """Collect a purchase order: its header total is the sum of its lines."""
    number, day = FIRST_ORDER + index, company.day(index)
    kind = _ORDER_TYPES[index % len(_ORDER_TYPES)]
    branch = BRANCHES[index % len(BRANCHES)]
    wanted = to_julian(day + timedelta(days=7 + company.pick(60)))
    key: dict[str, Stored] = {"DOCO": number, "DCTO": kind, "KCOO": chart.COMPANY, "SFXO": "000"}
    common: dict[str, Stored] = {
        **key,
        "MCU": branch.rjust(12),
        "AN8": supplier.number,
        "SHAN": OWN_ADDRESS,
        "DRQJ": wanted,
        "TRDJ": to_julian(day),
        "PDDJ": wanted,
        "OPDJ": wanted,
        "CNDJ": 0,
        "VR01": f"REQ{index:06d}" if index % 3 == 0 else "",
        "PTC": supplier.terms,
        "CRCD": supplier.currency,
        "CRR": journal.RATES.get(supplier.currency, 0),
    }
    status = list(_STATUS)[min(index % 8, 2)]
    amounts: dict[tuple[str, str], int] = {}
    total = abroad = 0
    for line in range(1, 2 + company.pick(4)):
        row, account = _line(company, branch, line, "canceled" if index % 9 == 4 and line > 1 else status)  # noqa: PLR2004 - every ninth order
        total += _whole(row, "AEXP")
        row["FEA"] = journal.foreign(_whole(row, "AEXP"), supplier.currency)
        row["FAP"] = journal.foreign(_whole(row, "AOPN"), supplier.currency)
        abroad += _whole(row, "FEA")
        row["ADDJ"] = company.saved(day + timedelta(days=14)) if _whole(row, "UREC") else 0
        amounts[account] = amounts.get(account, 0) + _whole(row, "AREC")
        company.add_order("F4311", company.saved(day), {**common, **row})
    header: dict[str, Stored] = {
        "HOLD": supplier.hold or ("OV" if index % 40 == 11 else ""),  # noqa: PLR2004 - every fortieth
        "ANBY": FIRST_BUYER + index % BUYERS,
        "RMK": "Deliver to dock 4" if index % 10 == 0 else "",
        "DRQT": 80_000 + company.pick(9) * 10_000,
        "OTOT": total,
        "FAP": abroad,
        "CRRM": "D" if supplier.currency == journal.HOME_CURRENCY else "F",
        "ORBY": "MSMITH",
        "TKBY": "JDE",
    }
    company.add_order("F4301", company.saved(day), {**common, **header})
    return Received(number, supplier, day, {account: amount for account, amount in amounts.items() if amount})


def _line(company: Company, branch: str, line: int, status: str) -> tuple[dict[str, Stored], tuple[str, str]]:
    """Return the columns of a line that are its own, and the account its receipt posts to."""
    item = company.bought_item(branch) if company.pick(10) else None
    quantity = 1 + company.pick(200)
    ordered = 0 if status == "canceled" else quantity
    received = {"received": ordered, "printed": ordered // 3}.get(status, 0)
    cost = item.cost if item else 10_000 * (10 + company.pick(500))
    account = (branch, chart.RECEIVED if item else chart.EXPENSES[company.pick(len(chart.EXPENSES))])
    target = company.accounts[account]
    amount, taken = extended(ordered, cost), extended(received, cost)
    if item:
        company.count_stock(item, branch, "PREQ", ordered - received)
    last, following = _STATUS[status]
    unit = item.unit if item else "EA"
    row: dict[str, Stored] = {
        "LNID": line * 1000,
        "CO": chart.COMPANY,
        "ITM": item.number if item else 0,
        "LITM": item.second if item else "",
        "AITM": item.third if item else "",
        "LOCN": "",
        "LOTN": "",
        "DSC1": item.title if item else target.title,
        "LNTY": "S" if item else "J",
        "NXTR": following,
        "LTTR": last,
        "UOM": unit,
        "UORG": ordered,
        "UCHG": ordered - quantity,
        "UOPN": ordered - received,
        "UREC": received,
        "UOM1": unit,
        "PQOR": ordered,
        "PRRC": cost,
        "AEXP": amount,
        "AOPN": amount - taken,
        "AREC": taken,
        "OMCU": target.unit,
        "OBJ": target.object_account,
        "AID": target.short_id,
        "ANI": target.text,
        "GLC": item.gl_class if item else "",
        "TX": "Y",
        "UKID": company.pick(10**9),
    }
    return row, account


def add_voucher(company: Company, index: int, received: Received) -> None:
    """Collect a voucher: for what was received, or for an expense without an order."""
    supplier, number = received.supplier, FIRST_VOUCHER + index
    amounts = received.amounts or {
        (BRANCHES[0], chart.EXPENSES[index % len(chart.EXPENSES)]): 5000 + company.pick(10**6)
    }
    day = company.before_today(received.day + timedelta(days=15 + company.pick(10)))
    saved, order = to_julian(day), str(received.order) if received.amounts else ""
    net = sum(amounts.values())
    tax = net * _TAX_PERCENT // 100
    state = "PPAPH"[index % 5] if index % 7 else "A"
    invoice = f"{supplier.number}/{index:05d}"
    items = pay_items(net, tax, 2 if index % 6 == 0 else 1)
    for place, (part_net, part_tax) in enumerate(items, start=1):
        gross = part_net + part_tax
        left = 0 if state == "P" else gross // 2 if index % 7 == 0 else gross
        row: dict[str, Stored] = {
            "DOC": number,
            "DCT": journal.VOUCHER.type,
            "KCO": chart.COMPANY,
            "SFX": f"{place:03d}",
            "SFXE": 0,
            "AN8": supplier.number,
            "PYE": supplier.number,
            "CO": chart.COMPANY,
            "MCU": BRANCHES[0].rjust(12),
            "RMK": supplier.name[:30],
            "VINV": invoice,
            "PO": order,
            "PKCO": chart.COMPANY if order else "",
            "PDCT": "OP" if order else "",
            "DIVJ": saved,
            "DSVJ": saved,
            "DDJ": to_julian(due_on(day, supplier.terms)),
            "DDNJ": to_julian(day + timedelta(days=10)),
            "DGJ": saved,
            "DICJ": saved,
            "AG": gross,
            "AAP": left,
            "ADSC": discount_of(gross, supplier.terms),
            "ADSA": 0,
            "ATXA": part_net,
            "STAM": part_tax,
            "ACR": journal.foreign(gross, supplier.currency),
            "FAP": journal.foreign(left, supplier.currency),
            "CRCD": supplier.currency,
            "BCRC": journal.HOME_CURRENCY,
            "CRR": journal.RATES.get(supplier.currency, 0),
            "CRRM": "D" if supplier.currency == journal.HOME_CURRENCY else "F",
            "PST": state,
            "POST": "D",
            "PTC": supplier.terms,
            "TXA1": "DE19",
            "EXR1": "V",
            "ICU": number // 40,
            "ICUT": journal.VOUCHER.batch_type,
            "PN": day.month,
            "FY": day.year % 100,
            "CTRY": day.year // 100,
            "TORG": "JDE",
        }
        company.add_ledger("F0411", saved, row)
    head = journal.Head(number, journal.VOUCHER, day, saved, supplier.number, supplier.currency, invoice[:25], order)
    payable = (BRANCHES[0], chart.PAYABLE)
    company.post(head, [*amounts.values(), tax], [*amounts, (BRANCHES[0], chart.INPUT_TAX), payable])
    if state == "P":
        paid = company.before_today(day + timedelta(days=20))
        head = journal.Head(FIRST_PAYMENT + index, journal.PAYMENT, paid, to_julian(paid), supplier.number)
        company.post(head, [net + tax], [payable, (BRANCHES[0], chart.BANK)])


def _whole(row: dict[str, Stored], alias: str) -> int:
    value = row[alias]
    assert isinstance(value, int)  # noqa: S101 - it was put there above
    return value
