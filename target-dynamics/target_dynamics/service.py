"""Dataverse, as the packages this target is built on speak of it."""

from __future__ import annotations

import typing as t

from service_calls import Service
from sync_ledger.errors import ConfigError, ServiceUnavailableError

DYNAMICS: t.Final = Service(
    name="Dataverse",
    agent="target-dynamics",
    address_settings="org_url, api_url and authority_url",
    setting_error=ConfigError,
    unavailable_error=ServiceUnavailableError,
)
"""The Web API."""

ENTRA: t.Final = Service(
    name="Entra ID",
    agent="target-dynamics",
    address_settings="tenant_id and authority_url",
    setting_error=ConfigError,
    unavailable_error=ServiceUnavailableError,
)
"""Where the target signs in."""
