"""Tables of the sending ledger: messages, what became of them, and who wants none."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from sync_ledger.ledger.columns import ID, TIME, destination, hashed, index_where, named, numbered, source_row
from sync_ledger.ledger.tables import metadata

messages = Table(
    "messages",
    metadata,
    numbered(),
    destination(key=False),
    named("key"),  # what makes it this message and no other
    Column("channel", String(10), nullable=False),  # sms email voice
    named("receiver"),
    Column("recipient", String(320), nullable=False),  # masked once erased
    Column("purpose", String(20), nullable=False),
    Column("group_key", Text, nullable=False),
    Column("subject", Text),
    Column("text", Text),  # null once erased
    Column("html", Text),
    hashed("text_hash"),  # of channel, recipient, subject, text and HTML; stays
    Column("segments", Integer, nullable=False, default=0),
    Column("sender", String(320)),
    named("messaging_service", optional=True),
    Column("reply_to", String(320)),
    Column("language", String(35)),
    Column("not_before", TIME, nullable=False),
    Column("valid_until", TIME),
    Column("on_lost_answer", String(10), nullable=False),  # hold send_again
    Column("status", String(20), nullable=False),  # sync_ledger.sending.service.Delivery
    Column("reason", String(30)),  # why it is held or expired
    Column("code", String(50)),  # of the service, or what failed
    Column("error", Text),
    Column("remedy", Text),
    named("remote_id", optional=True),
    Column("guessed", Boolean, nullable=False, default=False),  # the remote id was found by its text, not told
    Column("attempts", Integer, nullable=False, default=0),  # calls that may have sent it
    Column("tries", Integer, nullable=False, default=0),  # times in a row the service said later
    Column("sent_again", Boolean, nullable=False, default=False),
    Column("due_at", TIME),  # waiting: when it may be tried; unknown: when to look for it
    Column("claimed_at", TIME),
    Column("claimed_by", ID),  # run that is sending it, or was
    Column("tried_at", TIME),  # begin of the first call that may have sent it
    Column("looks", Integer, nullable=False, default=0),  # times it was looked for since its answer was lost
    Column("looked_at", TIME),  # when the service was last asked about it
    Column("put_at", TIME, nullable=False),
    Column("sent_at", TIME),  # when the service had it
    Column("status_at", TIME, nullable=False),  # when it came to its status
    Column("failure_told", Boolean, nullable=False, default=False),  # whoever escalates knows that it did not arrive
    Column("erased", Boolean, nullable=False, default=False),
    UniqueConstraint("destination", "key", name="messages_by_key"),
    # What is given to two messages of one account would be one message counted twice.
    Index("messages_by_remote", "destination", "remote_id", unique=True),
    Index("messages_due", "destination", "status", "due_at", "id"),
    Index("messages_by_claim", "destination", "channel", "claimed_at"),
    Index("messages_alike", "destination", "text_hash"),
    index_where("messages_to_erase", ["put_at"], "erased = 0", "NOT erased"),
    index_where("messages_in_trouble", ["destination", "status"], "failure_told = 0", "NOT failure_told"),
)

# What a message tells of, row by row: the way from an alert to its messages and back.
message_members = Table(
    "message_members",
    metadata,
    Column("message_id", ID, primary_key=True),
    Column("place", Integer, primary_key=True),
    named("rule"),
    named("fingerprint"),
    Column("version", Integer, nullable=False),
    *source_row(),
    Index("message_members_by_alert", "rule", "fingerprint"),
    Index("message_members_by_row", "stream", "source_key"),
)

# Everything that was said of a message, in the order it was noted. What the service says of an id that no message has
# yet waits here without one: a callback may overtake the answer it belongs to.
message_events = Table(
    "message_events",
    metadata,
    numbered(),
    destination(key=False),
    Column("message_id", ID),
    named("remote_id", optional=True),
    Column("source", String(10), nullable=False),  # ledger answer look callback poll person
    Column("status", String(20), nullable=False),
    Column("moved", Boolean, nullable=False),  # whether the message came to this status by it
    Column("code", String(50)),
    Column("text", Text),
    Column("at", TIME, nullable=False),  # when it was so, by whoever said it
    Column("noted_at", TIME, nullable=False),
    named("event_key", optional=True),  # equal for what is said twice; null for what the ledger itself notes
    UniqueConstraint("destination", "event_key", name="message_events_once"),
    Index("message_events_by_message", "message_id"),
    index_where("message_events_early", ["destination", "remote_id"], "message_id IS NULL"),
)

# Who wants no messages. They outlive every purge: they are what keeps us from writing to these people again.
suppressions = Table(
    "suppressions",
    metadata,
    destination(),
    Column("channel", String(10), primary_key=True),
    Column("recipient", String(320), primary_key=True),  # in small letters
    Column("sender", String(320), primary_key=True),  # empty: whoever sends
    Column("since", TIME, nullable=False),
    Column("why", Text, nullable=False),
    Column("lifted_at", TIME),
)
