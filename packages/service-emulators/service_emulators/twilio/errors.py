"""Errors as the API answers them. Codes decide; the texts follow Twilio's error pages where these have them."""

from __future__ import annotations

from typing import Any

_MORE = "https://www.twilio.com/docs/errors/"
DAILY_CAP = 63038
"""The account has sent as many messages as it may in 24 hours."""


class TwilioError(Exception):
    """A refused request.

    Args:
        status: HTTP status.
        code: Twilio's code.
        message: its text.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "code": code,
            "message": message,
            "more_info": f"{_MORE}{code}",
            "status": status,
        }


def unauthorized() -> TwilioError:
    """Wrong or missing credentials."""
    return TwilioError(401, 20003, "Authenticate")


def not_found(path: str) -> TwilioError:
    """No such resource."""
    return TwilioError(404, 20404, f"The requested resource {path} was not found")


def bad_request(code: int, message: str) -> TwilioError:
    """A request that is refused for its content."""
    return TwilioError(400, code, message)


REFUSALS = {
    21211: "Invalid 'To' Phone Number: {to}",
    21212: "Invalid 'From' Phone Number: {sender}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    21602: "Message body is required.",
    21603: "A 'From' or 'MessagingServiceSid' parameter is required to send a message",
    21604: "The destination 'To' phone number is required to send an SMS",
    21606: "The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number for this "
    "destination/account",
    21608: "The number {to} is unverified. Trial accounts cannot send messages to unverified numbers",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number: {to}, is not currently reachable using the 'From' phone number: {sender}",
    21614: "'To' number is not a valid mobile number: {to}",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21701: "The Messaging Service resource does not exist: {sender}",
    21704: "The Messaging Service contains no phone numbers",
    63038: "Account exceeded the daily messages limit",
    21201: "No 'To' number is specified",
    21213: "Caller phone number is required",
    21205: "Url is not a valid URL",
    21210: "The source phone number provided, {sender}, is not yet verified for your account",
    21214: "'To' phone number cannot be reached: {to}",
    21215: "Account not authorized to call {to}",
    21216: "Account not allowed to call {to}",
    21217: "Phone number does not appear to be valid: {to}",
}
"""Codes of refused messages and calls."""

OUTCOMES = {
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30022: "US A2P 10DLC - Rate Limits Exceeded",
    30034: "US A2P 10DLC - Message from an Unregistered Number",
    30036: "Validity Period Expired",
    30044: "Trial Message Length Exceeded",
    30450: "Message delivery blocked due to suspected SMS pumping",
}
"""Codes of accepted messages that came to nothing."""


def refused(code: int, *, to: str = "", sender: str = "") -> TwilioError:
    """Returns the refusal of a message or call."""
    message = REFUSALS.get(code, "The request was refused").format(to=to, sender=sender)
    return TwilioError(429 if code == DAILY_CAP else 400, code, message)
