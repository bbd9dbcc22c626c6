"""Items, their branches and their locations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed.documents import codes
from service_emulators.jde.seed.documents.company import BRANCHES, BUYERS, FIRST_BUYER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from service_emulators.jde.seed.documents.company import Company, Party
    from service_emulators.jde.values import Stored

FIRST_ITEM = 60_001
_GOODS = ("Bike", "Frame", "Saddle", "Chain", "Gear", "Helmet", "Lamp", "Pump", "Tyre", "Bearing")
_STYLES = ("Touring", "Mountain", "Cruiser", "Racing", "Junior", "Cargo")
_OBSOLETE_EVERY = 25


@dataclass(frozen=True)
class Item:
    """An item: ``cost`` and ``price`` have four decimals, branches are not padded."""

    number: int
    second: str
    third: str
    title: str
    style: str
    unit: str
    cost: int
    price: int
    branches: tuple[str, ...]
    stocking: str
    gl_class: str


def draw_items(random: Random, count: int) -> list[Item]:
    """Make items up; every one is stocked in the first branch, some in the others as well."""
    found: list[Item] = []
    for index in range(count):
        cost = 10_000 + int(random.random() * 5_000_000)
        goods = _GOODS[index % len(_GOODS)]
        style = _STYLES[index // len(_GOODS) % len(_STYLES)]
        found.append(
            Item(
                number=FIRST_ITEM + index,
                second=f"{goods[:3].upper()}-{index:05d}",
                third=f"400{index:09d}",
                title=f"{goods} {style}",
                style=style,
                unit=codes.UNITS[0 if index % 4 else index // 4 % len(codes.UNITS)],
                cost=cost,
                price=cost * (120 + int(random.random() * 80)) // 100,
                branches=BRANCHES[: 1 + index % len(BRANCHES)],
                stocking="O" if index % _OBSOLETE_EVERY == _OBSOLETE_EVERY - 1 else "PM"[index % 2],
                gl_class=codes.GL_CLASSES[index % 2],
            )
        )
    return found


def add_items(company: Company, suppliers: Sequence[Party]) -> None:
    """Collect the rows of F4101 and F4102."""
    for index, item in enumerate(company.items):
        buyer = FIRST_BUYER + index % BUYERS
        saved = company.saved(company.day(0))
        names: dict[str, Stored] = {"ITM": item.number, "LITM": item.second, "AITM": item.third}
        usual: dict[str, Stored] = {
            "BUYR": buyer,
            "ANPL": buyer,
            "GLPT": item.gl_class,
            "STKT": item.stocking,
            "LNTY": "S",
            "SRP1": codes.SALES_CODES[index % len(codes.SALES_CODES)],
            "PRP1": codes.PURCHASE_CODES[index % len(codes.PURCHASE_CODES)],
            "LTLV": 5 + index % 20,
            "ABCI": "ABC"[index % 3],
        }
        master: dict[str, Stored] = {
            "DSC1": item.title,
            "DSC2": "" if index % 3 else f"Series {index % 9}",
            "SRTX": item.title,
            "ALN": item.title.upper().replace(" ", ""),
            **dict.fromkeys(("UOM1", "UOM2", "UOM3", "UOM4", "UOM6", "UOM8", "UOM9"), item.unit),
            "UWUM": "KG",
            "PLEV": "2",
            "CLEV": "2",
            "PPLV": "3",
        }
        company.add_order("F4101", saved, {**names, **master, **usual})
        for place, branch in enumerate(item.branches):
            reorder = {"ROPI": 1000 * (index % 50), "ROQI": 5000, "RQMX": 20_000, "RQMN": 100, "SAFE": 550, "MULT": 100}
            supplier = suppliers[(index + place) % len(suppliers)].number
            row: dict[str, Stored] = {
                **names,
                "MCU": branch.rjust(12),
                "VEND": supplier,
                "TX": "Y",
                "TAX1": "Y",
                **reorder,
                **usual,
            }
            company.add_order("F4102", saved, row)


def add_locations(company: Company) -> None:
    """Collect the rows of F41021, once all orders are known: what is on order and committed is theirs.

    Every item branch has its primary location, which is blank; some have further ones, some of those by lot.
    """
    for index, item in enumerate(company.items):
        for branch in item.branches:
            on_order = company.stock.get((item.number, branch, "PREQ"), 0)
            committed = company.stock.get((item.number, branch, "HCOM"), 0)
            places = [("", "", "P")]
            if index % 3 == 0:
                places.append((f"A.{index % 20 + 1}.{index % 4 + 1}", "", "S"))
            if index % 5 == 0:
                places.append((f"B.{index % 20 + 1}.1", f"LOT{index:06d}", "S"))
            for place, lot, primary in places:
                main = primary == "P"
                row: dict[str, Stored] = {
                    "ITM": item.number,
                    "MCU": branch.rjust(12),
                    "LOCN": place,
                    "LOTN": lot,
                    "PBIN": primary,
                    "GLPT": item.gl_class,
                    "LRCJ": to_julian(company.before_today(company.day(company.pick(2)))),
                    "PQOH": (company.pick(50_000) - 500) if main else company.pick(9000),
                    "PREQ": on_order * 100 if main else 0,
                    "HCOM": committed * 100 if main else 0,
                    "NCDJ": 0,
                }
                company.add_order("F41021", company.saved(company.today), row)
