"""Tables of alerts: rules, alerts, who knows what of them, what is collected, and why all that was decided."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from sync_ledger.ledger.columns import ID, TIME, destination, hashed, index_where, named, numbered, source_row
from sync_ledger.ledger.tables import metadata

alert_rules = Table(
    "alert_rules",
    metadata,
    destination(),
    named("rule", key=True),
    hashed("meaning"),
    Column("known_at", TIME, nullable=False),
    Column("baselined_at", TIME),
    Column("last_row_at", TIME),
)

alert_instances = Table(
    "alert_instances",
    metadata,
    destination(),
    hashed("fingerprint", key=True),
    named("rule"),
    *source_row(),
    Column("identity", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("values", JSON, nullable=False),  # fields of the row that recipients are made of
    Column("status", String(20), nullable=False),  # alert_rules.records.Status
    Column("version", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("amount", Text),  # exact
    Column("since", TIME, nullable=False),
    Column("seen_at", TIME, nullable=False),
    Column("row_at", TIME),
    Column("fired_at", TIME),
    Column("ending_since", TIME),
    Column("resolved_at", TIME),
    Column("acknowledged_at", TIME),
    Column("acknowledged_by", Text),
    Column("erased", Boolean, nullable=False, default=False),  # what it was made of is masked
    Index("alert_instances_by_status", "destination", "status", "rule"),
    Index("alert_instances_by_rule", "destination", "rule"),
    index_where("alert_instances_ending", ["destination"], "ending_since IS NOT NULL"),
    index_where("alert_instances_to_erase", ["seen_at"], "erased = 0", "NOT erased"),
)

alert_groups = Table(
    "alert_groups",
    metadata,
    destination(),
    hashed("key", key=True),
    named("receiver"),
    Column("route", Text, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("notified_at", TIME),
    Column("repeat_at", TIME),
    Column("told", Integer, nullable=False),
    Index("alert_groups_to_repeat", "destination", "repeat_at"),
)

# What a receiver knows of an alert, and whether there is something to tell.
alert_members = Table(
    "alert_members",
    metadata,
    destination(),
    hashed("group", key=True),
    hashed("fingerprint", key=True),
    Column("opened_at", TIME),
    Column("run", ID),
    Column("told_version", Integer, nullable=False),
    Column("told_status", String(20)),
    Index("alert_members_by_alert", "destination", "fingerprint"),
    index_where("alert_members_open", ["destination"], "opened_at IS NOT NULL"),
)

# What is told later, together with the rest: digests, and what went over a budget.
alert_collected = Table(
    "alert_collected",
    metadata,
    destination(),
    named("receiver", key=True),
    Column("channel", String(10), primary_key=True),
    Column("recipient", String(320), primary_key=True),
    hashed("fingerprint", key=True),
    Column("route", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("known", Boolean, nullable=False),
    Column("due_at", TIME),
    Column("why", String(20), nullable=False),
    Index("alert_collected_due", "destination", "due_at"),
)

alert_escalations = Table(
    "alert_escalations",
    metadata,
    destination(),
    hashed("key", key=True),
    named("source"),
    named("receiver"),
    Column("due_at", TIME),  # null once it is decided
    Column("unless_acknowledged", Boolean, nullable=False),
    Column("undelivered", Boolean, nullable=False),
    Column("members", JSON, nullable=False),
    Index("alert_escalations_due", "destination", "due_at"),
)

alert_silences = Table(
    "alert_silences",
    metadata,
    destination(),
    hashed("key", key=True),
    Column("matchers", JSON, nullable=False),
    Column("starts", TIME, nullable=False),
    Column("until", TIME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# Why somebody was told, or was not. What is decided again, run after run, is one line with a count.
alert_decisions = Table(
    "alert_decisions",
    metadata,
    numbered(),
    destination(key=False),
    hashed("mark"),  # hash of everything but times and run
    named("rule"),
    hashed("fingerprint"),
    *source_row(),
    Column("code", String(20), nullable=False),
    Column("text", Text, nullable=False),
    named("receiver", optional=True),
    named("notification", optional=True),
    named("field", optional=True),
    Column("first_at", TIME, nullable=False),
    Column("last_at", TIME, nullable=False),
    Column("run_id", ID),  # the last one
    Column("times", Integer, nullable=False),
    Index("alert_decisions_once", "destination", "mark", unique=True),
    Index("alert_decisions_by_alert", "destination", "fingerprint"),
    Index("alert_decisions_by_age", "last_at"),
    Index("alert_decisions_by_row", "destination", "stream", "source_key"),
)

ALERT_TABLES = (
    alert_rules,
    alert_instances,
    alert_groups,
    alert_members,
    alert_collected,
    alert_escalations,
    alert_silences,
    alert_decisions,
)
"""All of them."""
