"""Starts SendGrid emulators for tests and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.sendgrid.emulator import SendGridEmulator

if TYPE_CHECKING:
    from pathlib import Path


def start_sendgrid(
    *,
    seed: int = 1,
    path: Path | None = None,
    port: int = 0,
    tls: tuple[Path, Path] | None = None,
    **switches: Any,
) -> SendGridEmulator:
    """Starts a SendGrid account.

    Args:
        seed: decides the keys and ids.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.
        switches: further switches by name (see `service_emulators.sendgrid.switches`).

    Returns:
        The running emulator.
    """
    return SendGridEmulator(seed=seed, path=path, port=port, tls=tls, **switches)
