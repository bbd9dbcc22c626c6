"""Zoho CRM, as the packages this target is built on speak of it."""

from __future__ import annotations

import typing as t

from service_calls import Service
from sync_ledger.errors import ConfigError, ServiceUnavailableError

ZOHO: t.Final = Service(
    name="Zoho",
    agent="target-zoho",
    address_settings="data_center, accounts_url, api_url and upload_url",
    setting_error=ConfigError,
    unavailable_error=ServiceUnavailableError,
)
