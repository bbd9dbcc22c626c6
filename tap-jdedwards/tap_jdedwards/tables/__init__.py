"""Table streams: one table or business view each, read whole once and from then on by what has changed."""

from __future__ import annotations

from tap_jdedwards.tables.offering import table_stream
from tap_jdedwards.tables.stream import TableStream

__all__ = ["TableStream", "table_stream"]
