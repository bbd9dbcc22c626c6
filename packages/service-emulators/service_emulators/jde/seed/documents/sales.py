"""Sales orders (F4201, F4211), their invoices (F03B11) and what both post."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import chart, journal
from service_emulators.jde.seed.documents.company import BRANCHES
from service_emulators.jde.seed.documents.money import discount_of, due_on, extended, pay_items

if TYPE_CHECKING:
    from datetime import date

    from service_emulators.jde.seed.documents.company import Company, Party
    from service_emulators.jde.seed.documents.items import Item
    from service_emulators.jde.values import Stored

FIRST_ORDER, FIRST_INVOICE, FIRST_RECEIPT = 400_001, 300_001, 700_001
_STATUS = {
    "entered": ("520", "540"),
    "picked": ("540", "560"),
    "shipped": ("560", "580"),
    "invoiced": ("620", "999"),
    "canceled": ("980", "999"),
}
_OPEN = {"entered", "picked"}
_TAX_PERCENT = 8


@dataclass(frozen=True)
class Invoiced:
    """What an invoice needs to know of its order: revenue and cost by business unit, nothing if not invoiced yet."""

    order: int
    order_type: str
    customer: Party
    day: date
    branch: str
    revenue: int
    cost: int


def add_order(company: Company, index: int, customer: Party) -> Invoiced:
    """Collect a sales order: its header total is the sum of its lines; invoiced lines name their invoice."""
    number, day = FIRST_ORDER + index, company.day(index)
    kind = "SD" if index % 25 == 24 else "SO"  # noqa: PLR2004 - every twenty-fifth
    branch = BRANCHES[index % len(BRANCHES)]
    state = ("invoiced", "invoiced", "invoiced", "entered", "invoiced", "picked", "shipped")[index % 7]
    wanted = to_julian(day + timedelta(days=3 + company.pick(30)))
    shipped = company.saved(day + timedelta(days=4)) if state not in _OPEN else 0
    common: dict[str, Stored] = {
        "DOCO": number,
        "DCTO": kind,
        "KCOO": chart.COMPANY,
        "SFXO": "000",
        "MCU": branch.rjust(12),
        "CO": chart.COMPANY,
        "AN8": customer.number,
        "SHAN": customer.number,
        "PA8": customer.number,
        "DRQJ": wanted,
        "TRDJ": to_julian(day),
        "PDDJ": wanted,
        "OPDJ": wanted,
        "ADDJ": shipped,
        "CNDJ": 0,
        "VR01": f"PO-{index:07d}" if index % 2 else "",
        "VR02": "",
        "PTC": customer.terms,
        "HOLD": customer.hold,
        "TXA1": "CO",
        "CRCD": customer.currency,
        "CRR": journal.RATES.get(customer.currency, 0),
    }
    total = cost = abroad = 0
    for line in range(1, 2 + company.pick(5)):
        item = company.sold_item(branch)
        own = _line(company, item, branch, line, "canceled" if index % 8 == 3 and line > 1 else state)  # noqa: PLR2004 - every eighth order
        amount, line_cost = own.amount, own.cost
        money = {
            "FUP": journal.foreign(item.price, customer.currency),
            "FEA": journal.foreign(amount, customer.currency),
        }
        invoice: dict[str, Stored] = {"KCO": "", "DOC": 0, "DCT": "", "IVD": 0, "DGL": 0}
        if own.invoiced:
            dates = {"IVD": shipped, "DGL": shipped}
            invoice = {"KCO": chart.COMPANY, "DOC": FIRST_INVOICE + index, "DCT": journal.INVOICE.type, **dates}
        total, cost, abroad = total + amount, cost + line_cost, abroad + money["FEA"]
        company.add_order("F4211", company.saved(day), {**common, **own.row, **money, **invoice})
    header: dict[str, Stored] = {
        "OTOT": total,
        "TOTC": cost,
        "FAP": abroad,
        "CRRM": "D" if customer.currency == journal.HOME_CURRENCY else "F",
        "DEL1": "Call before delivery" if index % 12 == 0 else "",
        "ORBY": "WEB" if index % 2 else "PHONE",
        "TKBY": "KWEBER",
        "BACK": "Y",
    }
    company.add_order("F4201", company.saved(day), {**common, **header})
    revenue, spent = (total, cost) if state == "invoiced" else (0, 0)
    return Invoiced(number, kind, customer, day, branch, revenue, spent)


@dataclass(frozen=True)
class _Line:
    row: dict[str, Stored]
    amount: int
    cost: int
    invoiced: bool


def _line(company: Company, item: Item, branch: str, line: int, state: str) -> _Line:
    """Return the columns of a line that are its own."""
    wanted = 1 + company.pick(24)
    ordered = 0 if state == "canceled" else wanted
    open_, last = ordered if state in _OPEN else 0, _STATUS[state]
    amount, cost = extended(ordered, item.price), extended(ordered, item.cost)
    company.count_stock(item, branch, "HCOM", open_)
    row: dict[str, Stored] = {
        "LNID": line * 1000,
        "EMCU": branch.rjust(12),
        "ITM": item.number,
        "LITM": item.second,
        "AITM": item.third,
        "LOCN": "",
        "LOTN": "",
        "DSC1": item.title,
        "LNTY": "S",
        "NXTR": last[1],
        "LTTR": last[0],
        "UOM": item.unit,
        "UORG": ordered,
        "SOQS": ordered - open_,
        "SOBK": 0,
        "SOCN": wanted - ordered,
        "UOPN": open_,
        "COMM": "H" if open_ else " ",
        "UPRC": item.price,
        "AEXP": amount,
        "AOPN": amount if open_ else 0,
        "LPRC": item.price,
        "UNCS": item.cost,
        "ECST": cost,
        "TAX1": "Y",
        "GLC": item.gl_class,
    }
    return _Line(row, amount, cost, state == "invoiced")


def add_invoice(company: Company, index: int, sold: Invoiced) -> None:
    """Collect an invoice: for its order, or by hand when that is not invoiced; now and then a credit memo."""
    customer, number = sold.customer, FIRST_INVOICE + index
    by_hand = not sold.revenue
    credit = by_hand and index % 2 == 0
    net = sold.revenue or (5000 + company.pick(500_000)) * (-1 if credit else 1)
    kind = journal.CREDIT_MEMO if credit else journal.INVOICE
    tax = net * _TAX_PERCENT // 100
    day = company.before_today(sold.day + timedelta(days=4))
    saved, paid = to_julian(day), index % 2 == 0 and not credit
    closed = company.saved(day + timedelta(days=25)) if paid else 0
    for place, (part_net, part_tax) in enumerate(pay_items(net, tax, 3 if index % 15 == 0 else 1), start=1):
        gross = part_net + part_tax
        left = 0 if paid else gross // 3 if index % 11 == 0 else gross
        row: dict[str, Stored] = {
            "DOC": number,
            "DCT": kind.type,
            "KCO": chart.COMPANY,
            "SFX": f"{place:03d}",
            "AN8": customer.number,
            "PYR": customer.number,
            "PA8": customer.number,
            "ALPH": customer.name,
            "CO": chart.COMPANY,
            "MCU": sold.branch.rjust(12),
            "DOCO": 0 if by_hand else sold.order,
            "DCTO": "" if by_hand else sold.order_type,
            "KCOO": "" if by_hand else chart.COMPANY,
            "SDOC": 0 if by_hand else sold.order,
            "SDCT": "" if by_hand else sold.order_type,
            "SKCO": "" if by_hand else chart.COMPANY,
            "DIVJ": saved,
            "DGJ": saved,
            "DSVJ": saved,
            "DDJ": to_julian(due_on(day, customer.terms)),
            "DDNJ": to_julian(day + timedelta(days=10)),
            "DICJ": saved,
            "JCL": closed,
            "AG": gross,
            "AAP": left,
            "ADSC": discount_of(gross, customer.terms),
            "ATXA": part_net,
            "STAM": part_tax,
            "ACR": journal.foreign(gross, customer.currency),
            "FAP": journal.foreign(left, customer.currency),
            "CRCD": customer.currency,
            "BCRC": journal.HOME_CURRENCY,
            "CRR": journal.RATES.get(customer.currency, 0),
            "CRRM": "D" if customer.currency == journal.HOME_CURRENCY else "F",
            "PST": "P" if paid else "A",
            "POST": "D",
            "PTC": customer.terms,
            "ICU": number // 40,
            "ICUT": kind.batch_type,
            "PN": day.month,
            "FY": day.year % 100,
            "CTRY": day.year // 100,
        }
        company.add_ledger("F03B11", saved, row)
    _post(company, journal.Head(number, kind, day, saved, customer.number, customer.currency), sold, net, tax)
    if paid:
        paid_on = company.before_today(day + timedelta(days=25))
        head = journal.Head(FIRST_RECEIPT + index, journal.RECEIPT, paid_on, to_julian(paid_on), customer.number)
        company.post(head, [net + tax], [(BRANCHES[0], chart.BANK), (sold.branch, chart.RECEIVABLE)])


def _post(company: Company, head: journal.Head, sold: Invoiced, net: int, tax: int) -> None:
    branch = sold.branch
    amounts = [-net, -tax]
    accounts = [(branch, chart.SALES), (branch, chart.OUTPUT_TAX)]
    if sold.cost:
        amounts += [sold.cost, -sold.cost]
        accounts += [(branch, chart.COST_OF_SALES), (branch, chart.INVENTORY)]
    company.post(head, amounts, [*accounts, (branch, chart.RECEIVABLE)])
