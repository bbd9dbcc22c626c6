"""What the state file says about a composed stream.

One watermark per table; ``EFTB`` is the day up to which dated rows have been taken as effective, ``day`` the server's
day for which documents that change with time have been emitted::

    {"replication_key": "UPMJ", "replication_key_value": "2026-11-20", "replication_key_time": "09:30:05",
     "tables": {"F0101": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}, "F0116": {..., "EFTB": "2026-11-20"}},
     "day": "2026-11-20"}

A first load that has not reached its end says where it goes on and which watermarks hold when it is through, under
``first_load``; a stream that catches up with changes says the same under ``catch_up``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_jdedwards.bookmark import BookmarkError, TableBookmark
from tap_jdedwards.marks import MarkError, latest, mark_from_json, mark_to_json, parse_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime


@dataclass(frozen=True)
class Watermark:
    """How far one table of a composed stream has been read.

    Attributes:
        mark: Changes up to here are in the documents; None for a table whose changes do not count.
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
        return cls(mark=mark_from_json(content), effective=_day(content.get("EFTB")))

    def merged(self, other: Watermark) -> Watermark:
        """Take the later of two watermarks, part by part."""
        return Watermark(mark=latest(self.mark, other.mark), effective=_later(self.effective, other.effective))


@dataclass(frozen=True)
class Pass:
    """A pass over the documents of a composed stream that has not reached its end.

    Attributes:
        after: First key value of the last documents written; empty before the first ones.
        tables: The watermarks that hold when the pass is through.
        day: The server's day of which it emits the documents that change with time; None where there are none.
    """

    after: tuple[Any, ...] = ()
    tables: Mapping[str, Watermark] = field(default_factory=dict)
    day: date | None = None


@dataclass(frozen=True)
class ComposedBookmark:
    """State of a composed stream.

    Attributes:
        tables: Watermarks by table; empty before the first load is through.
        under_way: A pass that was cut: the first load when there are no watermarks, else a catch-up.
        day: The server's day for which the documents that change with time have been emitted.
    """

    tables: Mapping[str, Watermark] = field(default_factory=dict)
    under_way: Pass | None = None
    day: date | None = None

    @classmethod
    def from_state(cls, state: Mapping[str, Any], tables: Iterable[str]) -> ComposedBookmark:
        """Read a stream's state.

        Args:
            state: The stream's entry under ``bookmarks``; keys of others are ignored.
            tables: The tables of the stream's definition. A state that lacks one of them was written under another
                definition (see :func:`gained`): the stream is loaded anew.

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
            day, planned_day = _day(state.get("day")), _day(cut.get("day")) if cut else None
        except (MarkError, AttributeError, TypeError) as error:
            raise BookmarkError(f"the state of this stream cannot be read: {error}") from error
        if not isinstance(after, list) or any(type(value) is not int for value in after):
            raise BookmarkError(f"the state of this stream cannot be read: after {after!r} is no list of whole numbers")
        under_way = Pass(after=tuple(after), tables=planned, day=planned_day) if cut and planned else None
        return cls(tables=known, under_way=under_way, day=day if known else None)

    def to_state(self) -> dict[str, Any]:
        """Write the state.

        Returns:
            The stream's entry under ``bookmarks``.
        """
        state = TableBookmark(latest(*(watermark.mark for watermark in self.tables.values()))).to_state()
        if self.tables:
            state["tables"] = _tables_to_json(self.tables)
        if self.day is not None:
            state["day"] = self.day.isoformat()
        if self.under_way is not None:
            cut: dict[str, Any] = {
                "after": list(self.under_way.after),
                "tables": _tables_to_json(self.under_way.tables),
            }
            if self.under_way.day is not None:
                cut["day"] = self.under_way.day.isoformat()
            state["catch_up" if self.tables else "first_load"] = cut
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
            tables={name: mark.merged(self.tables.get(name, Watermark())) for name, mark in reached.items()},
            day=_later(self.day, self.under_way.day),
        )


def gained(state: Mapping[str, Any], tables: Iterable[str]) -> list[str]:
    """List the tables a definition has gained since a state was written.

    Args:
        state: The stream's entry under ``bookmarks``.
        tables: The tables of the definition.

    Returns:
        Those the state does not know; none for a stream without a state.
    """
    known = state.get("tables") or (state.get("first_load") or {}).get("tables")
    return [name for name in tables if name not in known] if known else []


def _tables_to_json(tables: Mapping[str, Watermark]) -> dict[str, dict[str, str]]:
    return {name: watermark.to_json() for name, watermark in tables.items()}


def _watermarks(content: Mapping[str, Any] | None, names: list[str]) -> dict[str, Watermark]:
    if not content or any(name not in content for name in names):
        return {}
    return {name: Watermark.from_json(content[name]) for name in names}


def _day(text: Any) -> date | None:
    moment = parse_mark(text)
    return moment.date() if moment else None


def _later(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day is not None), default=None)
