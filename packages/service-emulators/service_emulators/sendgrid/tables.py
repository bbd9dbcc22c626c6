"""Tables of the SendGrid emulator; moments are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table

METADATA = MetaData()

MAILS = Table(
    "mails",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("message_id", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("email", String, nullable=False),
    Column("content", String, nullable=False),
    Column("batch_id", String),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("next_at", Float),
    Index("mails_next", "next_at"),
    Index("mails_email", "email", "id"),
    sqlite_autoincrement=True,
)

MAILBOXES = Table(
    "mailboxes", METADATA, Column("email", String, primary_key=True), Column("outcome", String, nullable=False)
)

SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("email", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", Integer, nullable=False),
)

BATCHES = Table(
    "batches", METADATA, Column("batch_id", String, primary_key=True), Column("status", String, nullable=False)
)

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("id", String, primary_key=True),
    Column("settings", String, nullable=False),
    Column("signed", Boolean, nullable=False, default=False),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("content", String, nullable=False),
    Column("made_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

POSTS = Table(
    "posts",
    METADATA,
    Column("event_id", Integer, primary_key=True),
    Column("webhook_id", String, primary_key=True),
    Column("due_at", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Index("posts_due", "due_at"),
)
