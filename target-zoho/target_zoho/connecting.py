"""From settings to a client."""

from __future__ import annotations

import typing as t
from pathlib import Path

from sync_ledger.errors import ConfigError

from target_zoho.client import ZohoClient
from target_zoho.oauth import Login, ZohoOAuth
from target_zoho.regions import REGIONS, checked

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def connect(config: Mapping[str, t.Any]) -> ZohoClient:
    """Return a client of the org the settings name; nothing is sent yet.

    Raises:
        ConfigError: If the settings give no way to sign in, or an address that is none.
    """
    timeout = config["request_timeout_seconds"]
    auth = ZohoOAuth(login(config), Path(config["token_file"]), timeout_seconds=timeout)
    return ZohoClient(
        auth, api=_address(config, "api_url"), upload=_address(config, "upload_url"), timeout_seconds=timeout
    )


def login(config: Mapping[str, t.Any]) -> Login:
    """Return the credentials the settings name.

    Raises:
        ConfigError: If they give no way to sign in.
    """
    if not config.get("refresh_token") and not config.get("soid"):
        raise ConfigError(
            "set refresh_token, or soid (ZohoCRM. and the org's id, such as ZohoCRM.600001234) to sign in by client"
            " credentials"
        )
    data_center = str(config["data_center"])
    return Login(
        client_id=config["client_id"],
        client_secret=config["client_secret"],
        refresh_token=config.get("refresh_token"),
        soid=config.get("soid"),
        scopes=tuple(config["scopes"]),
        accounts=_address(config, "accounts_url") or REGIONS[data_center].accounts,
        data_center=data_center,
    )


def _address(config: Mapping[str, t.Any], name: str) -> str | None:
    given = config.get(name)
    return checked(f"setting {name}", given) if given else None
