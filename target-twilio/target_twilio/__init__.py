"""Singer target that turns rows into SMS and mail by alert rules."""

from __future__ import annotations
