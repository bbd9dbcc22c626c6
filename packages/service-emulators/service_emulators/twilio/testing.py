"""Starts Twilio emulators for tests and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.twilio.emulator import TwilioEmulator

if TYPE_CHECKING:
    from pathlib import Path


def start_twilio(
    *,
    seed: int = 1,
    path: Path | None = None,
    port: int = 0,
    tls: tuple[Path, Path] | None = None,
    **switches: Any,
) -> TwilioEmulator:
    """Starts a Twilio account.

    Args:
        seed: decides credentials and SIDs.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.
        switches: further switches by name (see `service_emulators.twilio.switches`).

    Returns:
        The running emulator.
    """
    return TwilioEmulator(seed=seed, path=path, port=port, tls=tls, **switches)
