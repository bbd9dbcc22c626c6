"""Runs the tap as ``python -m tap_jdedwards``."""

from __future__ import annotations

from tap_jdedwards.tap import TapJDEdwards

TapJDEdwards.cli()
