"""What the demo of alerts finds in JD Edwards, and what it changes there between two runs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from changes import TooFewError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from service_emulators.client import JdeControl

    Row = Mapping[str, t.Any]

BIG, BIGGEST = 50_000, 1_000_000
"""Amounts from which alerts/purchasing.yml tells an order, and tells it to whoever is on call."""
LATE_DAYS = 30
"""Days overdue beyond which alerts/payables.yml tells a pay item."""
NEW_TOTAL = 75_000

_ORDER = ("DOCO", "DCTO", "KCOO", "SFXO")
_STAMPS = ("UPMJ", "UPMT", "TDAY")
_PAY_ITEM = ("DOC", "DCT", "KCO", "SFX", "SFXE")


@dataclass(frozen=True)
class Alerting:
    """What is in JD Edwards that somebody has to be told of.

    Attributes:
        orders: Open purchase orders of a high value, as texts name them, like `OP 100025`.
        biggest: Those of them that are told to whoever is on call as well.
        late: Open pay items that are long overdue, like `PV 200001`, one entry each.
        holds: Numbers of customers on hold.
    """

    orders: list[str]
    biggest: list[str]
    late: list[str]
    holds: list[str]


@dataclass(frozen=True)
class AlertChanges:
    """What was changed, as texts name it.

    Attributes:
        order: The new order of a high value.
        overdue: The pay item that is overdue now.
        paid: The overdue pay item that was paid.
    """

    order: str
    overdue: str
    paid: str

    def __str__(self) -> str:
        return f"{self.order} is a new order of {NEW_TOTAL:,}, {self.overdue} is overdue, and {self.paid} is paid"


def alerting(jde: JdeControl) -> Alerting:
    """Look into the tables, by other ways than the tap does."""
    open_orders = {_key(line, _ORDER) for line in jde.rows("F4311") if line["AOPN"]}
    big = [row for row in jde.rows("F4301") if row["OTOT"] >= BIG and _key(row, _ORDER) in open_orders]
    last = _last_day() - timedelta(days=LATE_DAYS)
    return Alerting(
        orders=sorted(_order(row) for row in big),
        biggest=sorted(_order(row) for row in big if row["OTOT"] >= BIGGEST),
        late=sorted(_voucher(row) for row in jde.rows("F0411") if row["AAP"] and _due(row) < last),
        holds=sorted(str(row["AN8"]) for row in jde.rows("F03012", where={"CO": "00000"}) if row["HOLD"].strip()),
    )


def change(jde: JdeControl) -> AlertChanges:
    """Enter a big order, let a pay item become overdue, and pay one that is.

    Raises:
        TooFewError: The made-up data has no rows for that.
    """
    order = max(jde.rows("F4301"), key=lambda row: (row["DOCO"], row["DCTO"]))
    lines = [row for row in jde.rows("F4311") if _key(row, _ORDER) == _key(order, _ORDER)]
    number = {"DOCO": order["DOCO"] + 1}
    jde.insert_rows("F4301", [_new(order, **number, OTOT=NEW_TOTAL)])
    # An order is in its lines what it is in its header: one line of the whole sum.
    jde.insert_rows("F4311", [_new(lines[0], **number, AEXP=NEW_TOTAL, AOPN=NEW_TOTAL)])

    items = jde.rows("F0411")
    numbers = [_voucher(row) for row in items]
    alone = [row for row in items if row["AAP"] and numbers.count(_voucher(row)) == 1]
    last = _last_day() - timedelta(days=LATE_DAYS)
    late = [row for row in alone if _due(row) < last]
    timely = [row for row in alone if _due(row) >= last]
    if not late or not timely:
        raise TooFewError("the made-up data has too few open vouchers to change")
    overdue, paid = timely[0], late[0]
    due = (last - timedelta(days=1)).isoformat()
    jde.update_rows("F0411", where=dict(zip(_PAY_ITEM, _key(overdue, _PAY_ITEM), strict=True)), values={"DDJ": due})
    payment = {"AAP": 0, "FAP": 0, "PST": "P"}
    jde.update_rows("F0411", where=dict(zip(_PAY_ITEM, _key(paid, _PAY_ITEM), strict=True)), values=payment)
    return AlertChanges(_order({**order, **number}), _voucher(overdue), _voucher(paid))


def _key(row: Row, columns: tuple[str, ...]) -> tuple[t.Any, ...]:
    return tuple(row[column] for column in columns)


def _new(row: Row, **values: t.Any) -> dict[str, t.Any]:
    """Return a row like another one, to be stamped when it is saved."""
    return {**{column: value for column, value in row.items() if column not in _STAMPS}, **values}


def _order(row: Row) -> str:
    return f"{row['DCTO'].strip()} {row['DOCO']}"


def _voucher(row: Row) -> str:
    return f"{row['DCT'].strip()} {row['DOC']}"


def _due(row: Row) -> date:
    return date.fromisoformat(row["DDJ"])


def _last_day() -> date:
    return datetime.now(timezone.utc).date()
