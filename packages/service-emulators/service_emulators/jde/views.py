"""Business views: columns of one or more tables under a name. A table's row appears once, with rows it belongs to.

They are samples in ``tables/views.txt``, in a compact form::

    [V4301A] F4311 Purchase Orders        view, the table each of its rows is one row of, title
    join F4301 DOCO DCTO                  a table with at most one row for each, and the columns both share
    F4301 DOCO DCTO AN8                   columns, by table
    F4311 DOCO DCTO LNID AN8
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from service_emulators.jde.dictionary import VIEWS_FILE, DictionaryError, Table, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service_emulators.jde.dictionary import Column

_HEAD = re.compile(r"\[(?P<name>V\w+)\] (?P<base>F\w+) (?P<title>.+)")


@dataclass(frozen=True)
class View(Table):
    """A business view: columns of one or more tables, named ``F4301.AN8``; a request must name them so, too.

    Attributes:
        base: The table each row of the view is one row of.
        joins: Further tables, each with the aliases in which its row equals that of the base.
    """

    base: str
    joins: Mapping[str, tuple[str, ...]]

    @property
    def owners(self) -> tuple[str, ...]:
        """The tables whose rows these are."""
        return (self.base, *self.joins)

    def find(self, control_id: str) -> Column | None:
        """Find the column of a control ID, ``F4301.AN8``."""
        return self.columns.get(control_id)


@cache
def views() -> Mapping[str, View]:
    """Return all business views by name."""
    text = resources.files(__package__).joinpath("tables").joinpath(VIEWS_FILE).read_text(encoding="utf-8")
    return {view.name: view for view in parse_views(text, VIEWS_FILE)}


def parse_views(text: str, source: str) -> Iterator[View]:
    """Read the views of a dictionary file.

    Raises:
        DictionaryError: A line is not understood, or names a table or column that does not exist.
    """
    blocks: list[tuple[re.Match[str], dict[str, tuple[str, ...]], dict[str, Column]]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        head = _HEAD.fullmatch(line)
        if head:
            blocks.append((head, {}, {}))
        elif line and not line.startswith("#"):
            joining, words = line.startswith("join "), line.removeprefix("join ").split()
            table = tables().get(words[0])
            if not blocks or not table or not set(words[1:]) <= set(table.columns):
                raise DictionaryError(f"{source}, line {number}: expected a table of the dictionary and its columns")
            if joining:
                blocks[-1][1][table.name] = tuple(words[1:])
            else:
                blocks[-1][2].update({f"{table.name}.{alias}": table.columns[alias] for alias in words[1:]})
    for head, joins, columns in blocks:
        base = tables()[head["base"]]
        key = tuple(f"{base.name}.{alias}" for alias in base.key)
        if not set(key) <= set(columns):
            raise DictionaryError(f"{source}: {head['name']} lacks the key of {base.name}")
        yield View(head["name"], "", head["title"], key, base.time, columns, base.name, joins)
