"""Addresses in settings: of the environment, of its API and of the authority that signs in."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from sync_ledger.errors import ConfigError

API: t.Final = "/api/data/v9.2"
"""Path of the Web API below an environment's address (Dataverse sheet section 2)."""

AUTHORITY: t.Final = "https://login.microsoftonline.com"
"""The authority of the public cloud; sovereign clouds have their own."""

_TENANT: t.Final = re.compile(r"[A-Za-z0-9.-]+")


def address(setting: str, given: str) -> str:
    """Return the origin of an address, without a path: what follows it is this program's business.

    Args:
        setting: Name of the setting, for messages.
        given: Its value.

    Raises:
        ConfigError: If it is no http(s) address, or has a user, a query or a path that is not the API's.
    """
    try:
        parts = urlsplit(given.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    plain = parts.username is None and not parts.query and not parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        raise ConfigError(f"setting {setting}: give an address such as https://contoso.crm.dynamics.com")
    if parts.path.rstrip("/") not in {"", API}:
        raise ConfigError(f"setting {setting}: leave out {parts.path!r} behind the host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def tenant(given: str) -> str:
    """Return a tenant: its id, or one of its domains.

    Raises:
        ConfigError: If it is neither.
    """
    if not _TENANT.fullmatch(given) or given.lower() in {"common", "organizations", "consumers"}:
        raise ConfigError(
            "setting tenant_id: give the tenant's id or one of its domains, such as contoso.onmicrosoft.com; an"
            " application signs in to one tenant"
        )
    return given
