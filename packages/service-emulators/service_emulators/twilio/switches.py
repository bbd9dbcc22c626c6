"""What can be changed about the Twilio emulator while it runs."""

from __future__ import annotations

from typing import Literal

import msgspec

from service_emulators.control import Switches

STOP_WORDS = ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"]
START_WORDS = ["START", "YES", "UNSTOP"]


class TwilioSwitches(Switches):
    """Switches of the Twilio emulator. The defaults are the documented or, failing that, the strictest behaviour.

    Attributes:
        segments_per_second: speed of each sender; 0 lifts the queue.
        queue_hours: traffic that a sender's queue holds.
        accept_ms: how long a message for a Messaging Service stays `accepted`.
        deliver_ms: how long after `sent` the carrier's receipt comes.
        receipts: whether carriers give receipts; without them `sent` is the last word.
        concurrency: simultaneous requests; 0 lifts the limit. Twilio does not publish its own.
        latency_ms: time every request takes, during which it counts as running.
        unknown_parameters: what becomes of a parameter that the API does not have: refused (20001), or passed over.
        trial: a trial account: unverified numbers are refused (21608), texts get a prefix.
        suspended: the account is suspended (20403).
        no_permission: beginnings of numbers that geo permissions leave out (21408), for example `+7`.
        daily_limit: messages in a rolling day (63038); 0 for no limit.
        stop_words: texts that opt out.
        start_words: texts that opt in again.
        inbound_url: webhook of texts that come in; empty for none.
        callback_copies: how often each status callback is made; 0 loses it.
        callback_lost_percent: share of the status callbacks that are lost, the same ones each time.
        callback_order: order of a message's callbacks; anything but `as_made` holds them until its final status.
        callback_delay_ms: how much later status callbacks are made.
        schedule_days: how far ahead messages may be scheduled; documents have 35 and 7.
    """

    segments_per_second: int = 1
    queue_hours: int = 10
    accept_ms: int = 100
    deliver_ms: int = 500
    receipts: bool = True
    concurrency: int = 100
    latency_ms: int = 0
    unknown_parameters: Literal["refuse", "ignore"] = "refuse"
    trial: bool = False
    suspended: bool = False
    no_permission: list[str] = msgspec.field(default_factory=list)
    daily_limit: int = 0
    stop_words: list[str] = msgspec.field(default_factory=STOP_WORDS.copy)
    start_words: list[str] = msgspec.field(default_factory=START_WORDS.copy)
    inbound_url: str = ""
    callback_copies: int = 1
    callback_lost_percent: int = 0
    callback_order: Literal["as_made", "reversed", "shuffled"] = "as_made"
    callback_delay_ms: int = 0
    schedule_days: int = 7
