"""Tables of the Twilio emulator; moments are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table

METADATA = MetaData()

ACCOUNT = Table("account", METADATA, Column("id", Integer, primary_key=True), Column("seed", Integer, nullable=False))

SENDERS = Table(
    "senders",
    METADATA,
    Column("number", String, primary_key=True),
    Column("sid", String, nullable=False),
    Column("service_sid", String),
    Column("free_at", Float, nullable=False, default=0.0),
)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sid", String, nullable=False, unique=True),
    Column("direction", String, nullable=False),
    Column("status", String, nullable=False),
    Column("sender", String),
    Column("recipient", String, nullable=False),
    Column("body", String, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("media", Integer, nullable=False, default=0),
    Column("service_sid", String),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("next_at", Float),
    Column("valid_from", Float, nullable=False),
    Column("validity", Integer, nullable=False, default=36000),
    Column("callback", String),
    Column("error_code", Integer),
    Column("deleted", Boolean, nullable=False, default=False),
    Index("messages_next", "next_at"),
    Index("messages_recipient", "recipient", "id"),
    sqlite_autoincrement=True,
)

CALLS = Table(
    "calls",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sid", String, nullable=False, unique=True),
    Column("status", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("spoken", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("next_at", Float),
    Column("timeout", Integer, nullable=False),
    Column("callback", String),
    Column("events", String, nullable=False),
    Column("sequence", Integer, nullable=False, default=0),
    Column("answered_by", String),
    sqlite_autoincrement=True,
)

OPT_OUTS = Table(
    "opt_outs",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("number", String, primary_key=True),
)

PHONES = Table(
    "phones",
    METADATA,
    Column("number", String, primary_key=True),
    Column("code", Integer),
    Column("verified", Boolean, nullable=False, default=False),
    Column("line_type", String, nullable=False, default="mobile"),
)

RECEIVED = Table(
    "received",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("number", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("text", String, nullable=False),
    Column("sid", String),
    Column("at", Float, nullable=False),
    Index("received_number", "number", "id"),
)

CALLBACKS = Table(
    "callbacks",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sid", String, nullable=False),
    Column("url", String, nullable=False),
    Column("parameters", String, nullable=False),
    Column("token", String, nullable=False),
    Column("due_at", Float),
    Column("position", Float, nullable=False),
    Column("state", String, nullable=False),
    Column("results", String, nullable=False, default="[]"),
    Index("callbacks_due", "state", "due_at"),
    Index("callbacks_sid", "sid"),
)
