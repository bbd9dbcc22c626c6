"""What the state file says about one stream, and how it grows during a run.

A finished table stream; the time is missing where only days are known, as for ``DGJ``::

    {"replication_key": "UPMJ", "replication_key_value": "2026-11-20", "replication_key_time": "09:30:05"}

A first load that has not reached its end says where it goes on and which mark holds when it is through::

    {"first_load": {"key": ["AN8"], "after": [1234], "start_mark": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}}, ...}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_jdedwards.marks import DATE_KEY, TIME_KEY, MarkError, latest, mark_from_json, mark_to_json, parse_mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

REPLICATION_KEY = DATE_KEY


class BookmarkError(ValueError):
    """The state of a stream cannot be read."""


@dataclass(frozen=True)
class FirstLoad:
    """A first load under way.

    Attributes:
        after: Key of the last row written, as the server sent it; empty before the first one.
        start_mark: The highest mark that existed before the walk; becomes the bookmark after it.
        key: The columns that `after` is a position in, in their order; empty when the state does not tell.
    """

    after: tuple[Any, ...] = ()
    start_mark: datetime | None = None
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableBookmark:
    """State of a table stream.

    Attributes:
        mark: Everything up to here has been written; None before the first load is through.
        first_load: Position of a first load under way.
        date_key: Replication key, the column that holds the date of the mark.
        time_key: Name of the time beside it; None when marks are days.
    """

    mark: datetime | None = None
    first_load: FirstLoad | None = None
    date_key: str = DATE_KEY
    time_key: str | None = TIME_KEY

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], date_key: str = DATE_KEY, time_key: str | None = TIME_KEY
    ) -> TableBookmark:
        """Read a stream's state, also one that another tap built on the SDK left.

        Args:
            state: The stream's entry under ``bookmarks``; keys of others are ignored.
            date_key: Replication key of the stream.
            time_key: Name of the time beside it; None when there is none.

        Returns:
            The bookmark.

        Raises:
            BookmarkError: When it cannot be read.
        """
        try:
            loading = state.get("first_load")
            return cls(
                mark=parse_mark(state.get("replication_key_value"), state.get("replication_key_time"), zoned=True),
                first_load=None
                if loading is None
                else FirstLoad(
                    after=tuple(loading.get("after") or ()),
                    start_mark=mark_from_json(loading.get("start_mark"), date_key, time_key),
                    key=tuple(loading.get("key") or ()),
                ),
                date_key=date_key,
                time_key=time_key,
            )
        except (MarkError, AttributeError, TypeError) as error:
            raise BookmarkError(
                f"the state of this stream cannot be read: {error}; correct it, or remove the stream's entry from the "
                "state to load it anew"
            ) from error

    def to_state(self) -> dict[str, Any]:
        """Write the state.

        Returns:
            The stream's entry under ``bookmarks``.
        """
        state = _head(self.mark, self.date_key, self.time_key)
        if self.first_load is not None:
            state["first_load"] = {
                **({"key": list(self.first_load.key)} if self.first_load.key else {}),
                "after": list(self.first_load.after),
                "start_mark": mark_to_json(self.first_load.start_mark, self.date_key, self.time_key),
            }
        return state

    def loading(self, first_load: FirstLoad) -> TableBookmark:
        """Note how far a first load has come.

        Args:
            first_load: Its position.

        Returns:
            The new bookmark.
        """
        return replace(self, mark=None, first_load=first_load)

    def advanced(self, seen: datetime | None) -> TableBookmark:
        """Move on to a mark, never back.

        Args:
            seen: The highest mark written, capped at the server's clock.

        Returns:
            The new bookmark.
        """
        return replace(self, mark=latest(self.mark, seen), first_load=None)


def _head(mark: datetime | None, date_key: str = DATE_KEY, time_key: str | None = TIME_KEY) -> dict[str, Any]:
    head = {"replication_key": date_key}
    if mark is not None:
        head["replication_key_value"] = mark.date().isoformat()
        if time_key is not None:
            head["replication_key_time"] = mark.time().isoformat("seconds")
    return head
