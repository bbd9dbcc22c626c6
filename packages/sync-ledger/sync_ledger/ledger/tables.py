"""Tables of the ledger. A change here needs a migration in `sync_ledger/migrations/versions`."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from sync_ledger.ledger.columns import ID, TIME, destination, hashed, index_where, named, numbered

metadata = MetaData()


runs = Table(
    "runs",
    metadata,
    numbered(),
    destination(key=False),
    Column("target", String(100), nullable=False),
    Column("mode", String(10), nullable=False),
    Column("status", String(20), nullable=False),  # running succeeded failed stopped died
    Column("started_at", TIME, nullable=False),
    Column("heartbeat_at", TIME, nullable=False),
    Column("ended_at", TIME),
    named("host"),
    Column("pid", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),  # source rows taken in
    Column("replayed", BigInteger, nullable=False, default=0),  # open rows of earlier runs tried again
    Column("calls", BigInteger, nullable=False, default=0),
    Column("writes", BigInteger, nullable=False, default=0),
    Column("cost", BigInteger, nullable=False, default=0),
    Column("budget_left", BigInteger),
    Column("error", Text),
    Column("state_in", JSON),
    Column("state_out", JSON),
    Column("erased_at", TIME),  # when values of its outcomes were erased
    Index("runs_by_destination", "destination", "status"),
)

run_counts = Table(
    "run_counts",
    metadata,
    Column("run_id", ID, primary_key=True),
    named("entity", key=True),
    Column("outcome", String(20), primary_key=True),
    Column("reason", String(50), primary_key=True),
    Column("rows", BigInteger, nullable=False),
)

# One line per row that was not simply unchanged; unchanged rows are only counted.
outcomes = Table(
    "outcomes",
    metadata,
    numbered(),
    Column("run_id", ID, nullable=False),
    destination(key=False),
    named("entity"),
    Column("external_id", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(50), nullable=False),
    named("field", optional=True),
    Column("text", Text),
    Column("remote_id", Text),
    Column("changes", JSON),  # field -> [old, new]
    named("matched_by", optional=True),  # the match rule that found the record, when no link and no external ID did
    Column("answers", JSON),  # every answer of the service but a plain success: [{"action", "code", "text", "result"}]
    Column("open_row_id", ID),  # the open row this was a further try of; the first one only if its external ID changed
    Column("at", TIME, nullable=False),
    Index("outcomes_by_key", "destination", "entity", "external_id"),
    Index("outcomes_by_run", "run_id"),
    index_where("outcomes_by_open_row", ["open_row_id"], "open_row_id IS NOT NULL"),
)

links = Table(
    "links",
    metadata,
    destination(),
    named("entity", key=True),
    Column("external_id", Text, primary_key=True),
    Column("remote_id", Text, nullable=False),
    hashed("payload_hash"),
    Column("payload", JSON, nullable=False),
    Column("written_at", TIME, nullable=False),
    Column("run_id", ID, nullable=False),
    Column("origin", String(10)),  # created adopted; null: found by its external ID
    Column("deleted_as", String(10)),  # archive flag delete: what was done when the source row had gone
    Column("erased", Boolean, nullable=False, default=False),  # the payload is masked as a whole
    Index("links_by_remote", "destination", "entity", "remote_id"),
    index_where("links_to_erase", ["written_at"], "erased = 0", "NOT erased"),
)

# What the last sweeps of the service saw: which record carries which external ID.
remote_index = Table(
    "remote_index",
    metadata,
    destination(),
    named("entity", key=True),
    Column("remote_id", Text, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("sweep", Integer, nullable=False),
    Index("remote_index_by_key", "destination", "entity", "external_id"),
)

sweeps = Table(
    "sweeps",
    metadata,
    destination(),
    named("entity", key=True),
    Column("sweep", Integer, nullable=False),
    Column("full_at", TIME, nullable=False),
    Column("next_since", TIME),
)

# Rows that were not written: held and rejected wait for a person, failed ones for the next run.
open_rows = Table(
    "open_rows",
    metadata,
    numbered(),
    destination(key=False),
    named("entity"),
    Column("external_id", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(50), nullable=False),
    named("field", optional=True),
    Column("text", Text),
    Column("candidates", JSON),
    Column("payload", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_run_id", ID, nullable=False),
    Column("last_run_id", ID, nullable=False),
    Column("opened_at", TIME, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Column("closed_at", TIME),
    Column("closed_as", String(20)),  # superseded written unchanged discarded left_out
    Column("replay", Boolean, nullable=False, default=False),  # a person wants it tried again, whatever its outcome
    Column("edited_at", TIME),
    Column("payload_before", JSON),  # as it came from the source, once a person has edited it or it was mapped anew
    Column("note", Text),
    Column("deletion", Boolean, nullable=False, default=False),  # the source says that it has deleted the row
    Column("masked", JSON(none_as_null=True)),  # fields to be masked as soon as the row is closed, while it is not yet
    Column("origin", JSON(none_as_null=True)),  # of a row a mapper could not map: source stream, key and missing names
    Index("open_rows_by_key", "destination", "entity", "external_id", "closed_at"),
    Index("open_rows_by_outcome", "destination", "outcome", "closed_at"),
    index_where("open_rows_to_mask", ["id"], "masked IS NOT NULL"),
)

# The fields of each entity as the last run saw them, so that a person's edits can be checked without the service.
entity_fields = Table(
    "entity_fields",
    metadata,
    destination(),
    named("entity", key=True),
    Column("description", JSON, nullable=False),
)

# Writes about to be sent. What is still here when a run starts was in flight when its run died.
intents = Table(
    "intents",
    metadata,
    destination(),
    named("entity", key=True),
    Column("external_id", Text, primary_key=True),
    Column("run_id", ID, nullable=False),
    Column("action", String(10), nullable=False),
    Column("at", TIME, nullable=False),
    Column("payload", JSON),  # what a create sends that cannot be found again by its external ID
)

# What `mode: plan` would write, row by row, and what became of it when the plan was applied.
plans = Table(
    "plans",
    metadata,
    numbered(),
    destination(key=False),
    Column("target", String(100), nullable=False),
    Column("run_id", ID, nullable=False),
    Column("made_at", TIME, nullable=False),
    Column("status", String(20), nullable=False),  # making ready applied
    Column("applied_by", ID),
    Column("calls", BigInteger, nullable=False, default=0),
    Column("cost", BigInteger, nullable=False, default=0),
    Index("plans_by_run", "run_id"),
)

plan_rows = Table(
    "plan_rows",
    metadata,
    numbered(),
    Column("plan_id", ID, nullable=False),
    named("entity"),
    Column("external_id", Text, nullable=False),
    Column("action", String(10), nullable=False),  # create update adopt restore archive flag delete; hold for held rows
    Column("remote_id", Text),
    named("matched_by", optional=True),
    Column("changes", JSON),  # field -> [old, new]
    Column("payload", JSON, nullable=False),
    Column("cost", Integer, nullable=False, default=0),
    Column("status", String(20), nullable=False),  # planned applied refused held
    Column("reason", String(50), nullable=False),
    Column("text", Text),
    Column("candidates", JSON),
    Column("masked", JSON(none_as_null=True)),  # fields to be masked as soon as the row is no longer planned
    Index("plan_rows_by_plan", "plan_id", "status"),
    Index("plan_rows_by_key", "entity", "external_id"),
)

# What match rules compare, as the sweeps saw it: the normalised value of each rule for each record.
match_index = Table(
    "match_index",
    metadata,
    destination(),
    named("entity", key=True),
    named("rule", key=True),
    Column("remote_id", Text, primary_key=True),
    Column("value", Text, primary_key=True),  # a record with two e-mail addresses has two
    Column("added_at", String(40)),
    Column("filled", Integer, nullable=False, default=0),  # fields with a value, for the policy `most_complete`
    Column("sweep", Integer, nullable=False),
    Index("match_index_by_value", "destination", "entity", "rule", "value"),
)

# Which external IDs asked for which record by a match rule; two for one record are both held.
claims = Table(
    "claims",
    metadata,
    destination(),
    named("entity", key=True),
    Column("remote_id", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    named("rule"),
    Column("run_id", ID, nullable=False),
)

# What all runs on one account have used of its daily budget.
budget_days = Table(
    "budget_days",
    metadata,
    destination(),
    Column("day", String(10), primary_key=True),
    Column("used", BigInteger, nullable=False, default=0),
    Column("left_told", BigInteger),  # what the service itself said was left, and when
    Column("told_at", TIME),
)

# Shares of an account's burst limit that processes hold for a moment.
rate_leases = Table(
    "rate_leases",
    metadata,
    destination(),
    Column("bucket", String(40), primary_key=True),
    Column("owner", String(100), primary_key=True),
    Column("places", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("told_limit", Integer),  # requests per window as the service told the owner
    Column("until", Float, nullable=False),  # seconds since 1970
)

# Which targets are failing, so that a notice goes out when that changes and not with every run.
failing = Table(
    "failing",
    metadata,
    Column("target", String(100), primary_key=True),
    destination(),
    Column("since", TIME, nullable=False),
    Column("run_id", ID),
)
