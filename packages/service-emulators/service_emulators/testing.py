"""Starting emulators from tests: real servers on free ports, as context managers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.emulator import DynamicsEmulator
from service_emulators.dynamics.testing import start_dynamics
from service_emulators.jde.testing import JdeEmulator, start_jde
from service_emulators.pipedrive.emulator import PipedriveEmulator
from service_emulators.proxy import ForwardProxy
from service_emulators.sendgrid.emulator import SendGridEmulator
from service_emulators.sendgrid.testing import start_sendgrid
from service_emulators.twilio.emulator import TwilioEmulator
from service_emulators.twilio.testing import start_twilio
from service_emulators.zoho.emulator import ZohoEmulator
from service_emulators.zoho.testing import start_zoho

if TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.pipedrive.switches import Plan

__all__ = [
    "DynamicsEmulator",
    "ForwardProxy",
    "JdeEmulator",
    "PipedriveEmulator",
    "SendGridEmulator",
    "TwilioEmulator",
    "ZohoEmulator",
    "start_dynamics",
    "start_jde",
    "start_pipedrive",
    "start_sendgrid",
    "start_twilio",
    "start_zoho",
]


def start_pipedrive(
    *,
    plan: Plan = "ultimate",
    burst: int | None = None,
    seed: int = 1,
    demo_fields: bool = True,
    path: Path | None = None,
    port: int = 0,
    **switches: Any,
) -> PipedriveEmulator:
    """Starts a Pipedrive company.

    Args:
        plan: plan of the company.
        burst: requests in 2 s; None takes the plan's figure, 0 lifts the limit.
        seed: decides credentials and the codes of custom fields.
        demo_fields: create the custom fields of the demonstration.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        switches: further switches by name (see `service_emulators.pipedrive.switches`).

    Returns:
        The running emulator.
    """
    return PipedriveEmulator(
        seed=seed, demo_fields=demo_fields, path=path, port=port, plan=plan, burst=burst, **switches
    )
