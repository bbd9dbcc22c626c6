"""What a service that sends messages must do for us, and how it answers. No vendor in it."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Outgoing(t.Protocol):
    """A message to send once; `alert_rules.notifications.Notification` is one."""

    @property
    def key(self) -> str:
        """What makes it this message and no other."""

    @property
    def receiver(self) -> str:
        """Name of the receiver."""

    @property
    def channel(self) -> t.Literal["sms", "email", "voice"]:
        """How it is sent."""

    @property
    def recipient(self) -> str:
        """E.164 number or mail address."""

    @property
    def subject(self) -> str | None:
        """Of a mail."""

    @property
    def text(self) -> str:
        """What an SMS or a call says; plain part of a mail."""

    @property
    def html(self) -> str | None:
        """HTML part of a mail."""

    @property
    def sender(self) -> str | None:
        """Sender; None for that of the settings."""

    @property
    def messaging_service(self) -> str | None:
        """Messaging Service; None for that of the settings."""

    @property
    def reply_to(self) -> str | None:
        """Of a mail."""

    @property
    def language(self) -> str | None:
        """Of a call."""

    @property
    def valid_until(self) -> datetime | None:
        """When it need not go out any more."""


class Delivery(str, enum.Enum):
    """How far a message has come; the order is that of `rank`."""

    WAITING = "waiting"  # in the ledger, not yet tried
    CLAIMED = "claimed"  # about to be sent; what a run that died leaves here is unknown
    UNKNOWN = "unknown"  # sent, but the answer was lost
    SENT = "sent"  # the service took it and gave its id
    QUEUED = "queued"  # the service has it in its queue
    PASSED_ON = "passed_on"  # the carrier or mail server has it
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"  # refused by the service, or failed there
    HELD = "held"  # needs a person: cannot be cleared up, opted out, budget, bad number
    EXPIRED = "expired"  # no longer true or no longer valid before it went out
    DISCARDED = "discarded"  # by a person


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service took the message.

    Attributes:
        remote_id: MessageSid, X-Message-Id or CallSid.
        status: How far it says the message is.
    """

    remote_id: str
    status: Delivery = Delivery.SENT


@dataclass(frozen=True, slots=True)
class Refused:
    """The service did not take the message, for the message's own fault or for good.

    Attributes:
        code: The service's error code.
        text: Its words, without secrets.
        remedy: What a person can do.
        opted_out: The recipient wants no messages from us.
    """

    code: str
    text: str
    remedy: str
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """The service did not take the message and may do so later: 429, a full queue, no connection made.

    It is taken to concern all messages of the same channel and sender, which wait as long.

    Attributes:
        code: The service's error code, or what failed.
        text: Its words.
        seconds: How long to wait at least; None when it did not say.
    """

    code: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The message left, and no answer tells whether it was taken: time-out, reset, 5xx.

    Attributes:
        text: What happened.
    """

    text: str


Answer: t.TypeAlias = Accepted | Refused | Later | Lost


@dataclass(frozen=True, slots=True)
class Seen:
    """A message the service has, or what it says of one.

    Attributes:
        remote_id: Its id there.
        status: How far it is.
        code: Error code, if it failed.
        text: Error text.
        remedy: What a person can do about that.
        created_at: When the service took it.
        at: When that was the case; None when it does not say.
    """

    remote_id: str
    status: Delivery
    code: str | None = None
    text: str | None = None
    remedy: str | None = None
    created_at: datetime | None = None
    at: datetime | None = None


class MessageService(t.Protocol):
    """A service that sends messages of some channels. It knows nothing of ledgers."""

    @property
    def channels(self) -> Sequence[str]:
        """Channels it serves."""

    @property
    def per_second(self) -> float:
        """Messages per second that it is worth sending; 0 for no limit."""

    def send(self, message: Outgoing) -> Answer:
        """Send a message, once, without repeating it; tell what is known.

        Raises:
            ServiceError: Nothing can be sent at all: wrong credentials, account suspended. The message was not taken.
        """

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
        """Return the messages it took since then that may be this one, newest first; None if it cannot tell.

        Equal recipient and text; the caller leaves out those that are known to be other messages.

        Raises:
            ServiceError: It cannot be asked now.
        """

    def status(self, remote_id: str, channel: str) -> Seen | None:
        """Return how far a message is; None if the service cannot tell.

        Raises:
            ServiceError: It cannot be asked now.
        """

    def close(self) -> None:
        """Let go of connections."""
