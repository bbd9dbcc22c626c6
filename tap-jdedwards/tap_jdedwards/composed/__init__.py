"""Composed streams: documents joined from several tables, as ``definitions.yml`` tells."""

from __future__ import annotations
