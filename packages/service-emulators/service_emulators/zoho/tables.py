"""The fixed SQL tables; each module has a table of its own beside them, a column for each field (see `catalog.py`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

ORG = Table(
    "_org",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("zgid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("time_zone", String, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("next_id", BigInteger, nullable=False),
)

USERS = Table(
    "_users",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("first_name", String, nullable=False),
    Column("last_name", String, nullable=False),
    Column("email", String, nullable=False),
    Column("profile", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_time", String, nullable=False),
)

MODULES = Table(
    "_modules",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("api_name", String, nullable=False, unique=True),
    Column("definition", Text, nullable=False),  # JSON of `catalog.Module` without its fields
)

FIELDS = Table(
    "_fields",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("module", String, nullable=False),
    Column("api_name", String, nullable=False),
    Column("definition", Text, nullable=False),  # JSON of `catalog.Field`
    Index("_fields_by_name", "module", "api_name", unique=True),
)

KEYS = Table(
    "_keys",
    METADATA,
    Column("module", String, nullable=False),
    Column("field", String, nullable=False),
    Column("value", String, nullable=False),  # case-folded, unless the field is case sensitive
    Column("record_id", BigInteger, nullable=False),
    Index("_keys_by_value", "module", "field", "value"),
    Index("_keys_by_record", "record_id"),
)
"""Values of the fields that upserts match by: unique, external and system duplicate-check fields of live records."""

RECYCLE_BIN = Table(
    "_recycle_bin",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("module", String, nullable=False),
    Column("display_name", String),
    Column("deleted_at", Float, nullable=False),  # emulator clock, seconds since 1970
    Column("deleted_by", BigInteger, nullable=False),
    Column("created_by", BigInteger),
    Column("record", Text, nullable=False),  # JSON of the row
    Index("_recycle_bin_by_time", "module", "deleted_at"),
)
