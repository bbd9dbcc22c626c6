"""What alerts keep between runs: rules, alerts, groups, what is collected, silences and decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    _alert_rules()
    _alert_instances()
    _alert_groups()
    _alert_members()
    _alert_collected()
    _alert_escalations()
    _alert_silences()
    _alert_decisions()


def _alert_rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("meaning", sa.String(length=64), nullable=False),
        sa.Column("known_at", _TIME, nullable=False),
        sa.Column("baselined_at", _TIME),
        sa.Column("last_row_at", _TIME),
        sa.PrimaryKeyConstraint("destination", "rule"),
    )


def _alert_instances() -> None:
    op.create_table(
        "alert_instances",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("identity", sa.JSON(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Text()),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("row_at", _TIME),
        sa.Column("fired_at", _TIME),
        sa.Column("ending_since", _TIME),
        sa.Column("resolved_at", _TIME),
        sa.Column("acknowledged_at", _TIME),
        sa.Column("acknowledged_by", sa.Text()),
        sa.PrimaryKeyConstraint("destination", "fingerprint"),
    )
    op.create_index("alert_instances_by_status", "alert_instances", ["destination", "status", "rule"])
    op.create_index("alert_instances_by_rule", "alert_instances", ["destination", "rule"])
    op.create_index(
        "alert_instances_ending",
        "alert_instances",
        ["destination"],
        sqlite_where=sa.text("ending_since IS NOT NULL"),
        postgresql_where=sa.text("ending_since IS NOT NULL"),
    )


def _alert_groups() -> None:
    op.create_table(
        "alert_groups",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("notified_at", _TIME),
        sa.Column("repeat_at", _TIME),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "key"),
    )
    op.create_index("alert_groups_to_repeat", "alert_groups", ["destination", "repeat_at"])


def _alert_members() -> None:
    op.create_table(
        "alert_members",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("opened_at", _TIME),
        sa.Column("run", _ID),
        sa.Column("told_version", sa.Integer(), nullable=False),
        sa.Column("told_status", sa.String(length=20)),
        sa.PrimaryKeyConstraint("destination", "group", "fingerprint"),
    )
    op.create_index("alert_members_by_alert", "alert_members", ["destination", "fingerprint"])
    op.create_index(
        "alert_members_open",
        "alert_members",
        ["destination"],
        sqlite_where=sa.text("opened_at IS NOT NULL"),
        postgresql_where=sa.text("opened_at IS NOT NULL"),
    )


def _alert_collected() -> None:
    op.create_table(
        "alert_collected",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("destination", "receiver", "channel", "recipient", "fingerprint"),
    )
    op.create_index("alert_collected_due", "alert_collected", ["destination", "due_at"])


def _alert_escalations() -> None:
    op.create_table(
        "alert_escalations",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("unless_acknowledged", sa.Boolean(), nullable=False),
        sa.Column("undelivered", sa.Boolean(), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "key"),
    )
    op.create_index("alert_escalations_due", "alert_escalations", ["destination", "due_at"])


def _alert_silences() -> None:
    op.create_table(
        "alert_silences",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("matchers", sa.JSON(), nullable=False),
        sa.Column("starts", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "key"),
    )


def _alert_decisions() -> None:
    op.create_table(
        "alert_decisions",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("receiver", sa.String(length=255)),
        sa.Column("notification", sa.String(length=255)),
        sa.Column("field", sa.String(length=255)),
        sa.Column("first_at", _TIME, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alert_decisions_once", "alert_decisions", ["destination", "mark"], unique=True)
    op.create_index("alert_decisions_by_alert", "alert_decisions", ["destination", "fingerprint"])
    op.create_index("alert_decisions_by_row", "alert_decisions", ["destination", "stream", "source_key"])
