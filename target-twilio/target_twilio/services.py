"""The services, as the packages this target is built on speak of them."""

from __future__ import annotations

import typing as t

from service_calls import Service
from sync_ledger.errors import ServiceError, ServiceUnavailableError


class SettingError(ServiceError):
    """A setting keeps every message from going out; they wait in the ledger until it is right."""


TWILIO: t.Final = Service(
    name="Twilio",
    agent="target-twilio",
    address_settings="api_url",
    setting_error=SettingError,
    unavailable_error=ServiceUnavailableError,
)
"""Texts and calls."""

SENDGRID: t.Final = Service(
    name="SendGrid",
    agent="target-twilio",
    address_settings="sendgrid_api_url",
    setting_error=SettingError,
    unavailable_error=ServiceUnavailableError,
)
"""Mail."""

TIME_LIMIT: t.Final = 60
"""Seconds an answer may take: a shorter limit makes messages unknown that were taken (Twilio sheet, section 6)."""


def missing(service: Service, settings: str, channel: str) -> SettingError:
    """Return what to say when messages of a channel cannot be sent because their settings are missing."""
    return SettingError(f"There are {channel} messages to send, and {service.name} has no credentials: set {settings}")
