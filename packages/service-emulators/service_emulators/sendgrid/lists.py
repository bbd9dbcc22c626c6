"""Suppression lists, batches of scheduled mail, and the Email Activity add-on."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from service_emulators.sendgrid.errors import SendGridError, problem, simple
from service_emulators.sendgrid.store import decode
from service_emulators.sendgrid.tables import BATCHES, MAILS, SUPPRESSIONS

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.sendgrid.requests import Call, Reply
    from service_emulators.sendgrid.store import Store
    from service_emulators.sendgrid.switches import SendGridSwitches

_MOST, _USUAL, _MOST_BATCHES = 500, 500, 10
_QUERY = re.compile(r'\s*(to_email|from_email|subject|msg_id|unique_args\[[\'"]\w+[\'"]\])\s*=\s*"([^"]*)"\s*')
_DONE = {"delivered": "delivered", "bounce": "not_delivered", "dropped": "not_delivered"}


class Suppressions:
    """Handlers of bounces, blocks, spam reports, invalid addresses and global unsubscribes."""

    def __init__(self, store: Store, clock: EmulatorClock) -> None:
        self._store = store
        self._clock = clock

    def page(self, call: Call) -> Reply:
        """GET /v3/suppression/{kind}."""
        start, end = call.number("start_time", 0), call.number("end_time", 1 << 40)
        limit, offset = min(call.number("limit", _USUAL), _MOST), call.number("offset", 0)
        where = (
            SUPPRESSIONS.c.kind == self._kind(call),
            SUPPRESSIONS.c.created_at >= start,
            SUPPRESSIONS.c.created_at <= end,
        )
        rows = self._store.rows(SUPPRESSIONS, *where, order=SUPPRESSIONS.c.created_at.desc())
        return 200, [self._public(row) for row in rows[offset : offset + limit]], []

    def fetch(self, call: Call) -> Reply:
        """GET /v3/suppression/{kind}/{email}: a list of one or none."""
        rows = self._store.rows(SUPPRESSIONS, *self._where(call))
        return 200, [self._public(row) for row in rows], []

    def remove(self, call: Call) -> Reply:
        """DELETE /v3/suppression/{kind}/{email}."""
        if not self._store.remove(SUPPRESSIONS, *self._where(call)):
            raise simple(404, "email not found")
        return 204, None, []

    def unsubscribe(self, call: Call) -> Reply:
        """POST /v3/asm/suppressions/global."""
        emails = call.json().get("recipient_emails")
        if not isinstance(emails, list) or not all(isinstance(one, str) for one in emails):
            raise SendGridError(400, problem("recipient_emails", "An array of addresses is required."))
        for email in emails:
            self._store.suppress("unsubscribes", email.lower(), "", "", self._clock.seconds())
        return 201, {"recipient_emails": emails}, []

    def unsubscribed(self, call: Call) -> Reply:
        """GET /v3/asm/suppressions/global/{email}."""
        email = call.args["email"]
        found = "unsubscribes" in self._store.suppressed(email.lower())
        return 200, {"recipient_email": email} if found else {}, []

    def resubscribe(self, call: Call) -> Reply:
        """DELETE /v3/asm/suppressions/global/{email}."""
        email = call.args["email"].lower()
        self._store.remove(SUPPRESSIONS, SUPPRESSIONS.c.kind == "unsubscribes", SUPPRESSIONS.c.email == email)
        return 204, None, []

    def _where(self, call: Call) -> tuple[Any, Any]:
        return SUPPRESSIONS.c.kind == self._kind(call), SUPPRESSIONS.c.email == call.args["email"].lower()

    @staticmethod
    def _kind(call: Call) -> str:
        kind = call.args["kind"]
        if kind not in {"bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes"}:
            raise simple(404, "not found")
        return kind

    @staticmethod
    def _public(row: Row) -> dict[str, Any]:
        if row["kind"] == "unsubscribes":
            return {"email": row["email"], "created": row["created_at"]}
        if row["kind"] == "spam_reports":
            return {"email": row["email"], "created": row["created_at"], "ip": "192.0.2.4"}
        values = {"created": row["created_at"], "email": row["email"], "reason": row["reason"]}
        return values if row["kind"] == "invalid_emails" else {**values, "status": row["status"]}


class Batches:
    """Handlers of batch ids and of pausing or cancelling what was scheduled with one."""

    def __init__(self, store: Store, clock: EmulatorClock) -> None:
        self._store = store
        self._clock = clock

    def create(self, _call: Call) -> Reply:
        """POST /v3/mail/batch."""
        number = self._store.count(BATCHES)
        batch_id = hashlib.sha256(f"batch {number} {self._clock.seconds()}".encode()).hexdigest()[:48]
        self._store.add(BATCHES, batch_id=batch_id, status="")
        return 201, {"batch_id": batch_id}, []

    def fetch(self, call: Call) -> Reply:
        """GET /v3/mail/batch/{batch_id}."""
        return 200, {"batch_id": self._row(call.args["batch_id"])["batch_id"]}, []

    def stop(self, call: Call) -> Reply:
        """POST /v3/user/scheduled_sends: pauses or cancels."""
        given = call.json()
        row, status = self._row(str(given.get("batch_id"))), self._status(given)
        if row["status"]:
            raise simple(400, "a status update already exists for this batch_id")
        if len(self._store.rows(BATCHES, BATCHES.c.status != "")) >= _MOST_BATCHES:
            raise simple(400, "you may have at most 10 batches paused or cancelled")
        self._store.change(BATCHES, BATCHES.c.batch_id == row["batch_id"], status=status)
        return 201, {"batch_id": row["batch_id"], "status": status}, []

    def page(self, _call: Call) -> Reply:
        """GET /v3/user/scheduled_sends."""
        rows = self._store.rows(BATCHES, BATCHES.c.status != "")
        return 200, [{"batch_id": row["batch_id"], "status": row["status"]} for row in rows], []

    def stopped(self, call: Call) -> Reply:
        """GET /v3/user/scheduled_sends/{batch_id}: a list of one or none."""
        row = self._row(call.args["batch_id"])
        return 200, [{"batch_id": row["batch_id"], "status": row["status"]}] if row["status"] else [], []

    def change(self, call: Call) -> Reply:
        """PATCH /v3/user/scheduled_sends/{batch_id}."""
        row, status = self._row(call.args["batch_id"]), self._status(call.json())
        if not row["status"]:
            raise simple(404, "batch id not found")
        self._store.change(BATCHES, BATCHES.c.batch_id == row["batch_id"], status=status)
        return 204, None, []

    def resume(self, call: Call) -> Reply:
        """DELETE /v3/user/scheduled_sends/{batch_id}: what was paused goes out."""
        row = self._row(call.args["batch_id"])
        self._store.change(BATCHES, BATCHES.c.batch_id == row["batch_id"], status="")
        waiting = (MAILS.c.batch_id == row["batch_id"], MAILS.c.status == "accepted", MAILS.c.next_at.is_(None))
        self._store.change(MAILS, *waiting, next_at=self._clock.seconds())
        return 204, None, []

    def _row(self, batch_id: str) -> Row:
        row = self._store.one(BATCHES, BATCHES.c.batch_id == batch_id)
        if row is None:
            raise simple(404, "batch id not found")
        return row

    @staticmethod
    def _status(given: dict[str, Any]) -> str:
        status = given.get("status")
        if status not in {"pause", "cancel"}:
            raise SendGridError(400, problem("status", "status must be either cancel or pause"))
        return str(status)


class Activity:
    """Handlers of the Email Activity API, which accounts pay for in addition."""

    def __init__(self, store: Store, switches: SendGridSwitches) -> None:
        self._store = store
        self._switches = switches

    def page(self, call: Call) -> Reply:
        """GET /v3/messages: conditions joined by AND, newest first."""
        self._admit()
        limit = call.number("limit", 10)
        conditions = []
        for part in re.split(r"\bAND\b", call.query.get("query", "")):
            found = _QUERY.fullmatch(part)
            if part.strip() and found is None:
                raise simple(400, "invalid query")
            if found:
                conditions.append((found[1], found[2]))
        shown = []
        for row in self._store.rows(MAILS, order=MAILS.c.id.desc()):
            content = decode(row["content"])
            if all(self._value(row, content, name) == value for name, value in conditions):
                shown.append(self._public(row, content))
        return 200, {"messages": shown[:limit]}, []

    def _admit(self) -> None:
        if not self._switches.activity:
            raise simple(403, "access forbidden")

    @staticmethod
    def _value(row: Row, content: dict[str, Any], name: str) -> str | None:
        if name.startswith("unique_args"):
            found: str | None = content["custom_args"].get(name[len("unique_args['") : -2])
            return found
        known = {
            "to_email": row["email"],
            "from_email": content["from"]["email"],
            "subject": content["subject"],
            "msg_id": _id(row),
        }
        return str(known[name])

    @staticmethod
    def _public(row: Row, content: dict[str, Any]) -> dict[str, Any]:
        at = datetime.fromtimestamp(int(row["updated_at"]), timezone.utc)
        return {
            "from_email": content["from"]["email"],
            "msg_id": _id(row),
            "subject": content["subject"],
            "to_email": row["email"],
            "status": _DONE.get(row["status"], "processed"),
            "opens_count": 0,
            "clicks_count": 0,
            "last_event_time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _id(row: Row) -> str:
    return f"{row['message_id']}.recvd-7f-1-{row['position']}.0"
