"""Clients of an emulated organisation that has nothing set up, for the tests of the connection."""

from __future__ import annotations

import typing as t
from pathlib import Path

from service_calls import kept_tokens
from target_zoho.client import ZohoClient
from target_zoho.connecting import login
from target_zoho.oauth import ZohoOAuth
from target_zoho.scopes import WANTED

if t.TYPE_CHECKING:
    from service_calls.token_file import Kept
    from service_emulators.zoho.emulator import ZohoEmulator

DEFAULTS: dict[str, t.Any] = {
    "data_center": "us",
    "scopes": list(WANTED),
    "request_timeout_seconds": 5,
    "bulk_threshold": 5000,
}


def settings_of(zoho: ZohoEmulator, folder: Path, **changed: t.Any) -> dict[str, t.Any]:
    """Return settings, defaults of the connection included; those changed to None are left out."""
    accounts = zoho.accounts
    settings = {
        **DEFAULTS,
        "client_id": accounts.client_id,
        "client_secret": accounts.client_secret,
        "refresh_token": accounts.refresh_token,
        "accounts_url": zoho.url,
        "token_file": str(folder / "tokens.json"),
        **changed,
    }
    return {name: value for name, value in settings.items() if value is not None}


def oauth_of(settings: dict[str, t.Any], **options: t.Any) -> ZohoOAuth:
    """Return the access tokens of some settings."""
    return ZohoOAuth(login(settings), Path(settings["token_file"]), **{"timeout_seconds": 5, **options})


def client_of(settings: dict[str, t.Any], waits: list[float] | None = None, **options: t.Any) -> ZohoClient:
    """Return a client whose waits are only noted, those of the tokens too."""
    sleep = (waits if waits is not None else []).append
    given = {"timeout_seconds": settings["request_timeout_seconds"], "sleep": sleep, **options}
    return ZohoClient(oauth_of(settings, sleep=sleep), api=settings.get("api_url"), **given)


def kept(settings: dict[str, t.Any]) -> Kept:
    """Return what the token file holds of the settings' log-in."""
    return kept_tokens(Path(settings["token_file"]))[login(settings).origin]
