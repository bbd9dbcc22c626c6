"""JD Edwards AIS and CRM services as strict HTTP servers on loopback, with faults and counters."""

from __future__ import annotations
