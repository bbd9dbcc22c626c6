"""Alerts whose values were erased, and decisions by their age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the indexes that erasing by age takes."""
    with op.batch_alter_table("alert_instances") as batch:
        batch.add_column(sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "alert_instances_to_erase",
        "alert_instances",
        ["seen_at"],
        sqlite_where=sa.text("erased = 0"),
        postgresql_where=sa.text("NOT erased"),
    )
    op.create_index("alert_decisions_by_age", "alert_decisions", ["last_at"])
