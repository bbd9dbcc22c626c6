"""What is wrong with an alert file or a row. Each error is one line for people."""

from __future__ import annotations


class RulesError(ValueError):
    """The alert file cannot be used as it is written.

    Attributes:
        problems: One line for each problem, with file, line and column where they are known.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class BadValueError(ValueError):
    """A value of the alert file is not what it should be: a duration, a matcher, an interval, an expression, a text.

    Attributes:
        remedy: What to do about it.
        offset: Characters of the value before what is wrong; None for the whole value.
    """

    def __init__(self, problem: str, remedy: str = "", *, offset: int | None = None) -> None:
        super().__init__(problem)
        self.remedy = remedy
        self.offset = offset


class BadRowError(ValueError):
    """A rule cannot be applied to a row.

    Attributes:
        field: Field of the row that is the cause, where it is known.
        remedy: What to do about it.
    """

    def __init__(self, problem: str, remedy: str = "", *, field: str | None = None) -> None:
        super().__init__(problem)
        self.field = field
        self.remedy = remedy
