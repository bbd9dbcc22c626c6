"""Alembic's entry: runs the migrations on the connection that `sync_ledger.ledger.database` hands over."""

from __future__ import annotations

from alembic import context

from sync_ledger.ledger import alert_tables, sending_tables  # noqa: F401 - their tables are part of the schema
from sync_ledger.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="sync_ledger_version",
)
with context.begin_transaction():
    context.run_migrations()
