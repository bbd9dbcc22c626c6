"""Who is spoken to, and how faults that concern every request are raised."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Service:
    """A web service as a plug-in speaks of it.

    The plug-in brings its own classes of errors, so that this package needs no engine of targets or taps.

    Attributes:
        name: The service's name in messages, such as `Pipedrive`.
        agent: What requests name as their sender, such as `target-pipedrive`.
        address_settings: Settings to check when the address cannot be used, such as `company_domain and api_url`.
        setting_error: Raised for a setting that cannot work.
        unavailable_error: Raised when the service cannot be reached.
    """

    name: str
    agent: str
    address_settings: str
    setting_error: Callable[[str], Exception]
    unavailable_error: Callable[[str], Exception]
