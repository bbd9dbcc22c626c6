"""Plans, match rules, budgets, and what people do with open rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables and columns."""
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("budget_left", sa.BigInteger()))
        batch.add_column(sa.Column("erased_at", _TIME))
    with op.batch_alter_table("outcomes") as batch:
        batch.add_column(sa.Column("matched_by", sa.String(length=255)))
        batch.add_column(sa.Column("answers", sa.JSON()))
        batch.add_column(sa.Column("open_row_id", _ID))
    with op.batch_alter_table("links") as batch:
        batch.add_column(sa.Column("origin", sa.String(length=10)))
        batch.add_column(sa.Column("deleted_as", sa.String(length=10)))
        batch.add_column(sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("intents") as batch:
        batch.add_column(sa.Column("payload", sa.JSON()))
    with op.batch_alter_table("open_rows") as batch:
        batch.add_column(sa.Column("replay", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("edited_at", _TIME))
        batch.add_column(sa.Column("payload_before", sa.JSON()))
        batch.add_column(sa.Column("note", sa.Text()))
        batch.add_column(sa.Column("deletion", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("masked", sa.JSON()))
    op.create_table(
        "entity_fields",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "entity"),
    )
    _plans()
    _matching()
    _budgets()
    _privacy()


def _plans() -> None:
    op.create_table(
        "plans",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("applied_by", _ID),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
    )
    op.create_index("plans_by_run", "plans", ["run_id"])
    op.create_table(
        "plan_rows",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("plan_id", _ID, nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("remote_id", sa.Text()),
        sa.Column("matched_by", sa.String(length=255)),
        sa.Column("changes", sa.JSON()),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=50), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("candidates", sa.JSON()),
        sa.Column("masked", sa.JSON()),
    )
    op.create_index("plan_rows_by_plan", "plan_rows", ["plan_id", "status"])
    op.create_index("plan_rows_by_key", "plan_rows", ["entity", "external_id"])


def _matching() -> None:
    op.create_table(
        "match_index",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("added_at", sa.String(length=40)),
        sa.Column("filled", sa.Integer(), nullable=False),
        sa.Column("sweep", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "entity", "rule", "remote_id", "value"),
    )
    op.create_index("match_index_by_value", "match_index", ["destination", "entity", "rule", "value"])
    op.create_table(
        "claims",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("destination", "entity", "remote_id", "external_id"),
    )


def _budgets() -> None:
    op.create_table(
        "budget_days",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("left_told", sa.BigInteger()),
        sa.Column("told_at", _TIME),
        sa.PrimaryKeyConstraint("destination", "day"),
    )
    op.create_table(
        "rate_leases",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("bucket", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("told_limit", sa.Integer()),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "bucket", "owner"),
    )


def _privacy() -> None:
    op.create_index(
        "links_to_erase",
        "links",
        ["written_at"],
        sqlite_where=sa.text("erased = 0"),
        postgresql_where=sa.text("NOT erased"),
    )
    op.create_index(
        "open_rows_to_mask",
        "open_rows",
        ["id"],
        sqlite_where=sa.text("masked IS NOT NULL"),
        postgresql_where=sa.text("masked IS NOT NULL"),
    )
    op.create_table(
        "failing",
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("run_id", _ID),
        sa.PrimaryKeyConstraint("target", "destination"),
    )
