"""Alerts over the rows of a run: what is kept of them, and the engine that decides who is told."""

from __future__ import annotations
