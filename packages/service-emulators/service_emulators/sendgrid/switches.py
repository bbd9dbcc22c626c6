"""What can be changed about the SendGrid emulator while it runs."""

from __future__ import annotations

from typing import Literal

import msgspec

from service_emulators.control import Switches


class SendGridSwitches(Switches):
    """Switches of the SendGrid emulator. The defaults are the documented or, failing that, the strictest behaviour.

    Attributes:
        rate_limit: requests of one endpoint in 60 s; 0 lifts the limit. SendGrid does not publish its own.
        deliver_ms: how long after `processed` a mail is delivered.
        verified: senders that are verified: addresses, or domains as `@example.com`.
        credits: mails of the account's plan; None for no limit.
        activity: the account has the Email Activity add-on, `GET /v3/messages`.
        events_seconds: how often events are posted.
        event_order: order of the events in a batch.
        event_copies: how often each batch is posted; 0 loses all.
        event_ids: whether `sg_event_id` stays the same when a batch is posted again.
    """

    rate_limit: int = 600
    deliver_ms: int = 500
    verified: list[str] = msgspec.field(default_factory=lambda: ["@example.com"])
    credits: int | None = None
    activity: bool = False
    events_seconds: int = 30
    event_order: Literal["as_made", "reversed", "shuffled"] = "as_made"
    event_copies: int = 1
    event_ids: Literal["stable", "changing"] = "stable"
