"""Where each part of an alert file stands, also when it is made of several files."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from yaml_places import At, Places


class Place(t.NamedTuple):
    """Where something stands: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with an alert file, or unwise.

    Attributes:
        at: Names that lead there in the whole: `("rules", "0", "when")`.
        code: What kind of problem, in one word.
        message: What is wrong, without a full stop.
        remedy: What to do about it.
        offset: Characters of the text at `at` before it; None for the name itself.
        error: Whether it cannot work; otherwise it is a warning.
    """

    at: At
    code: str
    message: str
    remedy: str = ""
    offset: int | None = None
    error: bool = True


@dataclass
class Origins:
    """Which file each part of the whole came from.

    Attributes:
        files: Names of the files.
        parts: Names of the whole -> file, and the names there.
    """

    files: dict[str, Places] = field(default_factory=dict)
    parts: dict[At, tuple[str, At]] = field(default_factory=dict)

    def place(self, at: At, offset: int | None = None) -> Place | None:
        """Return where something stands, or the nearest above it that stands in a file."""
        for end in range(len(at), 0, -1):
            origin = self.parts.get(at[:end])
            if origin is not None:
                name, there = origin
                where = (*there, *at[end:])
                places = self.files[name]
                line, column = places.key(where) if offset is None else places.character(where, offset)
                return Place(name, line, column)
        first = next(iter(self.files), None)
        return Place(first, 1, 1) if first is not None else None

    def told(self, problem: Problem) -> str:
        """Return a problem in one line: place, what is wrong, remedy."""
        place = self.place(problem.at, problem.offset)
        remedy = f"; {problem.remedy}" if problem.remedy else ""
        return f"{f'{place}: ' if place else ''}{problem.message}{remedy}"
