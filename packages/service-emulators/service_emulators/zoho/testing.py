"""Starts Zoho CRM emulators for tests and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.emulator import ZohoEmulator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from service_emulators.zoho.switches import DataCenter, Edition


def start_zoho(
    *,
    edition: Edition = "enterprise",
    credits: int | None = None,  # noqa: A002 - the service's own word, as the switch
    seed: int = 1,
    demo_fields: bool = False,
    own_records: int = 0,
    scopes: Sequence[str] | None = None,
    home: DataCenter = "us",
    time_zone: str = "Europe/Berlin",
    path: Path | None = None,
    port: int = 0,
    **switches: Any,
) -> ZohoEmulator:
    """Starts a Zoho CRM org.

    Args:
        edition: edition of the org.
        credits: credits of 24 hours; None takes the edition's figure, 0 lifts the limit.
        seed: decides credentials, ids and made-up records.
        demo_fields: create the custom fields of the demonstration.
        own_records: accounts, contacts and vendors, each, that users have made before.
        scopes: what the app was let in for; None for all that the suite may need.
        home: data centre the org lives in, and this address with it unless the switch `data_center` says otherwise.
        time_zone: time zone of the org.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        switches: further switches by name (see `service_emulators.zoho.switches`).

    Returns:
        The running emulator.
    """
    return ZohoEmulator(
        seed=seed,
        demo_fields=demo_fields,
        own_records=own_records,
        scopes=scopes,
        home=home,
        time_zone=time_zone,
        path=path,
        port=port,
        edition=edition,
        credits=credits,
        **switches,
    )
