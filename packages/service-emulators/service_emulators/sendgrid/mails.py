"""Mail: sending it, and how it moves on: processed, deferred, delivered, bounced, dropped."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.sendgrid.checks import check
from service_emulators.sendgrid.errors import SendGridError, problem, simple
from service_emulators.sendgrid.store import decode, encode
from service_emulators.sendgrid.tables import BATCHES, MAILS

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.sendgrid.events import Events
    from service_emulators.sendgrid.requests import Call, Reply
    from service_emulators.sendgrid.store import Store
    from service_emulators.sendgrid.switches import SendGridSwitches

_LARGEST = 30 * 1024 * 1024
_DEFERRED_SECONDS = 300
_DROPPED = {
    "bounces": ("Bounced Address", "bypass_bounce_management"),
    "spam_reports": ("Spam Reporting Address", "bypass_spam_management"),
    "unsubscribes": ("Unsubscribed Address", "bypass_unsubscribe_management"),
    "invalid_emails": ("Invalid", None),
}


class Mails:
    """Takes mail and moves it on.

    Args:
        store: the data.
        switches: behaviours.
        clock: the emulator's clock.
        events: gets what happens to mail.
        seed: decides ids.
    """

    def __init__(
        self, store: Store, switches: SendGridSwitches, clock: EmulatorClock, events: Events, seed: int
    ) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._events = events
        self._seed = seed

    def send(self, call: Call) -> Reply:
        """POST /v3/mail/send."""
        if len(call.body) > _LARGEST:
            raise simple(413, "Payload too large")
        now = self._clock.seconds()
        try:
            mail = msgspec.json.decode(call.body)
        except msgspec.DecodeError as error:
            raise simple(400, "Bad Request") from error
        wrong = check(mail, now)
        if wrong:
            raise SendGridError(400, *wrong)
        self._check_sender(mail["from"]["email"])
        batch = mail.get("batch_id")
        if batch is not None and self._store.one(BATCHES, BATCHES.c.batch_id == batch) is None:
            raise SendGridError(400, problem("batch_id", "The batch id is not valid."))
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return 200, None, []
        rows = list(self._rows(mail))
        number = self._store.count(MAILS)
        if self._switches.credits is not None and number + len(rows) > self._switches.credits:
            raise simple(401, "Maximum credits exceeded")
        message_id = hashlib.sha256(f"{self._seed}/mail {number} {now}".encode()).hexdigest()[:22]
        for position, (email, content, send_at) in enumerate(rows):
            self._store.add(
                MAILS,
                message_id=message_id,
                position=position,
                email=email,
                content=encode(content),
                batch_id=batch,
                status="accepted",
                created_at=now,
                updated_at=now,
                next_at=max(now, send_at or now),
            )
        return 202, None, [(b"x-message-id", message_id.encode())]

    def _check_sender(self, email: str) -> None:
        address = email.lower()
        if not any(address == one or (one[:1] == "@" and address.endswith(one)) for one in self._switches.verified):
            raise SendGridError(
                403,
                {
                    "message": "The from address does not match a verified Sender Identity. Mail cannot be sent until "
                    "this error is resolved.",
                    "field": "from",
                    "help": None,
                },
            )

    @staticmethod
    def _rows(mail: dict[str, Any]) -> Any:
        """Yields address, content and moment of each mail that leaves: one for each recipient."""
        parts = {part["type"]: part["value"] for part in mail.get("content", [])}
        common = mail.get("custom_args")
        common = common if isinstance(common, dict) else {}
        for entry in mail["personalizations"]:
            values = {**common, **entry.get("custom_args", {})}
            visible = [address["email"] for kind in ("to", "cc") for address in entry.get(kind, [])]
            content = {
                "from": entry.get("from", mail["from"]),
                "to": visible,
                "reply_to": mail.get("reply_to"),
                "subject": entry.get("subject") or mail.get("subject", ""),
                "text": parts.get("text/plain"),
                "html": parts.get("text/html"),
                "categories": mail.get("categories", []),
                "custom_args": {name: one if isinstance(one, str) else encode(one) for name, one in values.items()},
                "bypass": [name for name, one in mail.get("mail_settings", {}).items() if one.get("enable")],
            }
            for kind in ("to", "cc", "bcc"):
                for address in entry.get(kind, []):
                    yield address["email"].lower(), content, entry.get("send_at", mail.get("send_at"))

    def advance(self) -> None:
        """Moves on every mail that is due by now; under the store's lock."""
        now = self._clock.seconds()
        while rows := self._store.rows(MAILS, MAILS.c.next_at <= now, order=MAILS.c.next_at, limit=1):
            self._step(rows[0], rows[0]["next_at"])

    def next_at(self) -> float | None:
        """Returns when the next mail moves on; under the store's lock."""
        rows = self._store.rows(MAILS, MAILS.c.next_at.is_not(None), order=MAILS.c.next_at, limit=1)
        return float(rows[0]["next_at"]) if rows else None

    def _step(self, row: Row, at: float) -> None:
        if row["status"] == "accepted":
            self._process(row, at)
            return
        outcome, email = self._store.outcome(row["email"]), row["email"]
        if outcome == "deferred" and row["attempts"] == 0:
            self._move(row, at, "deferred", {"response": "451 try again later", "attempt": "1"}, at + _DEFERRED_SECONDS)
        elif outcome == "bounce":
            reason = "550 5.1.1 no such user"
            self._store.suppress("bounces", email, reason, "5.1.1", at)
            more = {"type": "bounce", "reason": reason, "status": "5.1.1", "bounce_classification": "Invalid Address"}
            self._move(row, at, "bounce", more)
        elif outcome == "blocked":
            reason = "550 5.7.1 blocked by policy"
            self._store.suppress("blocks", email, reason, "5.7.1", at)
            more = {"type": "blocked", "reason": reason, "status": "5.7.1", "bounce_classification": "Reputation"}
            self._move(row, at, "bounce", more)
        else:
            self._move(row, at, "delivered", {"response": "250 OK", "ip": "192.0.2.4", "tls": 1})

    def _process(self, row: Row, at: float) -> None:
        if row["batch_id"] is not None:
            batch = self._store.one(BATCHES, BATCHES.c.batch_id == row["batch_id"])
            status = batch["status"] if batch else ""
            if status == "pause":
                self._store.change(MAILS, MAILS.c.id == row["id"], status="accepted", next_at=None)
                return
            if status == "cancel":
                self._store.change(MAILS, MAILS.c.id == row["id"], status="canceled", next_at=None)
                return
        bypass = set(decode(row["content"])["bypass"])
        for kind, (reason, switch) in _DROPPED.items():
            if kind in self._store.suppressed(row["email"]) and not {"bypass_list_management", switch} & bypass:
                self._move(row, at, "dropped", {"reason": reason})
                return
        self._move(row, at, "processed", {}, at + self._switches.deliver_ms / 1000)

    def _move(self, row: Row, at: float, status: str, more: dict[str, Any], next_at: float | None = None) -> None:
        self._store.change(
            MAILS,
            MAILS.c.id == row["id"],
            status=status,
            updated_at=at,
            next_at=next_at,
            attempts=row["attempts"] + (status == "deferred"),
        )
        self._events.add(row, status, at, more)
