"""Texts that people send: opting out and in, and the webhook that hears of them (fact sheet section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.twilio.tables import MESSAGES
from service_emulators.twilio.texts import segments

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.twilio.callbacks import Callbacks
    from service_emulators.twilio.identity import Identity
    from service_emulators.twilio.store import Store
    from service_emulators.twilio.switches import TwilioSwitches

_HELP = frozenset({"HELP", "INFO"})
_REPLIES = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class Inbound:
    """Takes texts in.

    Args:
        store: the data.
        switches: the words of opting out, and the webhook.
        clock: the emulator's clock.
        callbacks: makes the call of the webhook.
        identity: account and SIDs.
    """

    def __init__(
        self, store: Store, switches: TwilioSwitches, clock: EmulatorClock, callbacks: Callbacks, identity: Identity
    ) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._callbacks = callbacks
        self._identity = identity

    def take(self, person: str, number: str, text: str) -> str:
        """Takes a text in; under the store's lock.

        Args:
            person: number of the phone it comes from.
            number: number of the account it is sent to.
            text: what it says.

        Returns:
            Its SID.

        Raises:
            ValueError: the account has no such number.
        """
        sender = self._store.sender(number)
        if sender is None:
            raise ValueError(f"the account has no number {number}")
        now = self._clock.seconds()
        row: Row = {
            "direction": "inbound",
            "status": "received",
            "sender": person,
            "recipient": number,
            "body": text,
            "media": 0,
            "segments": segments(text),
            "service_sid": sender["service_sid"],
            "created_at": now,
            "updated_at": now,
            "sent_at": now,
            "valid_from": now,
        }
        identifier = self._store.add(MESSAGES, **row, sid="")
        sid = self._identity.message(identifier, row)
        self._store.change(MESSAGES, MESSAGES.c.id == identifier, sid=sid)
        kind = self._kind(text)
        if kind in {"STOP", "START"}:
            self._store.opt_out(sender["service_sid"] or number, person, out=kind == "STOP")
        if kind is not None:
            self._store.receive(person, "sms", number, _REPLIES[kind], None, now)
        if self._switches.inbound_url:
            self._call(sid, row, kind)
        self._store.commit()
        return sid

    def _kind(self, text: str) -> str | None:
        word = text.strip().upper()
        if word in {one.upper() for one in self._switches.stop_words}:
            return "STOP"
        if word in {one.upper() for one in self._switches.start_words}:
            return "START"
        return "HELP" if word in _HELP else None

    def _call(self, sid: str, row: Row, kind: str | None) -> None:
        parameters = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "SmsStatus": "received",
            "AccountSid": self._identity.account_sid,
            "ApiVersion": "2010-04-01",
            "From": row["sender"],
            "To": row["recipient"],
            "Body": row["body"],
            "NumMedia": "0",
            "NumSegments": str(row["segments"]),
        }
        if row["service_sid"]:
            parameters["MessagingServiceSid"] = row["service_sid"]
            if kind is not None:
                parameters["OptOutType"] = kind
        self._callbacks.plan(sid, self._switches.inbound_url, parameters, final=True, status=False)
