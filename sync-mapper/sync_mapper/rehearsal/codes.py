"""Which values of real rows are codes that a mapping may treat in a way of its own, and which tell of people."""

from __future__ import annotations

import ast
import re
import typing as t
from collections import Counter

from sync_mapper.mapping_file import KEYS

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sync_mapper.mapping_file import Mapping

_PERSONAL = re.compile(
    r"name|phone|mobile|fax|mail|street|address$|^lines?$|city|county|remark|salutation|(^|_)urls?$|birth|tax"
    r"|^(ALPH|ALP1|DC|MLNM|MLN1|GNNM|MDNM|SRNM|NICK|SLNM|ATTL|RMK|REM1|PH1|AR1|EMAL|ADD[1-4]|CTY1|COUN|TAX|TX2)$",
    re.IGNORECASE,
)
"""Properties of composed documents and of tables that hold what points to a person."""
_NOT_PERSONAL = re.compile(r"(^|_)(type|line|code|country|state|language)$|_number$", re.IGNORECASE)
"""Others, also within such a property: codes, and keys that are masked alike everywhere."""
_CODE_TYPE = re.compile(r"^\w{1,4}/\w{1,2}$")
"""Product code and type of user defined codes, like 01/ST."""
_CODE = re.compile(r"^[A-Z0-9*]{1,3}$")
_FEW = 20
"""Most distinct values a property has that holds codes,"""
_OFTEN = 3
"""and how often each of them comes, on average, at least."""


def is_personal(name: str, within: bool = False) -> bool:
    """Return whether a property holds what points to a person, so that no value of it is ever kept.

    Args:
        name: Its name.
        within: Whether it is part of one that does, like the number of a phone.
    """
    return (within or bool(_PERSONAL.search(name))) and not _NOT_PERSONAL.search(name)


def named_in(mapping: Mapping) -> set[t.Any]:
    """Return the constants of a mapping: of its configuration, its code tables and its expressions."""
    found = {constant for section in KEYS for constant in _constants(getattr(mapping, section))}
    code_types = [value for value in found if isinstance(value, str) and _CODE_TYPE.match(value)]
    return found | {part for code_type in code_types for part in code_type.split("/")}


def _constants(value: t.Any) -> Iterator[t.Any]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _constants(one)
    elif isinstance(value, list):
        for one in value:
            yield from _constants(one)
    elif isinstance(value, str):
        yield value
        try:
            tree = ast.parse(value.strip())
        except (SyntaxError, ValueError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float)):
                yield node.value
    elif value is not None:
        yield value


class CodeCounter:
    """Finds codes by how they look and how often they come."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], Counter[str]] = {}

    def add(self, stream: str, record: dict[str, t.Any]) -> None:
        """Count the values of a row."""
        for path, value in _leaves(record, (stream,), personal=False):
            if _CODE.match(value):
                counted = self._values.setdefault(path, Counter())
                if value in counted or len(counted) <= _FEW:
                    counted[value] += 1

    @property
    def codes(self) -> set[str]:
        """Values of properties that have few of them: at most three capitals or digits each."""
        return {
            value
            for counted in self._values.values()
            if len(counted) <= _FEW and sum(counted.values()) >= _OFTEN * len(counted)
            for value in counted
        }


def _leaves(value: t.Any, path: tuple[str, ...], *, personal: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, (*path, name), personal=is_personal(name, personal))
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, path, personal=personal)
    elif value is not None and not isinstance(value, bool) and not personal:
        yield path, str(value).strip()


def texts_of(record: dict[str, t.Any]) -> set[str]:
    """Return the values of a row as texts, wherever in it they stand."""
    found: set[str] = set()
    waiting: list[t.Any] = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif value is not None:
            found.add(str(value).strip())
    return found


def keep(mapping: Mapping, counter: CodeCounter) -> Iterable[t.Any]:
    """Return all values that need no mask."""
    return named_in(mapping) | counter.codes
