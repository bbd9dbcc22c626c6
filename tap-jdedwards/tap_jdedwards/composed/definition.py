"""What a definition of a composed stream says, as checked data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_jdedwards.composed.conditions import Test
    from tap_jdedwards.dictionary import Kind


class DefinitionError(ValueError):
    """A definition cannot be used; the message names the stream and the place."""


@dataclass(frozen=True)
class Link:
    """How the rows of a looked-up table are found: by values of the current row of another one.

    Attributes:
        parent: Name of that other source.
        own: Columns of the looked-up table.
        theirs: Columns of the parent with the same values, in the same order.
    """

    parent: str
    own: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A table a document is made of.

    Attributes:
        name: What the definition calls it; the table's name unless a table is used twice.
        table: The table.
        key: Its primary key.
        time: Its time column; None when it has none.
        dated: Whether it has UPMJ.
        known: Whether the dictionary knows the table; else the server has to tell its time column.
        on: Columns that equal the first columns of the document's key; empty for a looked-up table.
        link: How a looked-up table's rows are found; None for the others.
        where: Comparisons that all its rows meet.
        take: Comparisons that the rows in a document meet besides; a row that changes emits its document either way.
        live: Of the root: comparisons that make a document live. First loads and changes of looked-up tables emit
            live documents only.
        daily: Comparisons; a row that meets them emits its document once on each day of the server.
        required: Whether a document needs such a row.
        alternative: Whether a document needs such a row, or one of another source that is an alternative.
        emits: Whether a change of its rows emits documents.
        effective: Date column by which one row is the current one.
        columns: Columns the properties take from it.
    """

    name: str
    table: str
    key: tuple[str, ...]
    time: str | None
    dated: bool = True
    known: bool = True
    on: tuple[str, ...] = ()
    link: Link | None = None
    where: tuple[Test, ...] = ()
    take: tuple[Test, ...] = ()
    live: tuple[Test, ...] = ()
    daily: tuple[Test, ...] = ()
    required: bool = False
    alternative: bool = False
    emits: bool = True
    effective: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def found_by(self) -> tuple[str, ...]:
        """Columns by which its rows are found: of the document's key, or of the look-up."""
        return self.link.own if self.link else self.on

    @property
    def walk(self) -> tuple[str, ...]:
        """Columns by which its rows are walked: first those they are found by, in all unique."""
        return tuple(dict.fromkeys((*self.found_by, *self.key)))

    @property
    def tests(self) -> Iterator[Test]:
        """All comparisons of the source."""
        return iter((*self.where, *self.take, *self.live, *self.daily))


@dataclass(frozen=True)
class Chosen:
    """Which rows of a table a property takes.

    Attributes:
        tests: Comparisons they meet.
        needs: Column that is not blank in them.
    """

    tests: tuple[Test, ...] = ()
    needs: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return (*(test.column for test in self.tests), *(() if self.needs is None else (self.needs,)))


EVERY_ROW = Chosen()


@dataclass(frozen=True)
class Cell:
    """A column of the current row of a table."""

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


@dataclass(frozen=True)
class Value:
    """A column of the first row that is chosen."""

    table: str
    alias: str
    chosen: Chosen


@dataclass(frozen=True)
class Text:
    """Columns of the first row that is chosen, those not blank with a blank between them."""

    table: str
    aliases: tuple[str, ...]
    chosen: Chosen


@dataclass(frozen=True)
class CodeText:
    """The description of a code inside of an object."""

    alias: str
    code_type: str


Part: TypeAlias = "str | tuple[str, ...] | CodeText"
"""A property of an object: an alias, several whose non-blank values make a list, or the description of a code."""


@dataclass(frozen=True)
class Object:
    """An object of the first row that is chosen; of the current row when all are."""

    table: str
    properties: Mapping[str, Part]
    chosen: Chosen = EVERY_ROW


@dataclass(frozen=True)
class Rows:
    """An array with an object per row that is chosen."""

    table: str
    properties: Mapping[str, Part]
    chosen: Chosen = EVERY_ROW


