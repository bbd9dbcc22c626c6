"""Checks that several plug-ins make."""

from __future__ import annotations

import socket
import typing as t
from datetime import timedelta
from urllib.parse import urlsplit

from doctor_findings.findings import good, warning

if t.TYPE_CHECKING:
    from doctor_findings.findings import Finding

CLOCK_TOLERANCE: t.Final = timedelta(minutes=2)
_LONGEST_WAIT: t.Final = 15


def reach(check: str, address: str, *, timeout_seconds: float, remedy: str) -> Finding:
    """Look whether the host of an address answers; a warning if not, as a proxy may lead there all the same.

    Args:
        check: Name of the check.
        address: An address with `http` or `https`.
        timeout_seconds: How long it may take; 15 s at the most.
        remedy: What helps if it does not.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
        socket.create_connection((host, port), timeout=min(timeout_seconds, _LONGEST_WAIT)).close()
    except OSError as error:
        return warning(check, f"{host}:{port} cannot be reached directly: {error.strerror or error}", remedy)
    return good(check, f"{host}:{port} answers ({', '.join(addresses)})")


def clock(service: str, ahead: timedelta) -> Finding:
    """Judge how far a service's clock is ahead of this machine's.

    Args:
        service: Name of the service.
        ahead: The difference.
    """
    if abs(ahead) <= CLOCK_TOLERANCE:
        return good("clock", f"agrees with {service}'s")
    return warning(
        "clock",
        f"{service}'s clock differs from this machine's by {round(ahead.total_seconds()):+d} s",
        f"have this machine's clock set by NTP; nothing is lost meanwhile, as sweeps follow {service}'s clock",
    )
