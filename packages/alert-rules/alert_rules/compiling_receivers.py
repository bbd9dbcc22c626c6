"""Receivers of the alert file in the form the pipeline works with."""

from __future__ import annotations

import re
import typing as t
from datetime import timedelta
from functools import partial

from alert_rules import compiled as form
from alert_rules.durations import duration
from alert_rules.errors import BadRowError, BadValueError
from alert_rules.intervals import DigestTimes, days, minutes
from alert_rules.phones import e164, is_written_out, mail
from alert_rules.reading import near
from alert_rules.texts import text
from alert_rules.zones import zone

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml_places import At

    from alert_rules.model import AlertFile, Budget, Digest, Email, Escalation, Receiver, Sms, Voice
    from alert_rules.notifications import Channel
    from alert_rules.reading import Reader
    from alert_rules.texts import Text

_RATE = re.compile(r"\s*(\d{1,6})\s*/\s*(\S+)\s*\Z")
_MOST_SEGMENTS: t.Final = 10
_SHORTEST_VALIDITY: t.Final = timedelta(seconds=1)
_LONGEST_VALIDITY: t.Final = timedelta(hours=10)
GROUP_VALUES: t.Final = frozenset(
    (
        *("alerts", "firing", "resolved", "count", "more", "group", "receiver", "purpose", "status", "first"),
        *("rule", "total"),
    )
)
"""What texts over a group may use."""


