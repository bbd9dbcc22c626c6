"""Tables of the ledger. A change here needs a migration in `sync_ledger/migrations/versions`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

# SQLite only counts up by itself on INTEGER PRIMARY KEY, PostgreSQL should not run out at 2^31.
_ID = BigInteger().with_variant(Integer, "sqlite")
_TIME = DateTime(timezone=True)

runs = Table(
    "runs",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("destination", String(255), nullable=False),
    Column("target", String(100), nullable=False),
    Column("mode", String(10), nullable=False),
    Column("status", String(20), nullable=False),  # running succeeded failed stopped died
    Column("started_at", _TIME, nullable=False),
    Column("heartbeat_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),  # source rows taken in
    Column("replayed", BigInteger, nullable=False, default=0),  # open rows of earlier runs tried again
    Column("calls", BigInteger, nullable=False, default=0),
    Column("writes", BigInteger, nullable=False, default=0),
    Column("cost", BigInteger, nullable=False, default=0),
    Column("error", Text),
    Column("state_in", JSON),
    Column("state_out", JSON),
    Index("runs_by_destination", "destination", "status"),
)

run_counts = Table(
    "run_counts",
    metadata,
    Column("run_id", _ID, primary_key=True),
    Column("entity", String(255), primary_key=True),
    Column("outcome", String(20), primary_key=True),
    Column("reason", String(50), primary_key=True),
    Column("rows", BigInteger, nullable=False),
)

# One line per row that was not simply unchanged; unchanged rows are only counted.
outcomes = Table(
    "outcomes",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("run_id", _ID, nullable=False),
    Column("destination", String(255), nullable=False),
    Column("entity", String(255), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(50), nullable=False),
    Column("field", String(255)),
    Column("text", Text),
    Column("remote_id", Text),
    Column("changes", JSON),  # field -> [old, new]
    Column("at", _TIME, nullable=False),
    Index("outcomes_by_key", "destination", "entity", "external_id"),
    Index("outcomes_by_run", "run_id"),
)

links = Table(
    "links",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("entity", String(255), primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("remote_id", Text, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("written_at", _TIME, nullable=False),
    Column("run_id", _ID, nullable=False),
    Index("links_by_remote", "destination", "entity", "remote_id"),
)

# What the last sweeps of the service saw: which record carries which external ID.
remote_index = Table(
    "remote_index",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("entity", String(255), primary_key=True),
    Column("remote_id", Text, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("sweep", Integer, nullable=False),
    Index("remote_index_by_key", "destination", "entity", "external_id"),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("entity", String(255), primary_key=True),
    Column("sweep", Integer, nullable=False),
    Column("full_at", _TIME, nullable=False),
    Column("next_since", _TIME),
)

# Rows that were not written: held and rejected wait for a person, failed ones for the next run.
open_rows = Table(
    "open_rows",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("destination", String(255), nullable=False),
    Column("entity", String(255), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(50), nullable=False),
    Column("field", String(255)),
    Column("text", Text),
    Column("candidates", JSON),
    Column("payload", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_run_id", _ID, nullable=False),
    Column("last_run_id", _ID, nullable=False),
    Column("opened_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("closed_at", _TIME),
    Column("closed_as", String(20)),  # superseded written unchanged
    Index("open_rows_by_key", "destination", "entity", "external_id", "closed_at"),
    Index("open_rows_by_outcome", "destination", "outcome", "closed_at"),
)

# Writes about to be sent. What is still here when a run starts was in flight when its run died.
intents = Table(
    "intents",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("entity", String(255), primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("run_id", _ID, nullable=False),
    Column("action", String(10), nullable=False),
    Column("at", _TIME, nullable=False),
)
