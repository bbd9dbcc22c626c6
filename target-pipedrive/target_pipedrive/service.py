"""Pipedrive, as the packages this target is built on speak of it."""

from __future__ import annotations

import typing as t

from service_calls import Service
from sync_ledger.errors import ConfigError, ServiceUnavailableError

PIPEDRIVE: t.Final = Service(
    name="Pipedrive",
    agent="target-pipedrive",
    address_settings="company_domain and api_url",
    setting_error=ConfigError,
    unavailable_error=ServiceUnavailableError,
)
