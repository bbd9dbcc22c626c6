"""What `doctor` says of the ways by which services report how far messages are."""

from __future__ import annotations

import importlib.util
import typing as t
from http import HTTPStatus

import requests
from doctor_findings import failed, good, of_error, warning
from sync_ledger.errors import ConfigError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from doctor_findings import Finding

_TIME_LIMIT: t.Final = 15


def reports(settings: Mapping[str, t.Any]) -> Iterator[Finding]:
    """Examine settings of the listener, and whether one answers at the public address.

    Args:
        settings: Settings of the target.
    """
    address, key = settings.get("status_callback_url"), settings.get("sendgrid_event_public_key")
    if not address and not key:
        yield good("callbacks", "none are set up; each run and `alerts tick` ask how far texts are")
        return
    if importlib.util.find_spec("twilio") is None or importlib.util.find_spec("cryptography") is None:
        yield warning(
            "callbacks",
            "are not examined: what `alerts listen` needs is not installed here",
            "pip install 'target-twilio[listen]' where it runs",
        )
        return
    from target_twilio.listening.serving import callers  # noqa: PLC0415 - an extra of this package

    try:
        callers(settings)
    except ConfigError as error:
        yield of_error("callbacks", error, otherwise="correct it")
        return
    if key:
        yield good("mail events", "sendgrid_event_public_key is a key of a signed Event Webhook")
    if address:
        yield _answers(str(address))


def _answers(address: str) -> Finding:
    if not address.startswith("https://"):
        return warning("callbacks", f"{address} is not encrypted", "put a reverse proxy with a certificate before it")
    try:
        status = requests.get(f"{address.rstrip('/')}/healthz", timeout=_TIME_LIMIT).status_code
    except requests.RequestException as error:
        text = f"{address} does not answer from here: {type(error).__name__}"
        return warning("callbacks", text, "start `alerts listen`, and see that the service can reach it")
    if status != HTTPStatus.OK:
        text = f"{address}/healthz answers {status}"
        return failed("callbacks", text, "have the proxy pass requests on to `alerts listen`")
    return good("callbacks", f"a listener answers at {address}")
