"""From settings to a client."""

from __future__ import annotations

import typing as t
from pathlib import Path

from sync_ledger.errors import ConfigError

from target_dynamics.addresses import AUTHORITY, address, tenant
from target_dynamics.client import DynamicsClient
from target_dynamics.oauth import DynamicsOAuth, Login

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def connect(config: Mapping[str, t.Any]) -> DynamicsClient:
    """Return a client of the environment the settings name; nothing is sent yet.

    Raises:
        ConfigError: If the settings give no way to sign in, or an address that is none.
    """
    timeout = config["request_timeout_seconds"]
    found = login(config)
    api = config.get("api_url")
    return DynamicsClient(
        DynamicsOAuth(found, Path(config["token_file"]), timeout_seconds=timeout),
        address("api_url", api) if api else found.resource,
        timeout_seconds=timeout,
    )


def login(config: Mapping[str, t.Any]) -> Login:
    """Return the credentials the settings name.

    Raises:
        ConfigError: If they give no way to sign in, or two.
    """
    secret, file = config.get("client_secret"), config.get("certificate_file")
    if bool(secret) == bool(file):
        raise ConfigError(
            "set either client_secret or certificate_file"
            + (", not both" if secret else ": an app registration signs in with one of them")
        )
    return Login(
        tenant_id=tenant(config["tenant_id"]),
        client_id=config["client_id"],
        client_secret=secret,
        certificate=_certificate(Path(file)) if file else None,
        certificate_password=config.get("certificate_password"),
        authority=address("authority_url", config.get("authority_url") or AUTHORITY),
        resource=address("org_url", config["org_url"]),
    )


def _certificate(path: Path) -> str:
    """Return the content of the certificate file.

    Raises:
        ConfigError: If it cannot be read, or holds no key and certificate in PEM.
    """
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no PEM file"
        raise ConfigError(f"setting certificate_file: {path} cannot be read: {reason}") from None
    if "PRIVATE KEY-----" not in text or "BEGIN CERTIFICATE-----" not in text:
        raise ConfigError(
            f"setting certificate_file: {path} must hold the private key and the certificate, both in PEM"
        )
    return text
