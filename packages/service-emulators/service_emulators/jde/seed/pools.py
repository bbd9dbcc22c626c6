"""Names, streets and cities of a few countries, drawn once and combined afterwards: drawing each would take minutes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from faker import Faker

_FIRST_NAMES, _LAST_NAMES, _STREETS, _CITIES = 160, 240, 160, 160


@dataclass(frozen=True)
class Country:
    """A country and how its companies write themselves.

    ``tax``, ``postal_code`` and ``phone`` are patterns in which ``#`` stands for a digit.
    """

    locale: str
    code: str
    language: str
    currency: str
    mail_domain: str
    tax: str
    postal_code: str
    area_codes: tuple[str, ...]
    phone: str
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    states: tuple[str, ...] = ("",)
    number_first: bool = False


COUNTRIES = (
    Country(
        "en_US", "US", "", "USD", "com", "##-#######", "#####", ("303", "415", "212", "617"), "555-####",
        ("Industries", "Supply", "Medical", "Foods", "Logistics", "Tool & Die"), ("Inc.", "LLC", "Corp.", "& Sons"),
        ("CO", "CA", "NY", "MA", "TX"), number_first=True,
    ),
    Country(
        "de_DE", "DE", "G", "EUR", "de", "DE#########", "#####", ("030", "089", "0221", "06221"), "## ## ##-0",
        ("Maschinenbau", "Getränke", "Elektro", "Möbel", "Präzisionsteile"), ("GmbH", "GmbH & Co. KG", "AG", "KG"),
    ),
    Country(
        "fr_FR", "FR", "F", "EUR", "fr", "FR###########", "#####", ("01", "04", "05"), "## ## ## ##",
        ("Énergie", "Hydraulique", "Décor", "Matériaux", "Pâtisserie"), ("SARL", "SA", "SAS", "et Fils"),
    ),
    Country(
        "es_ES", "ES", "S", "EUR", "es", "B########", "#####", ("91", "93", "954"), "### ## ##",
        ("Construcción", "Alimentación", "Cerámica", "Señalización"), ("S.L.", "S.A.", "e Hijos"),
    ),
    Country(
        "en_GB", "GB", "", "GBP", "co.uk", "GB#########", "AB# #CD", ("020", "0161", "0121"), "#### ####",
        ("Engineering", "Haulage", "Textiles", "Brewing"), ("Ltd", "plc", "& Co."), number_first=True,
    ),
    Country(
        "pl_PL", "PL", "PO", "PLN", "pl", "##########", "##-###", ("22", "12", "71"), "### ## ##",
        ("Łożyska", "Meble", "Opakowania", "Żywność"), ("Sp. z o.o.", "S.A.", "s.c."),
    ),
)  # fmt: skip
WEIGHTS = (35, 20, 15, 10, 12, 8)
OWNERS = ("O'Brien", "D'Angelo", "L'Oréal-Petit", "Peña", "Müller", "Łukasiewicz", "Sørensen", "O'Neill")
TITLES = (
    "Purchasing Manager", "Controller", "Leiterin Einkauf", "Directeur financier", "Jefa de Compras", "CEO", "Buyer",
    "Accounts Payable Clerk", "Kierownik zakupów", "Geschäftsführer", "Warehouse Supervisor", "Sales Director",
)  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """Words of one country to combine."""

    first_names: list[str]
    last_names: list[str]
    streets: list[str]
    cities: list[str]


@lru_cache(maxsize=4)
def pools(seed: int) -> tuple[Pool, ...]:
    """Draw the words of all countries, in the order of `COUNTRIES`."""
    return tuple(_draw(country, seed) for country in COUNTRIES)


def _draw(country: Country, seed: int) -> Pool:
    faker = Faker(country.locale)
    faker.seed_instance(seed)
    return Pool(
        [faker.first_name() for _ in range(_FIRST_NAMES)],
        [faker.last_name() for _ in range(_LAST_NAMES)],
        [faker.street_name() for _ in range(_STREETS)],
        [faker.city() for _ in range(_CITIES)],
    )
