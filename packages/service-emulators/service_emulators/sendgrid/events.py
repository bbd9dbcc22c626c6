"""Events and their webhooks: batches, signed, in the order of the switches, repeated for a day (section 16)."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.posting import post
from service_emulators.sendgrid.store import decode, encode
from service_emulators.sendgrid.tables import EVENTS, POSTS, WEBHOOKS

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.sendgrid.signing import EventKey
    from service_emulators.sendgrid.store import Store
    from service_emulators.sendgrid.switches import SendGridSwitches

_REPEAT_SECONDS, _DAY = 600.0, 86400.0
_LARGEST_BATCH = 768 * 1024
_SETTING = {"spamreport": "spam_report"}
_GOOD = range(200, 300)


class Events:
    """Events made and the posts that tell of them.

    Args:
        store: the data.
        switches: what happens to posts on their way.
        clock: the emulator's clock.
        key: key of the signatures.
        seed: decides ids.
    """

    def __init__(
        self, store: Store, switches: SendGridSwitches, clock: EmulatorClock, key: EventKey, seed: int
    ) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._key = key
        self._seed = seed

    def add(self, mail: Row, event: str, at: float, more: dict[str, Any]) -> None:
        """Makes an event of a mail; under the store's lock."""
        content = decode(mail["content"])
        number = self._store.count(EVENTS)
        made: dict[str, Any] = {
            "email": mail["email"],
            "timestamp": int(at),
            "smtp-id": f"<{mail['message_id']}.{mail['position']}@ismtpd-1>",
            "event": event,
        }
        if content["categories"]:
            categories = content["categories"]
            made["category"] = categories[0] if len(categories) == 1 else categories
        made |= {
            "sg_event_id": self._event_id(number, 0),
            "sg_message_id": f"{mail['message_id']}.recvd-7f-1-{mail['position']}.0",
            **more,
            **content["custom_args"],
        }
        self._plan(self._store.add(EVENTS, content=encode(made), made_at=at), event, at)

    def _event_id(self, number: int, attempt: int) -> str:
        return hashlib.sha256(f"{self._seed}/event {number} {attempt}".encode()).hexdigest()[:22]

    def _plan(self, number: int, event: str, at: float) -> None:
        if not self._switches.event_copies:
            return
        for webhook in self._store.rows(WEBHOOKS):
            settings = decode(webhook["settings"])
            if settings.get("enabled") and settings.get(_SETTING.get(event, event)):
                due = at + self._switches.events_seconds
                self._store.add(POSTS, event_id=number, webhook_id=webhook["id"], due_at=due, until=due + _DAY)

    def next_at(self) -> float | None:
        """Returns when the next post is due; under the store's lock."""
        rows = self._store.rows(POSTS, order=POSTS.c.due_at, limit=1)
        return float(rows[0]["due_at"]) if rows else None

    def make(self) -> bool:
        """Posts one batch if any is due; returns whether one was. Not under the lock: receivers may ask."""
        now = self._clock.seconds()
        with self._store.lock:
            due = self._store.rows(POSTS, POSTS.c.due_at <= now, order=POSTS.c.due_at)
            if not due:
                return False
            webhook_id = due[0]["webhook_id"]
            webhook = self._store.one(WEBHOOKS, WEBHOOKS.c.id == webhook_id)
            chosen, body = self._batch([row for row in due if row["webhook_id"] == webhook_id])
        good = webhook is None or self._post_copies(webhook, body)
        with self._store.lock:
            for row in chosen:
                where = (POSTS.c.event_id == row["event_id"], POSTS.c.webhook_id == webhook_id)
                if good or now + _REPEAT_SECONDS > row["until"]:
                    self._store.remove(POSTS, *where)
                else:
                    self._store.change(POSTS, *where, due_at=now + _REPEAT_SECONDS, tries=row["tries"] + 1)
            self._store.commit()
        return True

    def _batch(self, posts: list[Row]) -> tuple[list[Row], bytes]:
        """Returns the posts that go out together and the body."""
        order = self._switches.event_order
        posts = sorted(posts, key=lambda row: row["event_id"], reverse=order == "reversed")
        if order == "shuffled":
            random.Random(posts[0]["event_id"]).shuffle(posts)  # noqa: S311 - the same order each time
        chosen: list[Row] = []
        parts: list[bytes] = []
        size = 2
        for row in posts:
            event = self._store.one(EVENTS, EVENTS.c.id == row["event_id"])
            content = decode(event["content"]) if event else {}
            if row["tries"] and self._switches.event_ids == "changing":
                content["sg_event_id"] = self._event_id(row["event_id"], row["tries"])
            part = msgspec.json.encode(content)
            size += len(part) + 1
            if chosen and size > _LARGEST_BATCH:
                break
            chosen.append(row)
            parts.append(part)
        return chosen, b"[" + b",\r\n".join(parts) + b"]\r\n"

    def _post_copies(self, webhook: Row, body: bytes) -> bool:
        results = [self._post(webhook, body) for _ in range(self._switches.event_copies)]
        return all(results)

    def _post(self, webhook: Row, body: bytes) -> bool:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "SendGrid Event API"}
        if webhook["signed"]:
            timestamp = str(int(self._clock.seconds()))
            headers["X-Twilio-Email-Event-Webhook-Timestamp"] = timestamp
            headers["X-Twilio-Email-Event-Webhook-Signature"] = self._key.sign(timestamp, body)
        return post(decode(webhook["settings"])["url"], body, headers) in _GOOD

    def public(self) -> list[dict[str, Any]]:
        """Returns the events made, oldest first."""
        with self._store.lock:
            return [decode(row["content"]) for row in self._store.rows(EVENTS, order=EVENTS.c.id)]
