"""One message to one recipient, as the pipeline hands it on; what sends it needs to know nothing else."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from datetime import datetime

Channel: t.TypeAlias = t.Literal["sms", "email", "voice"]
Purpose: t.TypeAlias = t.Literal["alert", "resolved", "repeat", "digest", "storm", "escalation", "no_data"]


@dataclass(frozen=True, slots=True)
class Member:
    """What of an alert a message tells.

    Attributes:
        rule: Name of the rule.
        fingerprint: The alert's identity.
        version: Which of its changes is told; an alert gets the next one when it fires, crosses a step or resolves.
        stream: Stream of the row behind it.
        source_key: Key of that row as JSON: `{"DOCO": 4711, "DCTO": "OP"}`.
    """

    rule: str
    fingerprint: str
    version: int
    stream: str
    source_key: str


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to send once.

    Attributes:
        key: What makes it this message and no other: equal for what the same rows, run again, lead to.
        receiver: Name of the receiver.
        channel: How it is sent.
        recipient: E.164 number or mail address.
        purpose: Why it is sent.
        group_key: Its group: route and values of `group_by`.
        subject: Of a mail.
        text: What an SMS or a call says; plain part of a mail.
        html: HTML part of a mail.
        segments: Of an SMS: segments it is sent in.
        sender: Sender the receiver names; else that of the settings.
        messaging_service: Messaging Service the receiver names.
        reply_to: Of a mail.
        language: Of a call.
        not_before: When it may go out.
        valid_until: When it need not go out any more.
        on_lost_answer: `hold` or `send_again`, once it cannot be cleared up whether it went out.
        members: Alerts it tells of.
    """

    key: str
    receiver: str
    channel: Channel
    recipient: str
    purpose: Purpose
    group_key: str
    text: str
    not_before: datetime
    members: tuple[Member, ...]
    subject: str | None = None
    html: str | None = None
    segments: int = 0
    sender: str | None = None
    messaging_service: str | None = None
    reply_to: str | None = None
    language: str | None = None
    valid_until: datetime | None = None
    on_lost_answer: t.Literal["hold", "send_again"] = "hold"
