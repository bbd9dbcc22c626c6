"""Starts Dataverse emulators for tests and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.emulator import AUTHORITY, DynamicsEmulator

if TYPE_CHECKING:
    from pathlib import Path


def start_dynamics(
    *,
    seed: int = 1,
    demo_columns: bool = False,
    own_records: int = 0,
    certificates: tuple[bytes, ...] = (),
    authority: str = AUTHORITY,
    path: Path | None = None,
    port: int = 0,
    tls: tuple[Path, Path] | None = None,
    **switches: Any,
) -> DynamicsEmulator:
    """Starts a Dataverse environment with its Entra ID tenant.

    Args:
        seed: decides credentials, ids and made-up rows.
        demo_columns: create the columns of the demonstration, with their alternate keys.
        own_records: accounts and contacts, each, that users have made before.
        certificates: certificates (PEM) that may sign assertions of the app registration.
        authority: origin of the authority, as the openid-configuration names it.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.
        switches: further switches by name (see `service_emulators.dynamics.switches`).

    Returns:
        The running emulator.
    """
    return DynamicsEmulator(
        seed=seed,
        demo_columns=demo_columns,
        own_records=own_records,
        certificates=certificates,
        authority=authority,
        path=path,
        port=port,
        tls=tls,
        **switches,
    )
