"""Rows that people know by name, such as users and currencies, listed once a run when the first is asked for."""

from __future__ import annotations

import threading
import typing as t
from collections.abc import Mapping

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Names(Mapping[str, str]):
    """Names -> ids; blanks around a name and its case do not count. Safe to share between threads.

    Args:
        load: Lists them: name, stripped and case-folded, -> id.
    """

    def __init__(self, load: Callable[[], Mapping[str, str]]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._known: Mapping[str, str] | None = None

    def __getitem__(self, key: str) -> str:
        return self._all()[folded(str(key))]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        """Return True without listing them: there are some."""
        return True

    def _all(self) -> Mapping[str, str]:
        with self._lock:
            if self._known is None:
                self._known = self._load()
            return self._known


def folded(name: str) -> str:
    """Return a name as it is looked up."""
    return name.strip().casefold()
