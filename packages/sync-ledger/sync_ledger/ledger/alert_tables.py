"""Tables of alerts: rules, alerts, who knows what of them, what is collected, and why all that was decided."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, DateTime, Index, Integer, String, Table, Text, text

from sync_ledger.ledger.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")
_TIME = DateTime(timezone=True)

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("rule", String(255), primary_key=True),
    Column("meaning", String(64), nullable=False),
    Column("known_at", _TIME, nullable=False),
    Column("baselined_at", _TIME),
    Column("last_row_at", _TIME),
)

alert_instances = Table(
    "alert_instances",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("rule", String(255), nullable=False),
    Column("stream", String(255), nullable=False),
    Column("source_key", Text, nullable=False),
    Column("identity", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("values", JSON, nullable=False),  # fields of the row that recipients are made of
    Column("status", String(20), nullable=False),  # alert_rules.records.Status
    Column("version", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("amount", Text),  # exact
    Column("since", _TIME, nullable=False),
    Column("seen_at", _TIME, nullable=False),
    Column("row_at", _TIME),
    Column("fired_at", _TIME),
    Column("ending_since", _TIME),
    Column("resolved_at", _TIME),
    Column("acknowledged_at", _TIME),
    Column("acknowledged_by", Text),
    Index("alert_instances_by_status", "destination", "status", "rule"),
    Index("alert_instances_by_rule", "destination", "rule"),
    Index(
        "alert_instances_ending",
        "destination",
        sqlite_where=text("ending_since IS NOT NULL"),
        postgresql_where=text("ending_since IS NOT NULL"),
    ),
)

alert_groups = Table(
    "alert_groups",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("receiver", String(255), nullable=False),
    Column("route", Text, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("notified_at", _TIME),
    Column("repeat_at", _TIME),
    Column("told", Integer, nullable=False),
    Index("alert_groups_to_repeat", "destination", "repeat_at"),
)

# What a receiver knows of an alert, and whether there is something to tell.
alert_members = Table(
    "alert_members",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("group", String(64), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("opened_at", _TIME),
    Column("run", _ID),
    Column("told_version", Integer, nullable=False),
    Column("told_status", String(20)),
    Index("alert_members_by_alert", "destination", "fingerprint"),
    Index(
        "alert_members_open",
        "destination",
        sqlite_where=text("opened_at IS NOT NULL"),
        postgresql_where=text("opened_at IS NOT NULL"),
    ),
)

# What is told later, together with the rest: digests, and what went over a budget.
alert_collected = Table(
    "alert_collected",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("receiver", String(255), primary_key=True),
    Column("channel", String(10), primary_key=True),
    Column("recipient", String(320), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("route", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("known", Boolean, nullable=False),
    Column("due_at", _TIME),
    Column("why", String(20), nullable=False),
    Index("alert_collected_due", "destination", "due_at"),
)

alert_escalations = Table(
    "alert_escalations",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("source", String(255), nullable=False),
    Column("receiver", String(255), nullable=False),
    Column("due_at", _TIME),  # null once it is decided
    Column("unless_acknowledged", Boolean, nullable=False),
    Column("undelivered", Boolean, nullable=False),
    Column("members", JSON, nullable=False),
    Index("alert_escalations_due", "destination", "due_at"),
)

alert_silences = Table(
    "alert_silences",
    metadata,
    Column("destination", String(255), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("matchers", JSON, nullable=False),
    Column("starts", _TIME, nullable=False),
    Column("until", _TIME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# Why somebody was told, or was not. What is decided again, run after run, is one line with a count.
alert_decisions = Table(
    "alert_decisions",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("destination", String(255), nullable=False),
    Column("mark", String(64), nullable=False),  # hash of everything but times and run
    Column("rule", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("stream", String(255), nullable=False),
    Column("source_key", Text, nullable=False),
    Column("code", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("receiver", String(255)),
    Column("notification", String(255)),
    Column("field", String(255)),
    Column("first_at", _TIME, nullable=False),
    Column("last_at", _TIME, nullable=False),
    Column("run_id", _ID),  # the last one
    Column("times", Integer, nullable=False),
    Index("alert_decisions_once", "destination", "mark", unique=True),
    Index("alert_decisions_by_alert", "destination", "fingerprint"),
    Index("alert_decisions_by_row", "destination", "stream", "source_key"),
)
