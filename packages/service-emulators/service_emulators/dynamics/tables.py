"""The fixed SQL tables; each Dataverse table has a SQL table of its own beside them (see `schema/model.py`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, MetaData, String, Table, Text

METADATA = MetaData()

ENVIRONMENT = Table(
    "_environment",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""Facts of the environment: its seed and the ids of its organization, business unit and users."""

COLUMNS = Table(
    "_columns",
    METADATA,
    Column("table", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("definition", Text, nullable=False),  # JSON of `schema.model.Column`
)
"""Columns that were added or changed since the environment began."""

KEYS = Table(
    "_alternate_keys",
    METADATA,
    Column("table", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("definition", Text, nullable=False),  # JSON of `schema.model.AlternateKey`
)

TOMBSTONES = Table(
    "_tombstones",
    METADATA,
    Column("versionnumber", BigInteger, primary_key=True, autoincrement=False),
    Column("table", String, nullable=False),
    Column("id", String, nullable=False),
    Column("deleted_at", Float, nullable=False),  # emulator clock, seconds since 1970
    Index("_tombstones_by_table", "table", "versionnumber"),
)
"""Deleted rows, for change tracking."""
