"""What a message says: texts over the alerts that one recipient is told of.

A text of a receiver (`text`, `subject`, `html`) has these names: `alerts` (what is told, each with `alert`, `summary`,
`status`, `step`, `amount`, `labels`, `annotations`, `identity`, `since`), `firing` and `resolved` (those of them that
are so), `first` (the first of them), `count`, `more` (alerts left out of `alerts` for want of room), `total` (of all
amounts; null without), `status` (`firing` if any does, else `resolved`), `purpose`, `receiver`, `rule` (of the first)
and `group` (labels of the group).
"""

from __future__ import annotations

import hashlib
import html
import json
import typing as t
from dataclasses import dataclass
from decimal import Decimal

from alert_rules import segments
from alert_rules.notifications import Member, Notification
from alert_rules.records import Status

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alert_rules.compiled import CompiledChannel
    from alert_rules.notifications import Purpose
    from alert_rules.records import Instance

STORM_SHOWN: t.Final = 5
_MAIL_SHOWN: t.Final = 200
_WORDS: t.Final[Mapping[str, str]] = {"repeat": "Still firing", "escalation": "Nobody has acted", "digest": "Digest"}


@dataclass(frozen=True, slots=True)
class Said:
    """An alert as one recipient is told of it.

    Attributes:
        instance: The alert.
        status: State that is told.
        version: Change that is told.
    """

    instance: Instance
    status: Status
    version: int

    @property
    def member(self) -> Member:
        """What of the alert is told."""
        one = self.instance
        return Member(one.rule, one.fingerprint, self.version, one.stream, one.source_key)

    @property
    def line(self) -> str:
        """The alert in one line."""
        return f"[RESOLVED] {self.instance.summary}" if self.status is Status.RESOLVED else self.instance.summary

    def shown(self) -> dict[str, t.Any]:
        """Return what texts can name of it."""
        one = self.instance
        return {
            "alert": one.labels.get("alert", one.rule),
            "summary": one.summary,
            "status": self.status.value,
            "step": one.labels.get("step"),
            "amount": one.amount,
            "labels": dict(one.labels),
            "annotations": dict(one.annotations),
            "identity": dict(one.identity),
            "since": one.since,
        }


@dataclass(frozen=True, slots=True)
class Letter:
    """What one recipient is told, before it is put into words.

    Attributes:
        receiver: Name of the receiver.
        channel: How.
        recipient: Number or address.
        purpose: Why.
        group_key: Its group.
        group: Labels of the group.
        said: Alerts, in the order in which they are shown.
        turn: Tells messages apart that tell the same again: number of the repeat.
        on_lost_answer: `hold` or `send_again`.
    """

    receiver: str
    channel: CompiledChannel
    recipient: str
    purpose: Purpose
    group_key: str
    group: Mapping[str, str]
    said: Sequence[Said]
    turn: str = ""
    on_lost_answer: t.Literal["hold", "send_again"] = "hold"

    @property
    def key(self) -> str:
        """What makes it this message and no other: whom it tells what, however it is put."""
        told = sorted((one.instance.fingerprint, one.version) for one in self.said)
        said = [self.receiver, self.channel.channel, self.recipient, self.purpose, self.group_key, self.turn, told]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode(errors="surrogatepass")).hexdigest()[:40]

    def notification(self, now: datetime) -> Notification:
        """Put it into words.

        Raises:
            BadRowError: A text of the receiver cannot be made.
        """
        channel = self.channel
        mail = channel.channel == "email"
        text = self._text()
        return Notification(
            key=self.key,
            receiver=self.receiver,
            channel=channel.channel,
            recipient=self.recipient,
            purpose=self.purpose,
            group_key=self.group_key,
            text=text,
            not_before=now,
            members=tuple(one.member for one in self.said),
            subject=self._subject() if mail else None,
            html=self._html() if mail else None,
            segments=segments.size(text).segments if channel.channel == "sms" else 0,
            sender=channel.sender,
            messaging_service=channel.messaging_service,
            reply_to=channel.reply_to,
            language=channel.language,
            valid_until=now + channel.valid_for if channel.valid_for is not None else None,
            on_lost_answer=self.on_lost_answer,
        )

    def _text(self) -> str:
        most = min(len(self.said), STORM_SHOWN if self.purpose == "storm" else _MAIL_SHOWN)
        if self.channel.channel != "sms":
            return self._with(most)
        whole = segments.plain(self._with(most))
        if segments.fits(whole, self.channel.max_segments):
            return whole
        if self.channel.shorten == "count" and most > 1:
            low, high = 1, most - 1  # the most alerts with which it fits
            while low < high:
                middle = (low + high + 1) // 2
                fits = segments.fits(segments.plain(self._with(middle)), self.channel.max_segments)
                low, high = (middle, high) if fits else (low, middle - 1)
            whole = segments.plain(self._with(low))
        return segments.cut(whole, self.channel.max_segments)

    def _with(self, shown: int) -> str:
        if self.channel.text is not None:
            return self.channel.text.render(self._names(shown))
        lines = [one.line for one in self.said[:shown]]
        more = len(self.said) - shown
        if more:
            lines.append(f"and {more:,} more")
        heading = self._heading()
        return "\n".join([heading, *lines] if heading else lines)

    def _heading(self) -> str:
        if self.purpose == "storm":
            return f"{len(self.said):,} new alerts {self.said[0].instance.rule}:"
        word = _WORDS.get(self.purpose)
        if word is not None:
            return f"{word} ({len(self.said):,}):" if len(self.said) > 1 or self.purpose == "digest" else f"{word}:"
        return f"{len(self.said):,} alerts:" if len(self.said) > 1 else ""

    def _subject(self) -> str:
        if self.channel.subject is not None:
            return " ".join(self.channel.subject.render(self._names(len(self.said))).split())
        if len(self.said) == 1 and self.purpose in {"alert", "resolved", "no_data"}:
            return " ".join(self.said[0].line.split())
        if self.purpose == "storm":  # it names its rule
            return " ".join(self._heading().rstrip(":").split())
        rules = sorted({one.instance.rule for one in self.said})
        return " ".join(f"{self._heading().rstrip(':')} - {', '.join(rules)}".removeprefix(" - ").split())

    def _html(self) -> str:
        most = min(len(self.said), STORM_SHOWN if self.purpose == "storm" else _MAIL_SHOWN)
        if self.channel.html is not None:
            return self.channel.html.render(self._names(most))
        items = "".join(f"<li>{html.escape(one.line)}</li>" for one in self.said[:most])
        more = f"<p>and {len(self.said) - most:,} more</p>" if len(self.said) > most else ""
        return f"<p>{html.escape(self._heading())}</p><ul>{items}</ul>{more}"

    def _total(self) -> Decimal | None:
        amounts = [one.instance.amount for one in self.said if one.instance.amount is not None]
        return sum(amounts, Decimal(0)) if amounts else None

    def _names(self, shown: int) -> dict[str, t.Any]:
        alerts = [one.shown() for one in self.said[:shown]]
        resolved = [one for one in alerts if one["status"] == Status.RESOLVED.value]
        over = all(one.status is Status.RESOLVED for one in self.said)
        return {
            "alerts": alerts,
            "firing": [one for one in alerts if one["status"] != Status.RESOLVED.value],
            "resolved": resolved,
            "first": self.said[0].shown(),
            "status": (Status.RESOLVED if over else Status.FIRING).value,
            "count": len(self.said),
            "more": len(self.said) - shown,
            "total": self._total(),
            "purpose": self.purpose,
            "receiver": self.receiver,
            "rule": self.said[0].instance.rule,
            "group": dict(self.group),
        }