class ReceiverCompiler:
    """Compiles receivers.

    Args:
        file: The alert file.
        reader: Notes what is wrong.
        location: Time zone of times that name none.
    """

    def __init__(self, file: AlertFile, reader: Reader, location: str) -> None:
        self._location = location
        self._file = file
        self._reader = reader
        self._names = [one.name for one in file.receivers]

    def compile(self) -> dict[str, form.CompiledReceiver]:
        """Return the receivers by name."""
        found: dict[str, form.CompiledReceiver] = {}
        for index, one in enumerate(self._file.receivers):
            at = ("receivers", str(index))
            if one.name in found:
                self._reader.wrong((*at, "name"), "twice", f"there are two receivers {one.name!r}", "rename one")
            found[one.name] = self._receiver(one, at)
        self._check_rounds()
        return found

    def _check_rounds(self) -> None:
        """Refuse receivers that pass on to each other what did not arrive: that would never end."""
        steps = {
            one.name: {step.receiver for step in one.escalation if step.on == "undelivered"}
            for one in self._file.receivers
        }
        for index, one in enumerate(self._file.receivers):
            reached: set[str] = set()
            left = list(steps[one.name])
            while left:
                name = left.pop()
                if name not in reached:
                    reached.add(name)
                    left += steps.get(name, ())
            if one.name in reached:
                problem = f"what does not arrive comes back to receiver {one.name!r}, without end"
                at = ("receivers", str(index), "escalation")
                self._reader.wrong(at, "no_end", problem, "let the last one pass nothing on")

    def _receiver(self, one: Receiver, at: At) -> form.CompiledReceiver:
        channels = []
        if one.sms is not None:
            channels.append(self._sms(one.sms, (*at, "sms")))
        if one.email is not None:
            channels.append(self._email(one.email, (*at, "email")))
        if one.voice is not None:
            channels.append(self._voice(one.voice, (*at, "voice")))
        if not channels:
            remedy = "add `sms: {to: [...]}`, `email: {to: [...]}` or `voice: {to: [...]}`"
            self._reader.wrong(at, "no_channel", f"receiver {one.name!r} has no way to be told", remedy)
        return form.CompiledReceiver(
            name=one.name,
            channels=tuple(channels),
            send_resolved=one.send_resolved,
            digest=self._digest(one.digest, (*at, "digest")),
            budget=self._budget(one.budget, (*at, "budget")),
            escalation=tuple(
                self._escalation(step, (*at, "escalation", str(i))) for i, step in enumerate(one.escalation)
            ),
        )

    def _sms(self, sms: Sms, at: At) -> form.CompiledChannel:
        if not 1 <= sms.max_segments <= _MOST_SEGMENTS:
            remedy = f"give 1 to {_MOST_SEGMENTS}"
            self._reader.wrong(
                (*at, "max_segments"), "out_of_range", f"{sms.max_segments} segments are no limit", remedy
            )
        valid_for = None
        if (given := sms.valid_for) is not None:
            valid_for = self._reader.read((*at, "valid_for"), lambda: duration(given))
        if valid_for is not None and not _SHORTEST_VALIDITY <= valid_for <= _LONGEST_VALIDITY:
            self._reader.wrong((*at, "valid_for"), "out_of_range", f"{sms.valid_for!r} cannot be", "give 1s to 10h")
        if sms.from_ and sms.messaging_service:
            self._reader.unwise(
                (*at, "from"), "both", "sender and Messaging Service: the sender of its pool is pinned", ""
            )
        return form.CompiledChannel(
            channel="sms",
            to=self._to(sms.to, (*at, "to"), "sms"),
            sender=sms.from_,
            messaging_service=sms.messaging_service,
            text=self._text(sms.text, (*at, "text")),
            max_segments=sms.max_segments,
            shorten=sms.shorten,
            valid_for=valid_for,
        )

    def _email(self, email: Email, at: At) -> form.CompiledChannel:
        for key, address in (("from", email.from_), ("reply_to", email.reply_to)):
            if address is not None:
                self._address((*at, key), address, "email")
        return form.CompiledChannel(
            channel="email",
            to=self._to(email.to, (*at, "to"), "email"),
            sender=email.from_,
            reply_to=email.reply_to,
            subject=self._text(email.subject, (*at, "subject")),
            text=self._text(email.text, (*at, "text")),
            html=self._text(email.html, (*at, "html"), html=True),
        )

    def _voice(self, voice: Voice, at: At) -> form.CompiledChannel:
        return form.CompiledChannel(
            channel="voice",
            to=self._to(voice.to, (*at, "to"), "voice"),
            sender=voice.from_,
            text=self._text(voice.text, (*at, "text")),
            language=voice.language,
        )

    def _to(self, given: Sequence[str], at: At, channel: Channel) -> tuple[Text, ...]:
        if not given:
            self._reader.wrong(at, "missing", "`to` names nobody", "add a number or an address")
        found: list[Text] = []
        for index, one in enumerate(given):
            made = self._reader.read((*at, str(index)), partial(text, one))
            if made is not None and made.fixed:
                self._address((*at, str(index)), one, channel)
            if made is not None:
                found.append(made)
        return tuple(found)

    def _address(self, at: At, given: str, channel: Channel) -> None:
        try:
            mail(given) if channel == "email" else e164(given, self._file.region, texts=channel == "sms")
        except BadRowError as error:
            remedy = "write it like ap@example.com" if channel == "email" else "write it like +15551230100"
            # The service has the last word on a number that is written out; what is known of its country may be old.
            tell = self._reader.unwise if channel != "email" and is_written_out(given) else self._reader.wrong
            tell(at, "bad_recipient", f"{given!r}: {error}", remedy)

    def _text(self, given: str | None, at: At, *, html: bool = False) -> Text | None:
        if given is None:
            return None
        made = self._reader.read(at, lambda: text(given, html=html))
        for unknown in sorted(made.names - GROUP_VALUES) if made is not None else ():
            known = sorted(GROUP_VALUES)
            problem = f"{unknown!r} is not there in the text of a message, which is about a group of alerts"
            remedy = f"{near(unknown, known)}; fields of the row belong into annotations: {{{{ first.summary }}}}"
            self._reader.wrong(at, "unknown_field", problem, remedy)
        return made

    def _digest(self, digest: Digest | None, at: At) -> DigestTimes | None:
        if digest is None:
            return None
        minute = self._reader.read((*at, "at"), lambda: _minute(digest.at))
        weekdays = self._reader.read((*at, "days"), lambda: days(digest.days))
        where = self._reader.read((*at, "location"), lambda: zone(digest.location or self._location))
        if minute is None or weekdays is None or where is None:
            return None
        return DigestTimes(minute, weekdays, where)

    def _budget(self, budget: Budget | None, at: At) -> form.CompiledBudget | None:
        if budget is None:
            return None
        rate = None
        if (given := budget.per_recipient) is not None:
            rate = self._reader.read((*at, "per_recipient"), lambda: _rate(given))
        if budget.per_day is not None and budget.per_day < 1:
            self._reader.wrong(
                (*at, "per_day"), "too_small", "`per_day` must be 1 or more", "give a number of messages"
            )
        number, within = rate if rate is not None else (None, timedelta(0))
        return form.CompiledBudget(number, within, budget.per_day, budget.on_exceed)

    def _escalation(self, step: Escalation, at: At) -> form.CompiledEscalation:
        if step.receiver not in self._names:
            problem = f"there is no receiver {step.receiver!r}"
            self._reader.wrong((*at, "receiver"), "unknown_receiver", problem, near(step.receiver, self._names))
        after = self._reader.read((*at, "after"), lambda: duration(step.after)) or timedelta(0)
        return form.CompiledEscalation(step.receiver, after, step.unless == "acknowledged", step.on)


def _minute(given: str) -> int:
    minute = minutes(given)
    if minute == minutes("24:00"):
        raise BadValueError(f"{given!r} is the end of a day, at which no clock stands", "write 00:00 of the next day")
    return minute


def _rate(given: str) -> tuple[int, timedelta]:
    found = _RATE.match(given)
    if found is None or int(found[1]) < 1:
        raise BadValueError(f"{given!r} is no rate", "write it like 6/1h: six messages in an hour")
    within = duration(found[2])
    if not within:
        raise BadValueError(f"{given!r} is no rate", "write it like 6/1h: six messages in an hour")
    return int(found[1]), within
