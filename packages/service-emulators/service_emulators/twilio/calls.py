"""The Calls resource: calls that say a text (fact sheet section 12)."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

from service_emulators.twilio.errors import bad_request, not_found, refused
from service_emulators.twilio.forms import check_callback, is_e164, is_twiml
from service_emulators.twilio.tables import CALLS
from service_emulators.twilio.times import rfc2822

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.twilio.callbacks import Callbacks
    from service_emulators.twilio.forms import Call
    from service_emulators.twilio.identity import Identity
    from service_emulators.twilio.store import Store
    from service_emulators.twilio.switches import TwilioSwitches

PARAMETERS = frozenset(
    [
        "To",
        "From",
        "Method",
        "FallbackUrl",
        "FallbackMethod",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "SendDigits",
        "Timeout",
        "Record",
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackMethod",
        "SipAuthUsername",
        "SipAuthPassword",
        "MachineDetection",
        "MachineDetectionTimeout",
        "RecordingStatusCallbackEvent",
        "Trim",
        "CallerId",
        "MachineDetectionSpeechThreshold",
        "MachineDetectionSpeechEndThreshold",
        "MachineDetectionSilenceTimeout",
        "AsyncAmd",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        "Byoc",
        "CallReason",
        "CallToken",
        "RecordingTrack",
        "TimeLimit",
        "ClientNotificationUrl",
        "Url",
        "Twiml",
        "ApplicationSid",
    ]
)
_EVENTS = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}
_ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_LONGEST_TWIML = 4000
_LONGEST_TIMEOUT = 600
_MAGIC_TO = {"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216}
_MAGIC_SENDER = "+15005550006"
_RING_SECONDS, _WORDS_A_SECOND = 4.0, 2.5
_OFF, _BLOCKED = 30003, 30004


class Calls:
    """Handlers of one account's calls, and what becomes of these.

    Args:
        store: the data.
        switches: behaviours.
        clock: the emulator's clock.
        callbacks: gets the status callbacks.
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

    def create(self, call: Call) -> tuple[int, Any]:
        """POST Calls.json."""
        call.only(PARAMETERS, strict=self._switches.unknown_parameters == "refuse")
        to, sender = call.value("To"), call.value("From")
        if to is None:
            raise refused(21201)
        if sender is None:
            raise refused(21213)
        self._check(to, sender, test=call.test)
        spoken, now = _spoken(call), self._clock.seconds()
        check_callback(call.value("StatusCallback"))
        events = call.form.get("StatusCallbackEvent", ["completed"])
        if not set(events) <= {"initiated", "ringing", "answered", "completed"}:
            raise bad_request(21626, "Invalid 'StatusCallbackEvent'")
        row: Row = {
            "status": "queued",
            "sender": sender,
            "recipient": to,
            "spoken": spoken,
            "created_at": now,
            "updated_at": now,
            "started_at": None,
            "ended_at": None,
            "next_at": now + 1,
            "timeout": _timeout(call),
            "callback": call.value("StatusCallback"),
            "events": " ".join(events),
            "sequence": 0,
            "answered_by": "human" if call.value("MachineDetection") else None,
        }
        if call.test:
            row["sid"] = self._identity.call(0)
            return 201, self._public(row, self._identity.test_account_sid)
        number = self._store.add(CALLS, **row, sid="")
        row["sid"] = self._identity.call(number)
        self._store.change(CALLS, CALLS.c.id == number, sid=row["sid"])
        self._tell({**row, "id": number}, "initiated")
        call.cost = 1
        return 201, self._public(row)

    def _check(self, to: str, sender: str, *, test: bool) -> None:
        if test:
            code = {_MAGIC_SENDER: None, "+15005550001": 21212}.get(sender, 21210)
            code = code or _MAGIC_TO.get(to)
        elif not is_e164(sender):
            code = 21212
        elif self._store.sender(sender) is None:
            code = 21210
        elif any(to.startswith(start) for start in self._switches.no_permission):
            code = 21215
        else:
            code = None
        if code is None and not is_e164(to):
            code = 21217
        if code is not None:
            raise refused(code, to=to, sender=sender)

    def advance(self) -> None:
        """Moves on every call that is due by now; under the store's lock."""
        now = self._clock.seconds()
        while rows := self._store.rows(CALLS, CALLS.c.next_at <= now, order=CALLS.c.next_at, limit=1):
            self._step(rows[0], rows[0]["next_at"])

    def next_at(self) -> float | None:
        """Returns when the next call moves on; under the store's lock."""
        rows = self._store.rows(CALLS, CALLS.c.next_at.is_not(None), order=CALLS.c.next_at, limit=1)
        return float(rows[0]["next_at"]) if rows else None

    def _step(self, row: Row, at: float) -> None:
        code = self._store.phone(row["recipient"])["code"]
        if row["status"] == "queued":
            if code is not None and code > _OFF:
                self._move(row, at, status="busy" if code == _BLOCKED else "failed", next_at=None, ended_at=at)
                return
            wait = row["timeout"] if code == _OFF else _RING_SECONDS
            self._move(row, at, status="ringing", next_at=at + wait)
        elif row["status"] == "ringing":
            if code == _OFF:
                self._move(row, at, status="no-answer", next_at=None, ended_at=at)
                return
            length = 1 + len(row["spoken"].split()) / _WORDS_A_SECOND
            self._move(row, at, status="in-progress", started_at=at, next_at=at + length)
            self._store.receive(row["recipient"], "call", row["sender"], row["spoken"], row["sid"], at)
        else:
            self._move(row, at, status="completed", next_at=None, ended_at=at)

    def _move(self, row: Row, at: float, **values: Any) -> None:
        self._store.change(CALLS, CALLS.c.id == row["id"], updated_at=at, **values)
        now = {**row, **values}
        self._tell(now, "completed" if now["status"] in _ENDED else _EVENTS[now["status"]])

    def _tell(self, row: Row, event: str) -> None:
        if not row["callback"] or event not in row["events"].split():
            return
        parameters = {
            "CallSid": row["sid"],
            "CallStatus": "initiated" if event == "initiated" else row["status"],
            "AccountSid": self._identity.account_sid,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            "From": row["sender"],
            "To": row["recipient"],
            "SequenceNumber": str(row["sequence"]),
            "Timestamp": rfc2822(self._clock.seconds()),
        }
        if row["started_at"] is not None and row["ended_at"] is not None:
            parameters["CallDuration"] = str(round(row["ended_at"] - row["started_at"]))
        if row["answered_by"] and row["started_at"] is not None:
            parameters["AnsweredBy"] = row["answered_by"]
        self._store.change(CALLS, CALLS.c.id == row["id"], sequence=row["sequence"] + 1)
        self._callbacks.plan(row["sid"], row["callback"], parameters, final=row["status"] in _ENDED)

    def _find(self, call: Call) -> Row:
        row = self._store.one(CALLS, CALLS.c.sid == call.args["sid"])
        if row is None:
            raise not_found(call.path)
        return row

    def fetch(self, call: Call) -> tuple[int, Any]:
        """GET Calls/{sid}.json."""
        return 200, self._public(self._find(call))

    def change(self, call: Call) -> tuple[int, Any]:
        """POST Calls/{sid}.json: ends a call."""
        row, status = self._find(call), call.value("Status")
        call.only({"Status"}, strict=self._switches.unknown_parameters == "refuse")
        if status not in {"canceled", "completed"}:
            raise bad_request(20001, "Status must be 'canceled' or 'completed'")
        if row["status"] in _ENDED or (status == "canceled" and row["status"] == "in-progress"):
            raise bad_request(21220, "Invalid call state")
        now = self._clock.seconds()
        self._move(row, now, status=status, next_at=None, ended_at=now)
        return 200, self._public(self._find(call))

    def page(self, call: Call) -> tuple[int, Any]:
        """GET Calls.json: the newest 1,000, by To and From; one page."""
        unknown = sorted(set(call.query) - {"To", "From", "Status", "PageSize"})
        if unknown:
            raise bad_request(20001, f"Unknown parameters: {', '.join(unknown)}")
        columns = {"To": CALLS.c.recipient, "From": CALLS.c.sender, "Status": CALLS.c.status}
        where = [column == call.query[name] for name, column in columns.items() if name in call.query]
        rows = self._store.rows(CALLS, *where, order=CALLS.c.id.desc(), limit=1000)
        return 200, {
            "calls": [self._public(row) for row in rows],
            "first_page_uri": f"{call.path}?PageSize=1000&Page=0",
            "previous_page_uri": None,
            "next_page_uri": None,
            "uri": call.path,
            "page": 0,
            "page_size": 1000,
            "start": 0,
            "end": max(len(rows) - 1, 0),
        }

    def _public(self, row: Row, account_sid: str | None = None) -> dict[str, Any]:
        account_sid = account_sid or self._identity.account_sid
        uri = f"/2010-04-01/Accounts/{account_sid}/Calls/{row['sid']}"
        started, ended = row["started_at"], row["ended_at"]
        return {
            "sid": row["sid"],
            "date_created": rfc2822(row["created_at"]),
            "date_updated": rfc2822(row["updated_at"]),
            "parent_call_sid": None,
            "account_sid": account_sid,
            "to": row["recipient"],
            "to_formatted": row["recipient"],
            "from": row["sender"],
            "from_formatted": row["sender"],
            "phone_number_sid": None,
            "status": row["status"],
            "start_time": None if started is None else rfc2822(started),
            "end_time": None if ended is None else rfc2822(ended),
            "duration": None if ended is None else str(round(ended - started) if started is not None else 0),
            "price": None,
            "price_unit": "USD",
            "direction": "outbound-api",
            "answered_by": row["answered_by"] if started is not None else None,
            "api_version": "2010-04-01",
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": None,
            "queue_time": "0",
            "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"events": f"{uri}/Events.json", "recordings": f"{uri}/Recordings.json"},
        }


def _timeout(call: Call) -> int:
    text = call.value("Timeout") or "60"
    if not text.isdigit() or int(text) > _LONGEST_TIMEOUT:
        raise bad_request(20001, f"Timeout {text} is out of range")
    return int(text)


def _spoken(call: Call) -> str:
    """Returns what a call says; of a `Url` nothing is fetched, so its address stands for it."""
    url, twiml = call.value("Url"), call.value("Twiml")
    if url is not None:
        return url
    if twiml is None:
        if call.value("ApplicationSid") is None:
            raise bad_request(21205, "Url, Twiml or ApplicationSid is required")
        return str(call.value("ApplicationSid"))
    if len(twiml) > _LONGEST_TWIML:
        raise bad_request(20001, f"Twiml is longer than {_LONGEST_TWIML} characters")
    if not is_twiml(twiml):
        raise bad_request(12100, "Document parse failure")
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", twiml)).split())
