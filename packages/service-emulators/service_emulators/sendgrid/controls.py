"""What the SendGrid emulator adds to the control interface: mailboxes, what people do with mail, events, time."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from service_emulators.control import answer_json, read_json
from service_emulators.sendgrid.store import decode
from service_emulators.sendgrid.tables import MAILBOXES, MAILS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.clock import EmulatorClock
    from service_emulators.due import DueWork
    from service_emulators.sendgrid.events import Events
    from service_emulators.sendgrid.store import Store

_LISTS = {"spamreport": "spam_reports", "unsubscribe": "unsubscribes"}


class _Mailbox(msgspec.Struct, forbid_unknown_fields=True):
    outcome: Literal["delivered", "bounce", "blocked", "deferred"]


class _Feedback(msgspec.Struct, forbid_unknown_fields=True):
    event: Literal["open", "click", "spamreport", "unsubscribe"]


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    seconds: float = 0.0


class MailboxControls:
    """Routes of the control interface.

    Args:
        store: the data.
        clock: moved by `/advance`.
        due: does what is due.
        events: events made.
    """

    def __init__(self, store: Store, clock: EmulatorClock, due: DueWork, events: Events) -> None:
        self._store = store
        self._clock = clock
        self._due = due
        self._events = events

    def routes(self) -> list[Route]:
        """Returns the routes, without the prefix."""
        return [
            Route("/mailboxes", self._mailboxes, methods=["GET"]),
            Route("/mailboxes/{email}", self._mailbox, methods=["GET"]),
            Route("/mailboxes/{email}", self._set_mailbox, methods=["POST"]),
            Route("/mailboxes/{email}/feedback", self._feedback, methods=["POST"]),
            Route("/events", self._made, methods=["GET"]),
            Route("/advance", self._advance, methods=["POST"]),
        ]

    def received(self, email: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Returns what mailboxes received, oldest first, by address."""
        where = [MAILS.c.status == "delivered"]
        if email is not None:
            where.append(MAILS.c.email == email.lower())
        with self._store.lock:
            rows = self._store.rows(MAILS, *where, order=MAILS.c.id)
        result: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            content = decode(row["content"])
            at = datetime.fromtimestamp(row["updated_at"], timezone.utc).isoformat(timespec="seconds")
            names = ("from", "to", "reply_to", "subject", "text", "html")
            shown = {"at": at, **{name: content[name] for name in names}, "message_id": row["message_id"]}
            result.setdefault(row["email"], []).append(shown)
        return result

    async def _mailboxes(self, _request: Request) -> Response:
        await run_in_threadpool(self._due.drain)
        return answer_json(self.received())

    async def _mailbox(self, request: Request) -> Response:
        await run_in_threadpool(self._due.drain)
        email = request.path_params["email"].lower()
        return answer_json(self.received(email).get(email, []))

    async def _set_mailbox(self, request: Request) -> Response:
        given = await read_json(request, _Mailbox)
        email = request.path_params["email"].lower()
        with self._store.lock:
            self._store.remove(MAILBOXES, MAILBOXES.c.email == email)
            self._store.add(MAILBOXES, email=email, outcome=given.outcome)
            self._store.commit()
        return answer_json({"email": email, "outcome": given.outcome})

    async def _feedback(self, request: Request) -> Response:
        event = (await read_json(request, _Feedback)).event
        email = request.path_params["email"].lower()
        await run_in_threadpool(self._due.drain)
        with self._store.lock:
            delivered = (MAILS.c.email == email, MAILS.c.status == "delivered")
            rows = self._store.rows(MAILS, *delivered, order=MAILS.c.id.desc(), limit=1)
            now = self._clock.seconds()
            for row in rows:
                self._events.add(row, event, now, {"url": "https://example.com/"} if event == "click" else {})
                if event in _LISTS:
                    self._store.suppress(_LISTS[event], email, "", "", now)
            self._store.commit()
        self._due.wake()
        return answer_json({"events": len(rows)})

    async def _made(self, _request: Request) -> Response:
        await run_in_threadpool(self._due.drain)
        return answer_json(self._events.public())

    async def _advance(self, request: Request) -> Response:
        self._clock.advance((await read_json(request, _Advance)).seconds)
        await run_in_threadpool(self._due.drain)
        return answer_json({"now": self._clock.now().isoformat()})
