"""The sending ledger: messages that go out once, what became of them, and who wants none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    _messages()
    _message_members()
    _message_events()
    _suppressions()


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("html", sa.Text()),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=320)),
        sa.Column("messaging_service", sa.String(length=255)),
        sa.Column("reply_to", sa.String(length=320)),
        sa.Column("language", sa.String(length=35)),
        sa.Column("not_before", _TIME, nullable=False),
        sa.Column("valid_until", _TIME),
        sa.Column("on_lost_answer", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=30)),
        sa.Column("code", sa.String(length=50)),
        sa.Column("error", sa.Text()),
        sa.Column("remedy", sa.Text()),
        sa.Column("remote_id", sa.String(length=255)),
        sa.Column("guessed", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_again", sa.Boolean(), nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("claimed_at", _TIME),
        sa.Column("claimed_by", _ID),
        sa.Column("tried_at", _TIME),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("looked_at", _TIME),
        sa.Column("put_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME),
        sa.Column("status_at", _TIME, nullable=False),
        sa.Column("failure_told", sa.Boolean(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("destination", "key", name="messages_by_key"),
    )
    op.create_index("messages_by_remote", "messages", ["destination", "remote_id"], unique=True)
    op.create_index("messages_due", "messages", ["destination", "status", "due_at", "id"])
    op.create_index("messages_by_claim", "messages", ["destination", "channel", "claimed_at"])
    op.create_index("messages_alike", "messages", ["destination", "text_hash"])
    op.create_index(
        "messages_to_erase",
        "messages",
        ["put_at"],
        sqlite_where=sa.text("erased = 0"),
        postgresql_where=sa.text("NOT erased"),
    )
    op.create_index(
        "messages_in_trouble",
        "messages",
        ["destination", "status"],
        sqlite_where=sa.text("failure_told = 0"),
        postgresql_where=sa.text("NOT failure_told"),
    )


def _message_members() -> None:
    op.create_table(
        "message_members",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "place"),
    )
    op.create_index("message_members_by_alert", "message_members", ["rule", "fingerprint"])
    op.create_index("message_members_by_row", "message_members", ["stream", "source_key"])


def _message_events() -> None:
    op.create_table(
        "message_events",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("message_id", _ID),
        sa.Column("remote_id", sa.String(length=255)),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=50)),
        sa.Column("text", sa.Text()),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("noted_at", _TIME, nullable=False),
        sa.Column("event_key", sa.String(length=255)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("destination", "event_key", name="message_events_once"),
    )
    op.create_index("message_events_by_message", "message_events", ["message_id"])
    op.create_index(
        "message_events_early",
        "message_events",
        ["destination", "remote_id"],
        sqlite_where=sa.text("message_id IS NULL"),
        postgresql_where=sa.text("message_id IS NULL"),
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("destination", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("lifted_at", _TIME),
        sa.PrimaryKeyConstraint("destination", "channel", "recipient", "sender"),
    )
