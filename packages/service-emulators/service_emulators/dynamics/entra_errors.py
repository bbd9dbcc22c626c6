"""Errors of the token endpoint (fact sheet section 1). Those marked "from memory" are not in it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

_ERRORS: dict[str, tuple[int, int, str]] = {
    "wrong_secret": (401, 7000215, "invalid_client"),
    "expired_secret": (401, 7000222, "invalid_client"),
    "unknown_app": (400, 700016, "unauthorized_client"),
    "scope": (400, 70011, "invalid_scope"),
    "no_credential": (401, 7000218, "invalid_client"),
    "tenant": (400, 90002, "invalid_request"),
    # From memory:
    "resource": (400, 500011, "invalid_resource"),
    "grant": (400, 70003, "unsupported_grant_type"),
    "assertion": (401, 700027, "invalid_client"),
    "assertion_time": (401, 700024, "invalid_client"),
    "assertion_audience": (401, 700023, "invalid_client"),
}
"""Status, AADSTS number and error by name."""

_TEXTS = {
    "wrong_secret": (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '{app}'."
    ),
    "expired_secret": (
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys "
        "for your app."
    ),
    "unknown_app": (
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant."
    ),
    "scope": (
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid."
    ),
    "no_credential": "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    "tenant": (
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant."
    ),
    "resource": (
        "The resource principal named {resource} was not found in the tenant. This can happen if the application "
        "has not been installed by the administrator of the tenant or consented to by any user in the tenant. You "
        "might have sent your authentication request to the wrong tenant."
    ),
    "grant": "The app requested an unsupported grant type '{grant}'.",
    "assertion": (
        "The certificate with identifier used to sign the client assertion is not registered on application. {why}"
    ),
    "assertion_time": "Client assertion is not within its valid time range. {why}",
    "assertion_audience": "Client assertion audience claim does not match. {why}",
}
"""What the error says, by name."""


class TokenError(Exception):
    """An error of the token endpoint.

    Attributes:
        status: HTTP status.
        code: AADSTS number.
        error: OAuth error.
        text: what went wrong.
    """

    def __init__(self, status: int, code: int, error: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.error = error
        self.text = text

    def body(self, moment: datetime) -> dict[str, Any]:
        """Returns the JSON body."""
        stamp = moment.strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        return {
            "error": self.error,
            "error_description": f"AADSTS{self.code}: {self.text}\r\nTrace ID: {trace}\r\nCorrelation ID: "
            f"{correlation}\r\nTimestamp: {stamp}",
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


def refused(name: str, **facts: str) -> TokenError:
    """Returns an error by its name in the tables above, with what it mentions."""
    status, code, error = _ERRORS[name]
    return TokenError(status, code, error, _TEXTS[name].format(**facts))


def bad_request(text: str) -> TokenError:
    """A request that is not one for a token."""
    return TokenError(400, 9002313, "invalid_request", f"Invalid request. {text}")
