"""Rows that could not be mapped are kept with what it takes to map them once more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and the index by which `why` finds the tries of a row whose external ID changed."""
    with op.batch_alter_table("open_rows") as batch:
        batch.add_column(sa.Column("origin", sa.JSON()))
    op.create_index(
        "outcomes_by_open_row",
        "outcomes",
        ["open_row_id"],
        sqlite_where=sa.text("open_row_id IS NOT NULL"),
        postgresql_where=sa.text("open_row_id IS NOT NULL"),
    )
