"""What a check finds: each with its place, what is wrong, and what to do about it."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterable

At = tuple[str, ...]
"""Where in a mapping something stands, such as `("stream_maps", "organizations", "name")`."""


class Severity(str, enum.Enum):
    """How bad it is."""

    ERROR = "error"  # cannot work
    WARNING = "warning"  # fails for some rows, or does not do what was meant
    NOTE = "note"  # nothing wrong


@dataclass(frozen=True)
class Finding:
    """Something wrong with a mapping.

    Attributes:
        file: Mapping file; None for maps in settings.
        line: Line in it, from 1.
        column: Character in the line, from 1.
        severity: How bad it is.
        code: What kind of finding, such as `null_unsafe`.
        at: Where in the mapping it stands, such as `stream_maps.organizations.name`.
        message: What is wrong.
        remedy: What to do about it.
    """

    file: str | None
    line: int | None
    column: int | None
    severity: Severity
    code: str
    at: str
    message: str
    remedy: str

    @property
    def place(self) -> str:
        """Where it is, as compilers write it."""
        return self.at if self.line is None else f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        name = "" if self.line is None else f"{self.at}: "
        remedy = f" {_sentence(self.remedy)}" if self.remedy else ""
        return f"{self.place}: {self.severity.value}: {name}{self.message}.{remedy} [{self.code}]"

    def as_json(self) -> dict[str, t.Any]:
        """Return it for programs."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": self.severity.value,
            "code": self.code,
            "at": self.at,
            "message": self.message,
            "remedy": self.remedy,
        }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by place, each once."""
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda one: (one.file or "", one.line or 0, one.column or 0, one.code, one.message))
