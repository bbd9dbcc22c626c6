"""Pipedrive as an HTTP service: API v2, and v1 where only v1 exists.

It follows the Pipedrive API fact sheet. Where the vendor documents nothing, the strictest reading is the default
and the other readings are switches (`switches.py`).
"""

from __future__ import annotations
