"""Reading values of the alert file one after the other; what is wrong with each is noted, and the rest read on."""

from __future__ import annotations

import difflib
import typing as t

from alert_rules.errors import BadValueError
from alert_rules.places import Problem

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from yaml_places import At

_T = t.TypeVar("_T")


class Reader:
    """Collects problems.

    Attributes:
        problems: What was found so far.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def read(self, at: At, work: Callable[[], _T]) -> _T | None:
        """Return what a value is read as; None, and a problem noted, if it cannot be."""
        try:
            return work()
        except BadValueError as error:
            self.wrong(at, "bad_value", str(error), error.remedy, offset=error.offset)
            return None

    def wrong(self, at: At, code: str, message: str, remedy: str, *, offset: int | None = None) -> None:
        """Note something that cannot work."""
        self.problems.append(Problem(at, code, message, remedy, offset))

    def unwise(self, at: At, code: str, message: str, remedy: str) -> None:
        """Note something that works, and is hardly meant."""
        self.problems.append(Problem(at, code, message, remedy, error=False))


def near(name: str, known: Iterable[str]) -> str:
    """Return a remedy for a name that is not known."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {found[0]!r}?" if found else f"there are {', '.join(names) or 'none'}"
