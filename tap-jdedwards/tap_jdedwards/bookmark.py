"""What the state file says about one stream, and how it grows during a run.

A finished table stream; the time is missing where only days are known, as for ``DGJ``::

    {"replication_key": "UPMJ", "replication_key_value": "2026-11-20", "replication_key_time": "09:30:05"}

A finished composed stream has besides one watermark per table; ``EFTB`` is the day up to which dated rows have been
taken as effective::

    {..., "tables": {"F0101": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}, "F0116": {..., "EFTB": "2026-11-20"}}}

A first load that has not reached its end says where it goes on and which mark holds when it is through; a composed
stream that catches up with many changes says the same under ``catch_up``::

    {"first_load": {"after": [1234], "start_mark": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}}, ...}
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_jdedwards.marks import DATE_KEY, TIME_KEY, MarkError, latest, mark_from_json, mark_to_json, parse_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

REPLICATION_KEY = DATE_KEY


class BookmarkError(ValueError):
    """The state of a stream cannot be read."""


@dataclass(frozen=True)
class FirstLoad:
    """A first load under way.

    Attributes:
        after: Key of the last row written, as the server sent it; empty before the first one.
        start_mark: The highest mark that existed before the walk; becomes the bookmark after it.
    """

    after: tuple[Any, ...] = ()
    start_mark: datetime | None = None


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
                ),
                date_key=date_key,
                time_key=time_key,
            )
        except (MarkError, AttributeError, TypeError) as error:
            raise BookmarkError(f"the state of this stream cannot be read: {error}") from error

    def to_state(self) -> dict[str, Any]:
        """Write the state.

        Returns:
            The stream's entry under ``bookmarks``.
        """
        state = _head(self.mark, self.date_key, self.time_key)
        if self.first_load is not None:
            state["first_load"] = {
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


@dataclass(frozen=True)
class Watermark:
    """How far one table of a composed stream has been read.

    Attributes:
        mark: Changes up to here are in the documents.
        effective: Dated rows have been taken as effective up to this day; None for tables without such rows.
    """

    mark: datetime | None = None
    effective: date | None = None

    def to_json(self) -> dict[str, str]:
        """Write the watermark for the state file."""
        content = mark_to_json(self.mark) or {}
        if self.effective is not None:
            content["EFTB"] = self.effective.isoformat()
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Watermark:
        """Read what :meth:`to_json` wrote."""
        effective = parse_mark(content.get("EFTB"))
        return cls(mark=mark_from_json(content), effective=effective.date() if effective else None)

    def merged(self, other: Watermark) -> Watermark:
        """Take the later of two watermarks, part by part."""
        days = [day for day in (self.effective, other.effective) if day is not None]
        return Watermark(mark=latest(self.mark, other.mark), effective=max(days, default=None))


@dataclass(frozen=True)
class Pass:
    """A pass over the documents of a composed stream that has not reached its end.

    Attributes:
        after: First key value of the last documents written; empty before the first ones.
        tables: The watermarks that hold when the pass is through.
    """

    after: tuple[Any, ...] = ()
    tables: Mapping[str, Watermark] = field(default_factory=dict)


@dataclass(frozen=True)
class ComposedBookmark:
    """State of a composed stream.

    Attributes:
        tables: Watermarks by table; empty before the first load is through.
        under_way: A pass that was cut: the first load when there are no watermarks, else a catch-up.
    """

    tables: Mapping[str, Watermark] = field(default_factory=dict)
    under_way: Pass | None = None

    @classmethod
    def from_state(cls, state: Mapping[str, Any], tables: Iterable[str]) -> ComposedBookmark:
        """Read a stream's state.

        Args:
            state: The stream's entry under ``bookmarks``; keys of others are ignored.
            tables: The tables of the stream's definition. A state that lacks one of them was written under another
                definition: the stream is loaded anew.

        Returns:
            The bookmark.

        Raises:
            BookmarkError: When it cannot be read.
        """
        names = list(tables)
        try:
            known = _watermarks(state.get("tables"), names)
            cut = state.get("catch_up" if known else "first_load")
            planned = _watermarks(cut.get("tables"), names) if cut else {}
            after = cut.get("after") or [] if cut else []
        except (MarkError, AttributeError, TypeError) as error:
            raise BookmarkError(f"the state of this stream cannot be read: {error}") from error
        if not isinstance(after, list) or any(type(value) is not int for value in after):
            raise BookmarkError(f"the state of this stream cannot be read: after {after!r} is no list of whole numbers")
        under_way = Pass(after=tuple(after), tables=planned) if cut and planned else None
        return cls(tables=known, under_way=under_way)

    def to_state(self) -> dict[str, Any]:
        """Write the state.

        Returns:
            The stream's entry under ``bookmarks``.
        """
        state = _head(latest(*(watermark.mark for watermark in self.tables.values())))
        if self.tables:
            state["tables"] = _tables_to_json(self.tables)
        if self.under_way is not None:
            state["catch_up" if self.tables else "first_load"] = {
                "after": list(self.under_way.after),
                "tables": _tables_to_json(self.under_way.tables),
            }
        return state

    def at(self, after: tuple[Any, ...]) -> ComposedBookmark:
        """Note how far the pass under way has come.

        Args:
            after: First key value of the last documents written.

        Returns:
            The new bookmark.
        """
        return self if self.under_way is None else replace(self, under_way=replace(self.under_way, after=after))

    def finished(self) -> ComposedBookmark:
        """End the pass under way: its watermarks hold now, none goes back.

        Returns:
            The new bookmark.
        """
        if self.under_way is None:
            return self
        reached = self.under_way.tables
        return ComposedBookmark(
            tables={name: mark.merged(self.tables.get(name, Watermark())) for name, mark in reached.items()}
        )


def _head(mark: datetime | None, date_key: str = DATE_KEY, time_key: str | None = TIME_KEY) -> dict[str, Any]:
    head = {"replication_key": date_key}
    if mark is not None:
        head["replication_key_value"] = mark.date().isoformat()
        if time_key is not None:
            head["replication_key_time"] = mark.time().isoformat("seconds")
    return head


def _tables_to_json(tables: Mapping[str, Watermark]) -> dict[str, dict[str, str]]:
    return {name: watermark.to_json() for name, watermark in tables.items()}


def _watermarks(content: Mapping[str, Any] | None, names: list[str]) -> dict[str, Watermark]:
    if not content or any(name not in content for name in names):
        return {}
    return {name: Watermark.from_json(content[name]) for name in names}
