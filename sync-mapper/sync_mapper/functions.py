"""Functions that expressions may call beside those of the SDK.

They are made for what comes out of an ERP: texts of blanks, 'Last, First', codes, amounts, phone numbers in parts. All
of them take null and blank texts, and give null for what is not there; a value they cannot read raises, so that its row
goes on as `_unmapped` with the reason instead of with a wrong value.
"""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from sync_mapper import countries

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_YES = {"Y", "YES", "T", "TRUE", "1"}
_NO = {"N", "NO", "F", "FALSE", "0"}

_MINOR_UNITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimals of the currencies that have not two of them (ISO 4217)."""

_KEEPS_ZERO = re.compile(r"(\+|00)\s*(39|378|379)")
"""Calling codes (Italy, San Marino, Vatican City) after which a leading zero is part of the number."""

_LONGEST_E164 = 15
"""Digits an international number has at most (ITU-T E.164)."""


def text(value: t.Any) -> str | None:
    """The value as text without blanks around it; null if nothing is left."""
    if value is None:
        return None
    stripped = (value if isinstance(value, str) else _written(value)).strip()
    return stripped or None


def number(value: t.Any) -> float | None:
    """The value as a number; texts such as '12.50' too. A text that is no number holds the row."""
    read = _decimal(value)
    return None if read is None else float(read)


def integer(value: t.Any) -> int | None:
    """The value as a whole number; one with decimals holds the row instead of being cut."""
    read = _decimal(value)
    if read is None:
        return None
    if read != read.to_integral_value():
        raise ValueError(f"{value!r} is no whole number")
    return int(read)


def boolean(value: t.Any) -> bool | None:
    """True for Y, YES, T, TRUE, 1; false for N, NO, F, FALSE, 0, in any case."""
    if isinstance(value, bool):
        return value
    word = text(value)
    if word is None:
        return None
    if word.upper() in _YES:
        return True
    if word.upper() in _NO:
        return False
    raise ValueError(f"{value!r} says neither yes nor no")


def join(separator: str, *parts: t.Any) -> str | None:
    """The parts that are not blank in one text; lists count as their items. Null if no part is left."""
    words = [word for part in _flat(parts) if (word := text(part)) is not None]
    return separator.join(words) or None


def first(items: list[t.Any] | None) -> t.Any:
    """The first item of a list that is not null; null for an empty list."""
    return next((item for item in items or [] if item is not None), None)


def coalesce(*values: t.Any) -> t.Any:
    """The first value that is neither null nor blank."""
    return next((value for value in values if not _blank(value)), None)


def full_name(name: t.Any) -> str | None:
    """'Last, First' as 'First Last'; a name without a comma as it is."""
    return join(" ", *_name_parts(name))


def first_name(name: t.Any) -> str | None:
    """First name of 'Last, First'; without a comma all words but the last."""
    return _name_parts(name)[0]


def last_name(name: t.Any) -> str | None:
    """Last name of 'Last, First'; without a comma the last word."""
    return _name_parts(name)[1]


def phone(number: t.Any, area: t.Any = None, country: t.Any = None) -> str | None:
    """A phone number in international form, '+4989123456', where its country is known or it begins with '+' or '00'.

    The number is taken as a national one otherwise, and the country's trunk prefix (the '0' of '089') left out. Without
    a country, and with letters in it (extensions), it stays as it is: area code, blank, number.
    """
    spelt = join(" ", area, number)
    if spelt is None:
        return None
    # '+44 (0)20 ...' shows the trunk prefix, which is not dialled from abroad, except where it is part of the number.
    dialled = re.sub(r"^((?:\+|00)[0-9]+\s*)\(0\)", r"\1", spelt) if not _KEEPS_ZERO.match(spelt) else spelt
    digits = re.sub(r"[\s().\-/]", "", dialled)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return re.sub(r"\s+", " ", spelt)
    if not digits.startswith("+"):
        where = countries.find(text(country) or "")
        if where is None or not where.calling_code:
            return re.sub(r"\s+", " ", spelt)
        digits = f"+{where.calling_code}{digits.removeprefix(where.trunk_prefix)}"
    return digits if len(digits) - 1 <= _LONGEST_E164 else re.sub(r"\s+", " ", spelt)


def country_code(country: t.Any) -> str | None:
    """ISO alpha-2 code of a country given as alpha-2, alpha-3 or English name; null if it is unknown."""
    found = countries.find(text(country) or "")
    return found.code if found else None


def country_name(country: t.Any) -> str | None:
    """English name of a country given as alpha-2, alpha-3 or English name; null if it is unknown."""
    found = countries.find(text(country) or "")
    return found.name if found else None


def money(amount: t.Any, currency: t.Any = None) -> float | None:
    """The amount rounded (half up) to the decimals of the currency (JPY 0, KWD 3); 2 if it is not given."""
    read = _decimal(amount)
    if read is None:
        return None
    decimals = _MINOR_UNITS.get((text(currency) or "").upper(), 2)
    return float(read.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def on_hold(hold_code: t.Any) -> bool:
    """Whether a JD Edwards hold code (F03012.HOLD, F0401.HDAR, F4201.HOLD) is set."""
    return text(hold_code) is not None


def is_customer(search_type: t.Any) -> bool:
    """Whether a JD Edwards search type (F0101.AT1) is C, a customer."""
    return _search_type(search_type) == "C"


def is_vendor(search_type: t.Any) -> bool:
    """Whether a JD Edwards search type (F0101.AT1) is V, a supplier."""
    return _search_type(search_type) == "V"


def is_employee(search_type: t.Any) -> bool:
    """Whether a JD Edwards search type (F0101.AT1) is E, an employee."""
    return _search_type(search_type) == "E"


@dataclass(frozen=True)
class Helper:
    """What is known of a function without calling it.

    Attributes:
        arguments: Its arguments, as the documentation shows them.
        function: The function; None for `lookup`, which is made for each mapping, of its code tables.
        returns: JSON type of what it returns; None if that depends on the arguments.
        nullable: Whether it may return null.
        doc: What it does, in one paragraph.
        null_safe: Whether it takes null for every argument.
    """

    arguments: str
    function: Callable[..., t.Any] | None
    returns: str | None
    nullable: bool
    doc: str
    null_safe: bool = True


def _helper(arguments: str, function: Callable[..., t.Any], returns: str | None, *, nullable: bool = True) -> Helper:
    return Helper(arguments, function, returns, nullable, " ".join((function.__doc__ or "").split()))


HELPERS: dict[str, Helper] = {
    "text": _helper("value", text, "string"),
    "number": _helper("value", number, "number"),
    "integer": _helper("value", integer, "integer"),
    "boolean": _helper("value", boolean, "boolean"),
    "join": _helper("separator, *parts", join, "string"),
    "first": _helper("items", first, None),
    "coalesce": _helper("*values", coalesce, None),
    "full_name": _helper("name", full_name, "string"),
    "first_name": _helper("name", first_name, "string"),
    "last_name": _helper("name", last_name, "string"),
    "phone": _helper("number, area=None, country=None", phone, "string"),
    "country_code": _helper("country", country_code, "string"),
    "country_name": _helper("country", country_name, "string"),
    "money": _helper("amount, currency=None", money, "number"),
    "on_hold": _helper("hold_code", on_hold, "boolean", nullable=False),
    "is_customer": _helper("search_type", is_customer, "boolean", nullable=False),
    "is_vendor": _helper("search_type", is_vendor, "boolean", nullable=False),
    "is_employee": _helper("search_type", is_employee, "boolean", nullable=False),
    "lookup": Helper(
        "table, code, otherwise=None",
        None,
        "string",
        nullable=True,
        doc="The text of a code in a code table; `otherwise` for a code that is not in it.",
    ),
}
"""Name -> function, in the order of the documentation."""


def _blank(value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _written(value: t.Any) -> str:
    """Return a value as people write it: a number that is whole without '.0'."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and math.isinf(float(value)):
        return str(value)  # 1E+99999999 has more digits than memory
    if isinstance(value, (float, Decimal)) and value == int(value):
        return str(int(value))
    return str(value)


def _decimal(value: t.Any) -> Decimal | None:
    if _blank(value):
        return None
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - for rows, not for programmers
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not math.isfinite(float(read)):
        # Beyond what a float holds a number would go on as null, and as a whole number take all memory.
        raise ValueError(f"{value!r} is no number, or too large for one")
    return read


def _flat(parts: t.Iterable[t.Any]) -> Iterator[t.Any]:
    for part in parts:
        if isinstance(part, (list, tuple)):
            yield from _flat(part)
        else:
            yield part


def _name_parts(name: t.Any) -> tuple[str | None, str | None]:
    """Return first and last name."""
    whole = text(name)
    if whole is None:
        return None, None
    last, comma, given = whole.partition(",")
    if comma:
        return text(given), text(last)
    given, _, last = whole.rpartition(" ")
    return text(given), last


def _search_type(value: t.Any) -> str:
    return (text(value) or "").upper()
