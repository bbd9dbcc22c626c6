"""What keeps an expression from taking all time or memory: results that nobody needs are refused before they are made.

The SDK's evaluator (simpleeval) limits repetition, addition of texts, and the operands of powers, but not the size of a
power, the product of two large numbers, `int()` of a number such as 1e99999999 in a row, formats, and methods that make
long texts of short ones. None of these can be interrupted once Python has begun.
"""

from __future__ import annotations

import ast
import re
import typing as t
from decimal import Decimal

import simpleeval  # type: ignore[import-untyped]

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGEST_BITS = 1 << 16
"""Size of a whole number; beyond 4,300 digits (14,285 bits) Python writes none anyway."""

LARGEST_DIGITS = 20_000
"""Digits before or behind the point that are written out: as many as `LARGEST_BITS` has."""

LONGEST_TEXT = 10_000_000
"""Characters of a text that a method or a format makes."""

Method = t.Callable[..., t.Any]


def _refuse_number() -> t.NoReturn:
    raise simpleeval.NumberTooHigh("the result would be a number of too many digits")


def _refuse_text() -> t.NoReturn:
    raise simpleeval.IterableTooLong(f"the result would be a text of more than {LONGEST_TEXT:,} characters")


def _has_too_many_digits(value: t.Any) -> bool:
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    return max(value.adjusted(), -t.cast("int", value.as_tuple().exponent)) > LARGEST_DIGITS


class WholeNumber(int):
    """`int` of expressions: gives what `int` gives, but of no number that has too many digits."""

    def __new__(cls, *args: t.Any, **keywords: t.Any) -> int:  # type: ignore[misc]  # as simple as what it stands for
        """Return the whole number.

        Raises:
            simpleeval.NumberTooHigh: It has too many digits.
        """
        if args and isinstance(args[0], Decimal) and args[0].is_finite() and args[0].adjusted() > LARGEST_DIGITS:
            _refuse_number()
        return int(*args, **keywords)


def _power(base: t.Any, exponent: t.Any) -> t.Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 0 and (base.bit_length() - 1) * exponent > LARGEST_BITS:
        _refuse_number()
    return simpleeval.safe_power(base, exponent)


def _product(left: t.Any, right: t.Any) -> t.Any:
    if type(left) is int and type(right) is int and left.bit_length() + right.bit_length() > LARGEST_BITS:
        _refuse_number()
    return simpleeval.safe_mult(left, right)


_PERCENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d+)?(?:\.(\*|\d+))?[hlL]?(.)", re.DOTALL)
_WHOLE_KINDS = frozenset("diuoxX")


def _remainder(left: t.Any, right: t.Any) -> t.Any:
    """`left % right`; for texts, Python's old formats."""
    if isinstance(left, str):
        parts = _PERCENT.findall(left)
        values = right if isinstance(right, tuple) else tuple(right.values()) if isinstance(right, dict) else (right,)
        sizes = [size for *given, _ in parts for size in given if size]
        wide = [int(size) for size in sizes if size != "*"]
        if "*" in sizes:
            wide += [abs(value) for value in values if isinstance(value, int)]
        if any(size > LONGEST_TEXT for size in wide):
            _refuse_text()
        if any(kind in _WHOLE_KINDS for *_, kind in parts) and any(map(_has_too_many_digits, values)):
            _refuse_number()
    return left % right


OPERATORS: dict[type[ast.AST], Callable[..., t.Any]] = {
    **simpleeval.DEFAULT_OPERATORS,
    ast.Pow: _power,
    ast.Mult: _product,
    ast.Mod: _remainder,
}
"""Operators of expressions."""


def formatted(value: t.Any, spec: str) -> str:
    """Return a value in the format of an f-string.

    Raises:
        simpleeval.InvalidExpression: The text would be too long.
    """
    if any(len(number) > 9 or int(number) > LONGEST_TEXT for number in re.findall(r"\d+", spec)):  # noqa: PLR2004
        _refuse_text()
    if _has_too_many_digits(value):
        _refuse_number()
    return ("{:" + spec + "}").format(value)


def _padded(method: Method, *args: t.Any, **keywords: t.Any) -> t.Any:
    width = next(iter((*args, *keywords.values())), 0)
    if isinstance(width, int) and width > LONGEST_TEXT:
        _refuse_text()
    return method(*args, **keywords)


def _expanded(method: Method, *args: t.Any, **keywords: t.Any) -> t.Any:
    size = next(iter((*args, *keywords.values())), 0)
    if isinstance(size, int) and _own(method).count("\t") * size > LONGEST_TEXT:
        _refuse_text()
    return method(*args, **keywords)


def _joined(method: Method, parts: Iterable[t.Any]) -> t.Any:
    listed = list(parts)
    length = len(_own(method)) * len(listed) + sum(len(part) for part in listed if isinstance(part, str))
    if length > LONGEST_TEXT:
        _refuse_text()
    return method(listed)


def _replaced(method: Method, old: t.Any, new: t.Any, *more: t.Any, **keywords: t.Any) -> t.Any:
    text = _own(method)
    both = isinstance(old, str) and isinstance(new, str)
    if both and len(new) > len(old) and len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        _refuse_text()
    return method(old, new, *more, **keywords)


def _translated(method: Method, table: t.Any) -> t.Any:
    texts = [value for value in table.values() if isinstance(value, str)] if isinstance(table, dict) else []
    if len(_own(method)) * max(map(len, texts), default=0) > LONGEST_TEXT:
        _refuse_text()
    return method(table)


def _own(method: Method) -> t.Any:
    """Return the text a method is of."""
    return method.__self__  # type: ignore[attr-defined]  # that of a text has it


METHODS: dict[str, Callable[..., t.Any]] = {
    **dict.fromkeys(("center", "ljust", "rjust", "zfill", "to_bytes"), _padded),
    "expandtabs": _expanded,
    "join": _joined,
    "replace": _replaced,
    "translate": _translated,
}
"""Methods of texts and whole numbers whose result may be far longer than what they get, by name."""
