"""Meltano mapper with Singer stream maps that never stops a run for one bad row."""

from __future__ import annotations
