"""What a check has found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(str, enum.Enum):
    """How bad a finding is."""

    ERROR = "error"  # it cannot work
    WARNING = "warning"  # it works, and is hardly meant


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an alert file, or unwise.

    Attributes:
        file: The file as it was named; None when it is in none.
        line: From 1.
        column: From 1.
        severity: How bad it is.
        code: What kind of finding, in one word.
        at: Where in the file, as names with points: `rules.0.when`.
        message: What is wrong, without a full stop.
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

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.file is not None else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}{self.severity.value}: {self.message}{remedy} [{self.code}]"
