"""Twilio's error codes: what each means for a message (error table of the Twilio documentation)."""

from __future__ import annotations

import typing as t

OPTED_OUT: t.Final = 21610
"""The recipient has opted out of this sender or Messaging Service."""

OF_THE_SENDER: t.Final = frozenset({21210, 21212, 21603, 21606, 21659, 21660, 21701, 21702, 21704, 21705})
"""Refusals that every message with this sender meets."""

OF_THE_ACCOUNT: t.Final = frozenset({10001, 20005, 20403})
"""Refusals that every message meets."""

BAD_CALLBACK: t.Final = 21609
"""The address for status callbacks is none that Twilio calls, such as one whose host has an underscore."""

LATER: t.Final = frozenset({10004, 20429, 21611, 35125, 60728, 63038})
"""Not taken, and may be taken later."""

REMEDIES: t.Final[dict[int, str]] = {
    21210: "set from_number to a number of the account that can make calls, or verify it in the console",
    21211: "correct the number",
    21212: "set from_number to a number of the account, in E.164 form",
    21214: "correct the number, or give another",
    21215: "allow the country in the console (Voice, Settings, Geo permissions)",
    21216: "Twilio calls nobody there; give another number",
    21217: "correct the number",
    21219: "verify the number in the console, or upgrade the trial account",
    21408: "allow the country in the console (Messaging, Settings, Geo permissions)",
    21602: "give the receiver a text",
    21603: "set from_number or messaging_service_sid",
    21604: "correct the number",
    21606: "set from_number to a number of the account that can send SMS",
    21608: "verify the number in the console, or upgrade the trial account",
    21610: "only the recipient can change that, by texting START",
    21612: "give a number that this sender can reach, or another sender",
    21614: "give a mobile number",
    21617: "set max_segments of the receiver lower",
    21658: "set max_segments of the receiver lower",
    21701: "set messaging_service_sid to a Messaging Service of the account",
    21702: "look into the Messaging Service of messaging_service_sid in the console, or set another",
    21703: "give the Messaging Service a number that can reach the recipient",
    21704: "give the Messaging Service of messaging_service_sid a number in the console, or set another",
    21705: "set messaging_service_sid to a Messaging Service of the account",
    30001: "the sender has more to send than its queue holds; send fewer messages, or give it more numbers",
    30002: "the account is suspended; look into the console",
    30003: "the phone is off or has no service; try again later",
    30004: "the recipient or its carrier blocks messages; find another way to tell",
    30005: "the number is gone; correct it",
    30006: "the number is a landline or its carrier cannot be reached; give a mobile number",
    30007: "a carrier took it for spam; change the text or register the sender",
    30008: "Twilio does not know why; ask the recipient, or try again later",
    30022: "the sender is too slow for so many messages; send fewer, or register it for more (US A2P 10DLC)",
    30034: "register the sender for US A2P 10DLC",
    30036: "it waited too long in the queue; give the receiver a longer valid_for",
    30044: "shorten the text, or upgrade the trial account",
    30450: "Twilio took it for SMS pumping; look into the console (Messaging, Fraud)",
}
"""What a person can do."""


def remedy(code: t.Any) -> str:
    """Return what a person can do about an error code."""
    number = int(code) if str(code).isdigit() else 0
    return REMEDIES.get(number, f"see https://www.twilio.com/docs/api/errors/{code}")
