"""A message as the services of this target take it, for the tests of this folder."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_twilio_runs import PHONE

if t.TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Message:
    """A text to somebody, unless told otherwise."""

    text: str = "Order held"
    channel: str = "sms"
    sender: str | None = None
    recipient: str = PHONE
    key: str = "1"
    receiver: str = "buyer"
    subject: str | None = None
    html: str | None = None
    messaging_service: str | None = None
    reply_to: str | None = None
    language: str | None = None
    valid_until: datetime | None = None
