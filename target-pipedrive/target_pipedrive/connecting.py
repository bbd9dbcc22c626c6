"""From settings to a client: by API token or by OAuth."""

from __future__ import annotations

import typing as t
from pathlib import Path

from sync_ledger.errors import ConfigError

from target_pipedrive.client import PipedriveClient
from target_pipedrive.hosts import hosts
from target_pipedrive.oauth import OAUTH_URL, App, PipedriveOAuth

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_OAUTH: t.Final = ("client_id", "client_secret", "refresh_token")


def connect(config: Mapping[str, t.Any]) -> PipedriveClient:
    """Return a client of the account the settings name; nothing is sent yet.

    Raises:
        ConfigError: If the settings give no way to log in, two of them, or half of one.
    """
    timeout = config["request_timeout_seconds"]
    auth = login(config)
    where = None
    if isinstance(auth, str) or config.get("api_url") or config.get("company_domain"):
        where = hosts(config.get("api_url"), config.get("company_domain"))
    return PipedriveClient(where, auth, timeout_seconds=timeout)


def login(config: Mapping[str, t.Any]) -> str | PipedriveOAuth:
    """Return the API token, or the OAuth tokens, that the settings name.

    Raises:
        ConfigError: If the settings give no way to log in, two of them, or half of one.
    """
    given = [name for name in _OAUTH if config.get(name)]
    missing = [name for name in _OAUTH if name not in given]
    token = config.get("api_token")
    if token and given:
        raise ConfigError(f"settings api_token and {given[0]} are two ways to log in; give one of them only")
    if token:
        return str(token)
    if not given:
        raise ConfigError("set api_token, or client_id, client_secret and refresh_token of an OAuth app")
    if missing:
        raise ConfigError(f"to log in by OAuth, setting {missing[0]} is missing")
    app = App(
        client_id=config["client_id"],
        client_secret=config["client_secret"],
        refresh_token=config["refresh_token"],
        token_file=Path(config["token_file"]),
        url=_address(config.get("oauth_url")),
    )
    return PipedriveOAuth(app, timeout_seconds=config["request_timeout_seconds"])


def _address(given: str | None) -> str:
    if given and not given.startswith(("https://", "http://")):
        raise ConfigError("setting oauth_url must be a plain address such as https://oauth.pipedrive.com")
    return given or OAUTH_URL
