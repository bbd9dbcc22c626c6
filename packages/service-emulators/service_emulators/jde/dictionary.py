"""The data dictionary: which tables and columns exist, their types, lengths and decimals.

The tables are data: every ``tables/*.txt`` holds some of them in a compact form, so that adding a table means adding
lines::

    [F0101] AB Address Book Master        table, prefix of its database columns, title
    key AN8                               primary key, in index order
    time UPMT                             column of the time of day of the last change (UPMT when absent)
    AN8 N8 Address Number                 alias, type, title
    AC01..AC30 S3 Category Code {n}       thirty columns
    user-reserved                         the block URCD, URDT, URAT, URAB, URRF
    audit                                 USER, PID, JOBN, UPMJ and the time column

Types: ``S25`` string of at most 25 characters, ``R12`` the same but stored right-justified (business units, user
defined codes), ``C`` one character, ``N15,2`` number of 15 digits of which 2 are decimals (stored as an integer,
1250.50 as 125050), ``D`` date (stored as CYYDDD), ``T`` time of day (stored as the number HHMMSS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Kind = Literal["string", "character", "number", "date", "time"]

VIEWS_FILE = "views.txt"
"""Among the dictionary files the one of business views; see `views`."""
_TYPE = re.compile(r"(?P<letter>[SRNCDT])(?P<length>\d+)?(?:,(?P<decimals>\d+))?")
_RANGE = re.compile(r"(?P<head>[A-Z]+)(?P<first>\d+)(?P<tail>[A-Z]*)\.\.(?P=head)(?P<last>\d+)(?P=tail)")
_HEAD = re.compile(r"\[(?P<name>F\w+)\] (?P<prefix>\w\w) (?P<title>.+)")


_USER_RESERVED = (
    "URCD S2 User Reserved Code",
    "URDT D User Reserved Date",
    "URAT N15,2 User Reserved Amount",
    "URAB N8 User Reserved Number",
    "URRF S15 User Reserved Reference",
)
_AUDIT = (
    "USER S10 User ID",
    "PID S10 Program ID",
    "JOBN S10 Work Station ID",
    "UPMJ D Date - Updated",
    "{time} T Time - Last Updated",
)


@dataclass(frozen=True)
class Column:
    """One column: ``alias`` is its name on the wire, ``name`` its name in the database (prefix + alias).

    ``owner`` is the table it belongs to: columns of a view keep theirs.
    """

    alias: str
    name: str
    kind: Kind
    title: str
    length: int
    decimals: int = 0
    right_justified: bool = False
    owner: str = ""

    @property
    def wire_name(self) -> str:
        """The name in a grid: F0101_AN8."""
        return f"{self.owner}_{self.alias}"

    @property
    def is_text(self) -> bool:
        """Whether the value is text: only these columns know the STR_ operators."""
        return self.kind in {"string", "character"}


@dataclass(frozen=True)
class Table:
    """One table of the dictionary; ``key`` and ``time`` are aliases."""

    name: str
    prefix: str
    title: str
    key: tuple[str, ...]
    time: str
    columns: Mapping[str, Column] = field(repr=False)

    @property
    def key_columns(self) -> list[Column]:
        """The columns of the key."""
        return [self.columns[name] for name in self.key]

    @property
    def owners(self) -> tuple[str, ...]:
        """The tables whose rows these are."""
        return (self.name,)

    def find(self, control_id: str) -> Column | None:
        """Find the column of a control ID, ``F0101.AN8`` or ``AN8``."""
        prefix, _, alias = control_id.rpartition(".")
        return self.columns.get(alias) if prefix in {"", self.name} else None

    def by_any_name(self, name: str) -> Column | None:
        """Find a column by alias or by database name, in any case."""
        upper = name.strip().upper()
        return self.columns.get(upper) or next((one for one in self.columns.values() if one.name == upper), None)


class DictionaryError(Exception):
    """A dictionary file that cannot be read; the message names file and line."""


def parse_tables(text: str, source: str) -> Iterator[Table]:
    """Read the tables of one dictionary file.

    Args:
        text: The file's content.
        source: The file's name, for messages.

    Raises:
        DictionaryError: A line is not understood, or a key column is missing.
    """
    blocks: list[tuple[re.Match[str], list[tuple[int, str]]]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        head = _HEAD.fullmatch(line)
        if head:
            blocks.append((head, []))
        elif not blocks:
            raise DictionaryError(f"{source}, line {number}: expected a table such as '[F0101] AB Title'")
        else:
            blocks[-1][1].append((number, line))
    for head, lines in blocks:
        yield _table(head, lines, source)


def _table(head: re.Match[str], lines: list[tuple[int, str]], source: str) -> Table:
    options = {"time": "UPMT", "key": ""}
    columns: dict[str, Column] = {}
    for number, line in lines:
        word, _, rest = line.partition(" ")
        if word in options:
            options[word] = rest
            continue
        if word == "user-reserved":
            specs: tuple[str, ...] = _USER_RESERVED
        elif word == "audit":
            specs = tuple(spec.format(time=options["time"]) for spec in _AUDIT)
        else:
            specs = (line,)
        for spec in specs:
            for column in _columns(spec, head, f"{source}, line {number}"):
                columns[column.alias] = column
    key = tuple(options["key"].split())
    missing = [alias for alias in (*key, "UPMJ", options["time"]) if alias not in columns]
    if missing or not key:
        raise DictionaryError(f"{source}: {head['name']} lacks the key or audit columns {missing}")
    return Table(head["name"], head["prefix"], head["title"], key, options["time"], columns)


def _columns(spec: str, head: re.Match[str], where: str) -> Iterator[Column]:
    alias, _, rest = spec.partition(" ")
    code, _, title = rest.partition(" ")
    kind = _TYPE.fullmatch(code)
    if not kind or not title:
        raise DictionaryError(f"{where}: expected 'ALIAS TYPE Title', found {spec!r}")
    many = _RANGE.fullmatch(alias)
    if not many:
        yield _column(alias, head, kind, title)
        return
    width = len(many["first"])
    for number in range(int(many["first"]), int(many["last"]) + 1):
        one = f"{many['head']}{number:0{width}d}{many['tail']}"
        yield _column(one, head, kind, title.format(n=number))


def _column(alias: str, head: re.Match[str], kind: re.Match[str], title: str) -> Column:
    kinds: dict[str, Kind] = {"S": "string", "R": "string", "C": "character", "N": "number", "D": "date", "T": "time"}
    return Column(
        alias=alias,
        name=head["prefix"] + alias,
        kind=kinds[kind["letter"]],
        title=title,
        length=int(kind["length"] or {"C": 1, "D": 6, "T": 6}.get(kind["letter"], 0)),
        decimals=int(kind["decimals"] or 0),
        right_justified=kind["letter"] == "R",
        owner=head["name"],
    )


@cache
def tables() -> Mapping[str, Table]:
    """Return all tables of the dictionary by name."""
    found: dict[str, Table] = {}
    for file in sorted(resources.files(__package__).joinpath("tables").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".txt") and file.name != VIEWS_FILE:
            for table in parse_tables(file.read_text(encoding="utf-8"), file.name):
                found[table.name] = table
    return found
