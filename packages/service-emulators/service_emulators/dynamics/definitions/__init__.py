"""Metadata over the Web API: reading `EntityDefinitions`, adding columns, options and alternate keys."""

from __future__ import annotations
