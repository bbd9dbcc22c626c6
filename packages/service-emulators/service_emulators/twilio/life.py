"""How messages move on by themselves: queued, sending, sent, the carrier's word (fact sheet sections 3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.twilio.tables import MESSAGES, SENDERS
from service_emulators.twilio.texts import segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.twilio.callbacks import Callbacks
    from service_emulators.twilio.store import Store
    from service_emulators.twilio.switches import TwilioSwitches

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled"})
_HOUR = 3600.0
_LATE_CODES = 30000


class Life:
    """Moves messages on, each at its own moment, in the order of these moments.

    Args:
        store: the data.
        switches: speed of senders and carriers.
        clock: the emulator's clock.
        callbacks: gets the status callbacks.
        account_sid: account.
    """

    def __init__(
        self, store: Store, switches: TwilioSwitches, clock: EmulatorClock, callbacks: Callbacks, account_sid: str
    ) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._callbacks = callbacks
        self._account_sid = account_sid
        self._steps: dict[str, Callable[[Row, float], None]] = {
            "scheduled": self._from_scheduled,
            "accepted": self._from_accepted,
            "queued": self._from_queued,
            "sending": self._from_sending,
            "sent": self._from_sent,
        }

    def advance(self) -> None:
        """Moves on everything that is due by now; under the store's lock."""
        now = self._clock.seconds()
        while True:
            rows = self._store.rows(MESSAGES, MESSAGES.c.next_at <= now, order=MESSAGES.c.next_at, limit=1)
            if not rows:
                return
            row = rows[0]
            self._steps[row["status"]](row, row["next_at"])

    def next_at(self) -> float | None:
        """Returns when the next message moves on; under the store's lock."""
        rows = self._store.rows(MESSAGES, MESSAGES.c.next_at.is_not(None), order=MESSAGES.c.next_at, limit=1)
        return float(rows[0]["next_at"]) if rows else None

    def queue_full(self, sender: Row, at: float) -> bool:
        """Returns whether a sender's queue holds all it can."""
        return max(0.0, float(sender["free_at"]) - at) >= self._switches.queue_hours * _HOUR

    def enqueue(self, row: Row, at: float) -> dict[str, Any]:
        """Puts a message with a sender into that sender's queue.

        Args:
            row: message, as stored or about to be; `sender` and `segments` are known.
            at: present moment.

        Returns:
            What to store of it in addition.
        """
        sender = self._store.sender(row["sender"])
        assert sender is not None  # noqa: S101 - checked when the message came in
        start = max(at, float(sender["free_at"]))
        expires = row["valid_from"] + row["validity"]
        if start >= expires:
            # Expires while it waits, so it takes none of the sender's time.
            return {"status": "queued", "next_at": expires}
        free_at = start + self._duration(row["segments"])
        self._store.change(SENDERS, SENDERS.c.number == row["sender"], free_at=free_at)
        return {"status": "queued", "next_at": start}

    def _duration(self, count: int) -> float:
        speed = self._switches.segments_per_second
        return count / speed if speed else 0.0

    def _from_scheduled(self, row: Row, at: float) -> None:
        self._move(row, at, status="accepted", next_at=at + self._switches.accept_ms / 1000)

    def _from_accepted(self, row: Row, at: float) -> None:
        pool = self._store.rows(SENDERS, SENDERS.c.service_sid == row["service_sid"], order=SENDERS.c.free_at)
        pinned = [one for one in pool if one["number"] == row["sender"]]
        if not pool:
            self._fail(row, at, 30008)
            return
        chosen = (pinned or pool)[0]
        row = {**row, "sender": chosen["number"], "segments": segments(row["body"])}
        if self.queue_full(chosen, at):
            self._fail(row, at, 30001)
            return
        self._move(row, at, sender=row["sender"], segments=row["segments"], **self.enqueue(row, at))

    def _from_queued(self, row: Row, at: float) -> None:
        if self._switches.suspended:
            self._fail(row, at, 30002)
        elif at >= row["valid_from"] + row["validity"]:
            self._fail(row, at, 30036)
        else:
            self._move(row, at, status="sending", next_at=at + self._duration(row["segments"]))

    def _from_sending(self, row: Row, at: float) -> None:
        receipt = at + self._switches.deliver_ms / 1000 if self._switches.receipts else None
        self._move(row, at, status="sent", sent_at=at, next_at=receipt)

    def _from_sent(self, row: Row, at: float) -> None:
        code = self._store.phone(row["recipient"])["code"]
        if code is not None and code >= _LATE_CODES:
            self._move(row, at, status="undelivered", error_code=code, next_at=None)
            return
        self._move(row, at, status="delivered", next_at=None)
        self._store.receive(row["recipient"], "sms", row["sender"], row["body"], row["sid"], at)

    def _fail(self, row: Row, at: float, code: int) -> None:
        self._move(row, at, status="failed", error_code=code, next_at=None)

    def _move(self, row: Row, at: float, **values: Any) -> None:
        """Stores what changes and tells the status callback."""
        self._store.change(MESSAGES, MESSAGES.c.id == row["id"], updated_at=at, **values)
        now = {**row, **values}
        if now["callback"]:
            final = now["status"] in FINAL or now["next_at"] is None
            self._callbacks.plan(now["sid"], now["callback"], self._parameters(now), final=final)

    def _parameters(self, row: Row) -> dict[str, str]:
        parameters = {
            "MessageSid": row["sid"],
            "SmsSid": row["sid"],
            "MessageStatus": row["status"],
            "SmsStatus": row["status"],
            "To": row["recipient"],
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
        }
        if row["sender"]:
            parameters["From"] = row["sender"]
        if row["service_sid"]:
            parameters["MessagingServiceSid"] = row["service_sid"]
        if row["error_code"]:
            parameters["ErrorCode"] = str(row["error_code"])
        return parameters
