"""The Messages resource: create, fetch, cancel, redact, delete (fact sheet sections 2, 7, 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.twilio.errors import OUTCOMES, bad_request, not_found, refused
from service_emulators.twilio.forms import check_callback, is_e164
from service_emulators.twilio.life import FINAL
from service_emulators.twilio.tables import MESSAGES, SENDERS
from service_emulators.twilio.texts import LONGEST, segments, smart
from service_emulators.twilio.times import read_moment, rfc2822

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.row_store import Row
    from service_emulators.twilio.forms import Call
    from service_emulators.twilio.identity import Identity
    from service_emulators.twilio.life import Life
    from service_emulators.twilio.store import Store
    from service_emulators.twilio.switches import TwilioSwitches

PARAMETERS = frozenset(
    [
        "To",
        "From",
        "MessagingServiceSid",
        "Body",
        "MediaUrl",
        "ContentSid",
        "ContentVariables",
        "StatusCallback",
        "ApplicationSid",
        "MaxPrice",
        "ProvideFeedback",
        "Attempt",
        "ValidityPeriod",
        "ForceDelivery",
        "ContentRetention",
        "AddressRetention",
        "SmartEncoded",
        "PersistentAction",
        "TrafficType",
        "ShortenUrls",
        "ScheduleType",
        "SendAt",
        "SendAsMms",
        "RiskCheck",
        "FallbackFrom",
    ]
)
_MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
_MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_MAGIC_SENDER = "+15005550006"
_LONGEST_VALIDITY = 36000
_EARLIEST_SECONDS = 900
_MOST_MEDIA = 10
_DAY = 86400
_REFUSED_CODES = range(21000, 22000)
_TRIAL_PREFIX = "Sent from your Twilio trial account - "


class Messages:
    """Handlers of one account's messages.

    Args:
        store: the data.
        switches: behaviours.
        clock: the emulator's clock.
        life: moves messages on.
        identity: account and SIDs.
    """

    def __init__(
        self, store: Store, switches: TwilioSwitches, clock: EmulatorClock, life: Life, identity: Identity
    ) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._life = life
        self._identity = identity

    def create(self, call: Call) -> tuple[int, Any]:
        """POST Messages.json."""
        call.only(PARAMETERS, strict=self._switches.unknown_parameters == "refuse")
        to, sender, service = call.value("To"), call.value("From"), call.value("MessagingServiceSid")
        if to is None:
            raise refused(21604)
        if sender is None and service is None:
            raise refused(21603)
        body, media = self._content(call)
        check_callback(call.value("StatusCallback"))
        validity = self._validity(call)
        now = self._clock.seconds()
        row: Row = {
            "direction": "outbound-api",
            "sender": sender,
            "recipient": to,
            "body": body,
            "media": media,
            "segments": segments(body) if service is None else 0,
            "service_sid": service,
            "created_at": now,
            "updated_at": now,
            "sent_at": None,
            "valid_from": now,
            "validity": validity,
            "callback": call.value("StatusCallback"),
            "error_code": None,
        }
        send_at = self._send_at(call, service, now)
        if call.test:
            self._magic(to, sender, service)
            row.update(status="queued" if service is None else "accepted", sid=self._identity.message(0, row))
            return 201, self.public(row, self._identity.test_account_sid)
        self._check(to, sender, service, now)
        if send_at is not None:
            row.update(status="scheduled", next_at=send_at, valid_from=send_at)
        elif service is not None:
            row.update(status="accepted", next_at=now + self._switches.accept_ms / 1000)
        else:
            row.update(self._life.enqueue(row, now))
        number = self._store.add(MESSAGES, **row, sid="")
        row["sid"] = self._identity.message(number, row)
        self._store.change(MESSAGES, MESSAGES.c.id == number, sid=row["sid"])
        call.cost = segments(body)
        return 201, self.public(row)

    def _content(self, call: Call) -> tuple[str, int]:
        body, media = call.value("Body") or "", len(call.form.get("MediaUrl", []))
        if not body and not media and call.value("ContentSid") is None:
            raise refused(21602)
        if call.value("SmartEncoded") == "true":
            body = smart(body)
        if len(body) > LONGEST:
            raise refused(21617)
        if media > _MOST_MEDIA:
            raise bad_request(21623, "Number of media files exceeds allowed limit")
        return (_TRIAL_PREFIX + body if self._switches.trial else body), media

    def _validity(self, call: Call) -> int:
        text = call.value("ValidityPeriod")
        if text is None:
            return _LONGEST_VALIDITY
        if not text.isdigit() or not 1 <= int(text) <= _LONGEST_VALIDITY:
            raise bad_request(90007, f"ValidityPeriod {text} is out of range (1-{_LONGEST_VALIDITY})")
        return int(text)

    def _send_at(self, call: Call, service: str | None, now: float) -> float | None:
        kind, text = call.value("ScheduleType"), call.value("SendAt")
        if kind is None and text is None:
            return None
        if kind != "fixed":
            raise bad_request(35126, "The ScheduleType value provided is not supported for this channel")
        if text is None:
            raise bad_request(35111, "SendAt timestamp is missing")
        if service is None:
            raise bad_request(35118, "MessagingServiceSid is required to schedule a message")
        moment = read_moment(text)
        latest = now + self._switches.schedule_days * _DAY
        if moment is None or not now + _EARLIEST_SECONDS <= moment <= latest:
            raise bad_request(35114, "Scheduling does not support this timestamp")
        return moment

    def _magic(self, to: str, sender: str | None, service: str | None) -> None:
        code = None
        if service is None and sender != _MAGIC_SENDER:
            code = _MAGIC_FROM.get(sender or "", 21606)
        code = code or _MAGIC_TO.get(to) or (None if is_e164(to) else 21211)
        if code is not None:
            raise refused(code, to=to, sender=sender or "")

    def _check(self, to: str, sender: str | None, service: str | None, now: float) -> None:
        """Refuses what Twilio refuses at once."""
        names = {"to": to, "sender": sender or service or ""}
        if not is_e164(to):
            raise refused(21211, **names)
        chosen = None
        if sender is not None:
            if not is_e164(sender):
                raise refused(21212, **names)
            chosen = self._store.sender(sender)
            if chosen is None or (service is not None and chosen["service_sid"] != service):
                raise refused(21606, **names)
        if service is not None:
            if service != self._identity.messaging_service_sid:
                raise refused(21701, to=to, sender=service)
            if not self._store.rows(SENDERS, SENDERS.c.service_sid == service):
                raise refused(21704, **names)
        scope = service or (chosen or {}).get("service_sid") or sender or ""
        code = self._refusal(to, scope)
        if code is not None:
            raise refused(code, **names)
        if self._switches.daily_limit and self._store.sent_since(now - _DAY) >= self._switches.daily_limit:
            raise refused(63038)
        if chosen is not None and service is None and self._life.queue_full(chosen, now):
            raise refused(21611, **names)

    def _refusal(self, to: str, scope: str) -> int | None:
        """Returns the code by which a recipient is refused, or None."""
        phone = self._store.phone(to)
        if self._switches.trial and not phone["verified"]:
            return 21608
        if any(to.startswith(start) for start in self._switches.no_permission):
            return 21408
        if phone["line_type"] == "landline":
            return 21614
        if phone["code"] in _REFUSED_CODES:
            return int(phone["code"])
        return 21610 if self._store.opted_out(scope, to) else None

    def _find(self, call: Call) -> Row:
        row = self._store.one(MESSAGES, MESSAGES.c.sid == call.args["sid"], MESSAGES.c.deleted.is_(False))
        if row is None:
            raise not_found(call.path)
        return row

    def fetch(self, call: Call) -> tuple[int, Any]:
        """GET Messages/{sid}.json."""
        return 200, self.public(self._find(call))

    def change(self, call: Call) -> tuple[int, Any]:
        """POST Messages/{sid}.json: cancels a scheduled message, or empties the text of a sent one."""
        row = self._find(call)
        call.only({"Status", "Body"}, strict=self._switches.unknown_parameters == "refuse")
        status, now = call.value("Status"), self._clock.seconds()
        values: dict[str, Any] = {}
        if status is not None:
            if status != "canceled":
                raise bad_request(20001, f"Status {status} is not 'canceled'")
            if row["status"] != "scheduled":
                raise bad_request(30409, "This message cannot be canceled")
            values.update(status="canceled", next_at=None)
        if "Body" in call.form:
            if call.value("Body") is not None:
                raise bad_request(20009, "Body can only be set to an empty text")
            if row["next_at"] is not None:
                raise bad_request(20009, "Cannot update this resource before it is complete")
            values["body"] = ""
        if not values:
            raise bad_request(20001, "Status or Body is required")
        self._store.change(MESSAGES, MESSAGES.c.id == row["id"], updated_at=now, **values)
        return 200, self.public({**row, **values, "updated_at": now})

    def delete(self, call: Call) -> tuple[int, Any]:
        """DELETE Messages/{sid}.json; not while it is in flight."""
        row = self._find(call)
        if row["next_at"] is not None and row["status"] not in FINAL:
            raise bad_request(20009, "Cannot delete this resource before it is complete")
        self._store.change(MESSAGES, MESSAGES.c.id == row["id"], deleted=True)
        return 204, None

    def public(self, row: Row, account_sid: str | None = None) -> dict[str, Any]:
        """Returns a message as answers show it: counts as text, dates by RFC 2822."""
        account_sid = account_sid or self._identity.account_sid
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{row['sid']}"
        sent = row["sent_at"]
        code = row["error_code"]
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": row["body"],
            "date_created": rfc2822(row["created_at"]),
            "date_sent": None if sent is None else rfc2822(sent),
            "date_updated": rfc2822(row["updated_at"]),
            "direction": row["direction"],
            "error_code": code,
            "error_message": None if code is None else OUTCOMES.get(code, "Unknown error"),
            "from": row["sender"],
            "messaging_service_sid": row["service_sid"],
            "num_media": str(row["media"]),
            "num_segments": str(row["segments"]),
            "price": None if sent is None else f"{-0.0075 * row['segments']:.5f}",
            "price_unit": None if sent is None else "USD",
            "sid": row["sid"],
            "status": row["status"],
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": row["recipient"],
            "uri": f"{uri}.json",
        }
