"""Countries: codes, English names, and how they are dialled, for the functions of expressions.

The table beside this module holds the codes of ISO 3166-1, the English names of Unicode's CLDR with those of the
standard, and country calling codes with the national trunk prefixes of the numbering plans (ITU-T E.164).
"""

from __future__ import annotations

import csv
import functools
import typing as t
from importlib import resources


class Country(t.NamedTuple):
    """A country.

    Attributes:
        code: ISO 3166-1 alpha-2 code.
        alpha3: ISO 3166-1 alpha-3 code.
        name: English name.
        other_names: More English names.
        calling_code: Digits dialled for it from abroad; empty where it has none of its own.
        trunk_prefix: Digits dialled before an area code within it, and left out from abroad; often empty.
    """

    code: str
    alpha3: str
    name: str
    other_names: tuple[str, ...]
    calling_code: str
    trunk_prefix: str


_COLLOQUIAL = {"UK": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "HOLLAND": "NL", "CZECH REPUBLIC": "CZ"}
"""Common in address books, and in no standard."""


def find(text: str) -> Country | None:
    """Return the country a code or an English name stands for, whatever its case; None if it is unknown."""
    return _by_word().get(text.strip().upper())


@functools.lru_cache(maxsize=1)
def _by_word() -> dict[str, Country]:
    found: dict[str, Country] = {}
    rows = resources.files(__package__).joinpath("countries.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(rows):
        others = tuple(name for name in row["other_names"].split("|") if name)
        country = Country(row["code"], row["alpha3"], row["name"], others, row["calling_code"], row["trunk_prefix"])
        for word in (country.code, country.alpha3, country.name, *others):
            found[word.upper()] = country
    return found | {word: found[code] for word, code in _COLLOQUIAL.items()}
