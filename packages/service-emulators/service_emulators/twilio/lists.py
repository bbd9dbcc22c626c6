"""Lists of messages: newest first, in pages, filtered by To, From and DateSent (fact sheet section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import and_

from service_emulators.twilio.errors import bad_request
from service_emulators.twilio.tables import MESSAGES
from service_emulators.twilio.times import read_moment

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from service_emulators.twilio.forms import Call
    from service_emulators.twilio.messages import Messages
    from service_emulators.twilio.store import Store

_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")
_PAGING = ("PageSize", "Page", "PageToken")
_MOST, _USUAL = 1000, 50
_DAY, _DAY_LENGTH = 86400.0, len("2026-01-09")


class MessageLists:
    """GET Messages.json.

    Args:
        store: the data.
        messages: shows a message.
    """

    def __init__(self, store: Store, messages: Messages) -> None:
        self._store = store
        self._messages = messages

    def page(self, call: Call) -> tuple[int, Any]:
        """Returns one page."""
        unknown = sorted(set(call.query) - {*_FILTERS, *_PAGING})
        if unknown:
            raise bad_request(20001, f"Unknown parameters: {', '.join(unknown)}")
        size, page = _number(call, "PageSize", _USUAL), _number(call, "Page", 0)
        if not 1 <= size <= _MOST:
            size = _MOST if size > _MOST else _USUAL
        where = self._where(call)
        token = call.query.get("PageToken")
        if (token is None) != (page == 0):
            raise bad_request(21481, "Invalid PageToken")
        if token is not None:
            last = self._store.one(MESSAGES, MESSAGES.c.sid == token.removeprefix("PA"))
            if last is None or not token.startswith("PA"):
                raise bad_request(21481, "Invalid PageToken")
            where.append(MESSAGES.c.id < last["id"])
        rows = self._store.rows(MESSAGES, *where, order=MESSAGES.c.id.desc(), limit=size + 1)
        more, rows = len(rows) > size, rows[:size]
        kept = {name: call.query[name] for name in _FILTERS if name in call.query}

        def address(**paging: Any) -> str:
            return f"{call.path}?{urlencode({**kept, 'PageSize': size, **paging})}"

        return 200, {
            "first_page_uri": address(Page=0),
            "end": page * size + len(rows) - 1 if rows else page * size,
            "previous_page_uri": None,  # lists are not walked backwards here
            "messages": [self._messages.public(row) for row in rows],
            "uri": address(Page=page, **({"PageToken": token} if token else {})),
            "page_size": size,
            "start": page * size,
            "next_page_uri": address(Page=page + 1, PageToken=f"PA{rows[-1]['sid']}") if more else None,
            "page": page,
        }

    def _where(self, call: Call) -> list[ColumnElement[bool]]:
        where: list[ColumnElement[bool]] = [MESSAGES.c.deleted.is_(False)]
        if "To" in call.query:
            where.append(MESSAGES.c.recipient == call.query["To"])
        if "From" in call.query:
            where.append(MESSAGES.c.sender == call.query["From"])
        sent = MESSAGES.c.sent_at  # a message that waits has none, and so is in no list by date
        for name in ("DateSent", "DateSent<", "DateSent>"):
            text = call.query.get(name)
            if text is None:
                continue
            moment = read_moment(text)
            if moment is None:
                raise bad_request(20001, f"Invalid date: {text}")
            length = 1.0 if len(text) > _DAY_LENGTH else _DAY
            conditions = {
                "DateSent": and_(sent >= moment, sent < moment + length),
                "DateSent<": sent < moment + length,
                "DateSent>": sent >= moment,
            }
            where.append(conditions[name])
        return where


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise bad_request(20001, f"{name} must be a whole number")
    return int(text)
