"""Checks of a mapping: against the tap's catalog, against the destination's fields, and in itself."""

from __future__ import annotations
