"""Clients of an emulated environment, for the tests of the connection."""

from __future__ import annotations

import typing as t
from pathlib import Path

from service_calls import kept_tokens
from target_dynamics.client import DynamicsClient
from target_dynamics.connecting import login
from target_dynamics.oauth import DynamicsOAuth

if t.TYPE_CHECKING:
    from service_calls.token_file import Kept
    from service_emulators.dynamics.emulator import DynamicsEmulator


def settings_of(dynamics: DynamicsEmulator, folder: Path, **changed: t.Any) -> dict[str, t.Any]:
    """Return settings, defaults of the connection included; those changed to None are left out."""
    settings = {
        "tenant_id": dynamics.entra.tenant_id,
        "client_id": dynamics.entra.app.client_id,
        "client_secret": dynamics.entra.client_secret,
        "authority_url": dynamics.url,
        "org_url": dynamics.org_url,
        "api_url": dynamics.url,
        "request_timeout_seconds": 5,
        "token_file": str(folder / "tokens.json"),
        **changed,
    }
    return {name: value for name, value in settings.items() if value is not None}


def oauth_of(settings: dict[str, t.Any], **options: t.Any) -> DynamicsOAuth:
    """Return the access tokens of some settings."""
    return DynamicsOAuth(login(settings), Path(settings["token_file"]), **{"timeout_seconds": 5, **options})


def client_of(settings: dict[str, t.Any], waits: list[float] | None = None, **options: t.Any) -> DynamicsClient:
    """Return a client whose waits are only noted, those of the tokens too."""
    sleep = (waits if waits is not None else []).append
    given = {"timeout_seconds": settings["request_timeout_seconds"], "sleep": sleep, **options}
    return DynamicsClient(oauth_of(settings, sleep=sleep), settings.get("api_url") or settings["org_url"], **given)


def kept(settings: dict[str, t.Any]) -> Kept:
    """Return what the token file holds of the settings' sign-in."""
    return kept_tokens(Path(settings["token_file"]))[login(settings).origin]
