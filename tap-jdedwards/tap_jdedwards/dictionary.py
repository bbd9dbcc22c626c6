"""What the tap knows about JD Edwards tables and data items without asking a server.

The facts lie in ``dictionary.yml`` (AIS fact sheet section 8). A data item, called alias, has one meaning in every
table that uses it, so kinds are looked up by alias alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DATE_COLUMN = "UPMJ"
"""Alias of the date of the last change; every table of the dictionary has it."""

_TIME_COLUMNS = ("UPMT", "TDAY")
_RANGE = re.compile(r"^([A-Z0-9]*[A-Z])(\d+)\.\.([A-Z0-9]*[A-Z])(\d+)$")


class Kind(str, Enum):
    """What a column holds, as far as its JSON value is concerned."""

    STRING = "string"
    CHARACTER = "character"
    WHOLE = "whole"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"


@dataclass(frozen=True)
class Table:
    """A table as the dictionary knows it.

    Attributes:
        name: Object name, for example ``F0101``.
        title: What the table holds, in words.
        key: Aliases of the primary key.
        time: Alias of the time of the last change (integer HHMMSS), ``UPMT`` or ``TDAY``; None when there is none.
    """

    name: str
    title: str
    key: tuple[str, ...]
    time: str | None


@dataclass(frozen=True)
class Dictionary:
    """What is known without a server.

    Attributes:
        tables: Tables by name.
        kinds: Kinds of data items by alias.
        code_types: User defined code type (``01/ST``) by alias, or by ``TABLE.ALIAS`` where it holds in one table only.
        widths: Width of right-justified texts by alias, such as business units; they are stored with leading blanks.
    """

    tables: Mapping[str, Table]
    kinds: Mapping[str, Kind]
    code_types: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)

    def code_type(self, table: str, alias: str) -> str | None:
        """Tell by which user defined codes the values of a column are described.

        Args:
            table: Table name.
            alias: Data item.

        Returns:
            System and type like ``01/ST``, or None.
        """
        return self.code_types.get(f"{table}.{alias}") or self.code_types.get(alias)

    def kind(self, alias: str, discovered: str) -> Kind:
        """Tell what a discovered column holds.

        Args:
            alias: Data item, for example ``AN8``.
            discovered: What the server said: ``string``, ``number`` or ``date``.

        Returns:
            The kind of the dictionary where it refines what the server said, else the server's own.
        """
        known = self.kinds.get(alias)
        if known is not None and _wire_kind(known) == discovered:
            return known
        return Kind(discovered)


def _wire_kind(kind: Kind) -> str:
    if kind in {Kind.WHOLE, Kind.NUMBER, Kind.TIME}:
        return "number"
    return "date" if kind is Kind.DATE else "string"


def time_column(aliases: Iterable[str]) -> str | None:
    """Find the time of the last change among a table's columns.

    Args:
        aliases: The columns of a table.

    Returns:
        ``UPMT`` or ``TDAY``, or None when the table has neither.
    """
    present = set(aliases)
    return next((alias for alias in _TIME_COLUMNS if alias in present), None)


def expand(names: str) -> Iterator[str]:
    """List the aliases of a text like ``"AN8 AC01..AC30"``.

    Args:
        names: Aliases and ranges of aliases, separated by blanks.

    Yields:
        One alias after the other.

    Raises:
        ValueError: When a range is malformed.
    """
    for name in names.split():
        if ".." not in name:
            yield name
            continue
        match = _RANGE.match(name)
        if match is None or match[1] != match[3] or int(match[2]) > int(match[4]):
            raise ValueError(f"{name!r} is not a range of aliases like AC01..AC30")
        yield from (f"{match[1]}{number:0{len(match[2])}d}" for number in range(int(match[2]), int(match[4]) + 1))


@lru_cache(maxsize=1)
def load_dictionary() -> Dictionary:
    """Read the dictionary that comes with the package.

    Returns:
        The dictionary; read once a process.

    Raises:
        ValueError: When an alias is listed under two kinds.
    """
    content: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("dictionary.yml").read_text(encoding="utf-8"))
    tables = {
        name: Table(name=name, title=entry["title"], key=tuple(entry["key"]), time=entry["time"])
        for name, entry in content["tables"].items()
    }
    kinds: dict[str, Kind] = {}
    for kind_name, lines in content["items"].items():
        for alias in expand(" ".join(lines)):
            if alias in kinds:
                raise ValueError(f"The data item {alias} is listed as {kinds[alias].value} and as {kind_name}")
            kinds[alias] = Kind(kind_name)
    code_types = {alias: code_type for code_type, aliases in content["codes"].items() for alias in expand(aliases)}
    widths = {alias: width for width, aliases in content["right_justified"].items() for alias in expand(aliases)}
    return Dictionary(tables=tables, kinds=kinds, code_types=code_types, widths=widths)
