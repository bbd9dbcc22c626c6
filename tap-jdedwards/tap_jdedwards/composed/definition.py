"""What a definition of a composed stream says, as checked data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from jde_ais import AllOf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jde_ais import Condition, Where

    from tap_jdedwards.dictionary import Kind


class DefinitionError(ValueError):
    """A definition cannot be used; the message names the stream and the place."""


@dataclass(frozen=True)
class Source:
    """A table a document is made of.

    Attributes:
        table: Its name.
        key: Its primary key.
        time: Its time column.
        on: Columns that equal the first columns of the document's key.
        where: Conditions on its rows, all of which must hold.
        required: Whether a document needs such a row.
        effective: Date column by which one row is the current one.
        columns: Columns the document takes from it.
    """

    table: str
    key: tuple[str, ...]
    time: str
    on: tuple[str, ...]
    where: tuple[Condition, ...] = ()
    required: bool = False
    effective: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def condition(self) -> Where | None:
        """The conditions on its rows as one."""
        return AllOf(*self.where) if self.where else None

    @property
    def walk(self) -> tuple[str, ...]:
        """Columns by which its rows are walked: first those of the document's key, in all unique."""
        return tuple(dict.fromkeys((*self.on, *self.key)))


@dataclass(frozen=True)
class Cell:
    """A column of the first row of a table."""

    table: str
    alias: str


@dataclass(frozen=True)
class First:
    """The first column that is not blank."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Codes:
    """An object of the columns of one row that are not blank."""

    table: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Exists:
    """Whether a table has a row for the document."""

    table: str


Part: TypeAlias = "str | tuple[str, ...]"
"""A property of an object: an alias, or several whose non-blank values make a list."""


@dataclass(frozen=True)
class Object:
    """An object of one row."""

    table: str
    properties: Mapping[str, Part]


@dataclass(frozen=True)
class Rows:
    """An array with an object per row.

    Attributes:
        where: Values a column may have, by column; "" is blank.
        needs: Column that must not be blank.
    """

    table: str
    properties: Mapping[str, Part]
    where: Mapping[str, tuple[str, ...]]
    needs: str | None


Property: TypeAlias = "Cell | First | Codes | Exists | Object | Rows"


@dataclass(frozen=True)
class Definition:
    """A composed stream.

    Attributes:
        name: Stream name.
        description: What it holds.
        root: The table with a row per document.
        key: Column of the root by property name, in the order of the key.
        sources: Tables by name, the root first.
        properties: Properties by name.
        kinds: Kind of every alias in use.
    """

    name: str
    description: str
    root: str
    key: Mapping[str, str]
    sources: Mapping[str, Source]
    properties: Mapping[str, Property]
    kinds: Mapping[str, Kind]

    @property
    def first_key(self) -> str:
        """Column of the root that documents are walked by."""
        return next(iter(self.key.values()))