@dataclass(frozen=True)
class Total:
    """A sum over the rows that are chosen.

    Attributes:
        terms: Columns with their sign, 1 or -1; an empty one counts 0.
    """

    table: str
    terms: tuple[tuple[str, int], ...]
    chosen: Chosen


@dataclass(frozen=True)
class Count:
    """How many rows are chosen."""

    table: str
    chosen: Chosen


@dataclass(frozen=True)
class Extreme:
    """The lowest or highest value of a column among the rows that are chosen."""

    table: str
    alias: str
    highest: bool
    chosen: Chosen


@dataclass(frozen=True)
class Days:
    """Days from a date to the server's day; of several rows chosen the earliest date counts.

    Attributes:
        after: Whether days before the date count 0 instead of negative.
    """

    table: str
    alias: str
    after: bool
    chosen: Chosen


@dataclass(frozen=True)
class Description:
    """The description of a code that another property gives.

    Attributes:
        of: That property.
        code_types: Its code type by ``TABLE.ALIAS`` or, for an object of codes, by alias.
    """

    of: Cell | First | Codes | Value
    code_types: Mapping[str, str]


Property: TypeAlias = (
    "Cell | First | Codes | Exists | Value | Text | Object | Rows | Total | Count | Extreme | Days | Description"
)


@dataclass(frozen=True)
class Definition:
    """A composed stream.

    Attributes:
        name: Stream name.
        description: What it holds.
        root: The source with a row per document.
        key: Column of the root by property name, in the order of the key.
        sources: Sources by name, the root first, every looked-up one after the one it is found by.
        properties: Properties by name.
        kinds: Kind of every alias in use, as far as known; see `resolving.resolved`.
        titles: What the server calls columns, by ``TABLE.ALIAS``.
    """

    name: str
    description: str
    root: str
    key: Mapping[str, str]
    sources: Mapping[str, Source]
    properties: Mapping[str, Property]
    kinds: Mapping[str, Kind]
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_key(self) -> str:
        """Column of the root that documents are walked by."""
        return next(iter(self.key.values()))

    @property
    def joined(self) -> dict[str, Source]:
        """The sources whose rows carry the first columns of the key, the root first."""
        return {name: source for name, source in self.sources.items() if source.link is None}

    @property
    def looked_up(self) -> dict[str, Source]:
        """The sources whose rows are found by values of others."""
        return {name: source for name, source in self.sources.items() if source.link is not None}

    def aliases(self, source: Source) -> tuple[str, ...]:
        """List the columns of a source that rows are found and tested by.

        Args:
            source: One of the sources.

        Returns:
            Aliases without which its rows cannot be used.
        """
        links = (other.link for other in self.sources.values() if other.link and other.link.parent == source.name)
        effective = () if source.effective is None else (source.effective,)
        tested = (test.column for test in source.tests)
        return tuple(
            dict.fromkeys((*source.walk, *effective, *tested, *(alias for link in links for alias in link.theirs)))
        )


def columns_of(entry: Property) -> Iterator[tuple[str, str]]:
    """List the columns that a property is made from.

    Args:
        entry: The property.

    Yields:
        Source and alias.
    """
    if isinstance(entry, Description):
        yield from columns_of(entry.of)
    elif isinstance(entry, First):
        yield from ((cell.table, cell.alias) for cell in entry.cells)
    elif isinstance(entry, Exists):
        return
    else:
        yield from ((entry.table, alias) for alias in _aliases(entry))


def _aliases(
    entry: Cell | Codes | Value | Text | Object | Rows | Total | Count | Extreme | Days,
) -> Iterator[str]:
    if isinstance(entry, (Cell, Value, Extreme, Days)):
        yield entry.alias
    elif isinstance(entry, (Codes, Text)):
        yield from entry.aliases
    elif isinstance(entry, Total):
        yield from (alias for alias, _ in entry.terms)
    elif isinstance(entry, (Object, Rows)):
        for part in entry.properties.values():
            yield from (part,) if isinstance(part, str) else part if isinstance(part, tuple) else (part.alias,)
    if not isinstance(entry, (Cell, Codes)):
        yield from entry.chosen.columns
