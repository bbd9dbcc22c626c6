"""Who may tell us something: the signatures of Twilio and of SendGrid."""

from __future__ import annotations

import base64
import binascii
import time
import typing as t

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sync_ledger.errors import ConfigError
from twilio.request_validator import RequestValidator

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from target_twilio.listening.bodies import Parameters

TWILIO_HEADER: t.Final = "X-Twilio-Signature"
SENDGRID_HEADER: t.Final = "X-Twilio-Email-Event-Webhook-Signature"
SENDGRID_TIME_HEADER: t.Final = "X-Twilio-Email-Event-Webhook-Timestamp"

BODY_HASH: t.Final = "bodySHA256"
"""Parameter of the address by which Twilio signs a body that is no form ("Webhooks security")."""

_OLDEST_SECONDS: t.Final = 24 * 3_600 + 600
"""SendGrid posts events again for 24 hours ("Event Webhook reference") and says nowhere whether it signs them anew:
what is older is no second try of its own."""


class TwilioSignature:
    """X-Twilio-Signature, by the documentation "Webhooks security".

    Args:
        auth_token: Auth token of the account; an API key signs nothing.
        address: Public address that Twilio calls, without a slash at its end. What stands in a request about host and
            scheme is what a proxy made of it, and is not looked at.
    """

    def __init__(self, auth_token: str, address: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._address = address

    def fits(self, path: str, query: str, body: str | Parameters, signature: str) -> bool:
        """Whether a request comes from Twilio.

        Args:
            path: Path after the public address, `/twilio/status`.
            query: Query as it came.
            body: Parameters of a form; a body of another kind as it came, whose hash is in the query.
            signature: The header.
        """
        address = f"{self._address}{path}{f'?{query}' if query else ''}"
        return bool(self._validator.validate(address, body, signature))


class SendGridSignature:
    """Signature of the Event Webhook, by "Event Webhook security features": ECDSA P-256 over time and raw body.

    Args:
        public_key: Key as the settings of the webhook show it: DER SubjectPublicKeyInfo as base64.
        clock: Seconds since 1970.

    Raises:
        ConfigError: It is none.
    """

    def __init__(self, public_key: str, *, clock: Callable[[], float] = time.time) -> None:
        try:
            key = load_der_public_key(base64.b64decode(public_key, validate=True))
        except (ValueError, binascii.Error, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ConfigError(
                "Setting sendgrid_event_public_key is no public key of a signed Event Webhook; copy it from SendGrid "
                "(Settings, Mail Settings, Event Webhooks, the verification key)"
            )
        self._key = key
        self._clock = clock

    def refusal(self, timestamp: str, signature: str, body: bytes) -> str | None:
        """Return why a request is not taken for SendGrid's; None when it comes from there.

        Args:
            timestamp: The header with the time, seconds since 1970.
            signature: The header with the signature.
            body: Body as it came, to the last byte.
        """
        try:
            self._key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + body, _ALGORITHM)
        except (InvalidSignature, ValueError):
            return "wrong signature"
        if not timestamp.isascii() or not timestamp.isdigit():
            return "no time"
        return "too old" if self._clock() - int(timestamp) > _OLDEST_SECONDS else None


_ALGORITHM: t.Final = ec.ECDSA(hashes.SHA256())
