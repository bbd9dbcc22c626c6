"""Address book entries of the sample data: the entity, its address, phones, mail addresses and people."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.seed import control_tables as codes
from service_emulators.jde.seed.pools import COUNTRIES, OWNERS, TITLES, WEIGHTS, pools
from service_emulators.jde.seed.stamps import AUDIT, Stamps, within

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from random import Random

    from service_emulators.jde.seed.pools import Country, Pool
    from service_emulators.jde.values import Stored

ENTITY = ("AN8", "ALKY", "TAX", "ALPH", "DC", "MCU", "SIC", "LNGP", "AT1", "CM", "TAXC", "ATP", "ATR", "ATE", "SBLI")
COLUMNS: dict[str, tuple[str, ...]] = {
    "F0101": (*ENTITY, "EFTB", "AC01", "AC02", "RMK", "TX2", "ALP1", *AUDIT),
    "F0111": (
        "AN8", "IDLN", "DSS5", "MLNM", "ATTL", "REM1", "SLNM", "ALPH", "DC", "GNNM", "MDNM", "SRNM", "TYC", "NTYP",
        "NICK", "GEND", "PCF", *AUDIT,
    ),
    "F0115": ("AN8", "IDLN", "CNLN", "RCK7", "PHTP", "AR1", "PH1", *AUDIT),
    "F01151": ("AN8", "IDLN", "RCK7", "ETP", "EMAL", *AUDIT),
    "F0116": (
        "AN8", "EFTB", "EFTF", "ADD1", "ADD2", "ADD3", "ADDZ", "CTY1", "COUN", "ADDS", "CTR", *AUDIT,
    ),
}  # fmt: skip
_MAIL = re.compile(r"[^a-z0-9]+")
_SHARED_MAIL_EVERY = 100
_SHARERS = (1, 2)
"""Of every hundred numbers the second takes the mail address of the first."""


@dataclass(frozen=True)
class Entity:
    """What later rows of an entity need to know of it."""

    number: int
    name: str
    country: Country
    pool: Pool
    domain: str


def _plain(text: str) -> str:
    """Return text without accents, as it appears in mail addresses and compressed names."""
    text = text.replace("ł", "l").replace("Ł", "L").replace("ø", "o").replace("ß", "ss")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _compressed(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", _plain(text).upper())[:40]


class AddressBook:
    """Draws entities and collects their rows by table."""

    def __init__(self, random: Random, seed: int, today: date) -> None:
        self.rows: dict[str, list[tuple[Stored, ...]]] = {name: [] for name in COLUMNS}
        self._random = random
        self._pools = dict(zip(COUNTRIES, pools(seed), strict=True))
        self._today = today
        self.stamps = Stamps(random, today)
        self._last_mail = ""

    def company(self, number: int, search_type: str, *, closed: bool = False) -> Entity:
        """Add a company: F0101, F0111 line 0, F0116, its phones, mail and web addresses."""
        entity = self._entity(number, self._company_name)
        self._add_entity(entity, search_type, closed=closed, taxes=(_digits(entity.country.tax, self._random), "", "C"))
        for line in range(1, self._some(2, 3) + 1):
            kind = ("", "FAX", "TOL")[line - 1]
            self._phone(entity, 0, line, kind)
        if number % _SHARED_MAIL_EVERY in _SHARERS or within(self._random.random(), 0, 85):
            self._mail(entity, 0, 1, f"info@{entity.domain}")
        if within(self._random.random(), 0, 40):
            self._add("F01151", entity.number, 0, 2, "I", f"https://www.{entity.domain}")
        return entity

    def employee(self, number: int) -> None:
        """Add an employee with private phone and mail address."""
        entity = self._entity(number, lambda _country, pool: ", ".join(reversed(self._person(pool))))
        self._add_entity(entity, "E", closed=False, taxes=("", _digits("###-##-####", self._random), "P"))
        self._phone(entity, 0, 1, "HOM")
        last, _, first = entity.name.partition(", ")
        self._mail(entity, 0, 1, f"{_mailbox(first)}.{_mailbox(last)}@jde-company.example")

    def contact(self, entity: Entity, line: int) -> None:
        """Add a person to an entity: F0111, phones, mail addresses."""
        random = self._random
        first, last = self._person(entity.pool)
        full = f"{first} {last}"[:40]
        female = first.endswith(("a", "e"))
        chance = random.random()
        self._add(
            "F0111",
            entity.number,
            line,
            line * 100,
            "" if within(chance, 0, 1) else full + "   " * within(chance, 97, 100),
            TITLES[int(random.random() * len(TITLES))],
            "Speaks English" if within(chance, 90, 100) else "",
            "Ms." if female else "Mr.",
            full,
            _compressed(full),
            first,
            "J." if within(chance, 80, 100) else "",
            last,
            "C" if within(chance, 50, 100) else " ",
            codes.CONTACT_TYPES[int(random.random() * len(codes.CONTACT_TYPES))],
            first[:4] if within(chance, 0, 5) else "",
            "F" if female else "M",
            "1" if line == 1 else "0",
        )
        for number in range(1, self._some(0, 3) + 1):
            self._phone(entity, line, number, ("", "CAR", "HOM")[number - 1])
        if within(chance, 10, 100):
            self._mail(entity, line, 1, f"{_mailbox(first)}.{_mailbox(last)}@{entity.domain}")
        if within(chance, 95, 100):
            self._mail(entity, line, 3, f"{_mailbox(last)}{entity.number}@mail.example")

    def _entity(self, number: int, name_of: Callable[[Country, Pool], str]) -> Entity:
        country = self._random.choices(COUNTRIES, WEIGHTS)[0]
        pool = self._pools[country]
        name = name_of(country, pool)[:40]
        return Entity(number, name, country, pool, f"{_mailbox(name)[:24]}.example.{country.mail_domain}")

    def _company_name(self, country: Country, pool: Pool) -> str:
        random = self._random
        owners = OWNERS if within(random.random(), 0, 5) else pool.last_names
        owner = owners[int(random.random() * len(owners))]
        trade = country.trades[int(random.random() * len(country.trades))]
        return f"{owner} {trade} {country.forms[int(random.random() * len(country.forms))]}"

    def _person(self, pool: Pool) -> tuple[str, str]:
        random = self._random
        first = pool.first_names[int(random.random() * len(pool.first_names))]
        last = pool.last_names[int(random.random() * len(pool.last_names))]
        return first[:25], last[:25]

    def _add_entity(self, entity: Entity, search_type: str, *, closed: bool, taxes: tuple[str, str, str]) -> None:
        random = self._random
        number, name, country = entity.number, entity.name, entity.country
        chance = random.random()
        unit = codes.BUSINESS_UNITS[int(chance * len(codes.BUSINESS_UNITS))]
        tax, individual_tax, entity_kind = taxes
        moved_in = self._today - timedelta(days=30 + int(random.random() * 3000))
        self._add(
            "F0101",
            number,
            f"K{number:08d}" if within(chance, 0, 70) else "",
            tax if within(chance, 0, 90) else "",
            # Some rows come from a conversion that kept the fixed width.
            name.ljust(40) if within(chance, 30, 35) else name,
            _compressed(name),
            unit.rjust(12),
            codes.INDUSTRIES[int(chance * 997) % len(codes.INDUSTRIES)],
            country.language,
            search_type,
            "2" if within(chance, 50, 53) else "",
            entity_kind,
            "Y" if search_type == "V" else "N",
            "Y" if search_type == "C" else "N",
            "Y" if search_type == "E" else "N",
            "Y" if closed else " ",
            to_julian(moved_in),
            codes.REGIONS[int(chance * 991) % len(codes.REGIONS)],
            "ABC"[int(chance * 983) % 3] if within(chance, 0, 80) else "",
            "Call before delivery" if within(chance, 60, 65) else "",
            individual_tax,
            f"Formerly {name}"[:40] if within(chance, 70, 72) else "",
        )
        # Line 0 of the who's who is the entity itself.
        self._add("F0111", number, 0, 0, name, "", "", "", name, _compressed(name), "", "", "", " ", "", "", " ", "")
        self._address(entity, to_julian(moved_in))
        if within(random.random(), 0, 12):
            self._address(entity, to_julian(moved_in - timedelta(days=1000)))
        if within(random.random(), 0, 6):
            self._address(entity, to_julian(self._today + timedelta(days=1 + int(random.random() * 180))))

    def _address(self, entity: Entity, effective: int) -> None:
        random = self._random
        country, pool = entity.country, entity.pool
        street = pool.streets[int(random.random() * len(pool.streets))]
        house = 1 + int(random.random() * 180)
        state = country.states[int(random.random() * len(country.states))]
        self._add(
            "F0116",
            entity.number,
            effective,
            "1",
            (f"{house} {street}" if country.number_first else f"{street} {house}")[:40],
            f"Building {house % 9}" if house % 7 == 0 else "",
            "Attn: Accounts Payable" if house % 31 == 0 else "",
            _digits(country.postal_code, random),
            pool.cities[int(random.random() * len(pool.cities))][:25],
            "",
            state,
            country.code,
        )

    def _phone(self, entity: Entity, line: int, number: int, kind: str) -> None:
        random = self._random
        area = entity.country.area_codes[int(random.random() * len(entity.country.area_codes))]
        self._add("F0115", entity.number, line, 0, number, kind, area, _digits(entity.country.phone, random))

    def _mail(self, entity: Entity, line: int, number: int, address: str) -> None:
        if line == 0 and entity.number % _SHARED_MAIL_EVERY == _SHARERS[1] and self._last_mail:
            address = self._last_mail
        if line == 0:
            self._last_mail = address
        kind = "" if within(self._random.random(), 0, 3) else "E"
        self._add("F01151", entity.number, line, number, kind, address)

    def _some(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))

    def _add(self, table: str, *values: Stored) -> None:
        self.rows[table].append((*values, *self.stamps.draw()))


def _mailbox(text: str) -> str:
    return _MAIL.sub("-", _plain(text).lower()).strip("-")


def _digits(pattern: str, random: Random) -> str:
    return "".join(chr(48 + int(random.random() * 10)) if one == "#" else one for one in pattern)
