"""Rows on their way through the engine, and the outcome each of them gets."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class Outcome(str, enum.Enum):
    """What became of a source row. Every row gets exactly one."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    HELD = "held"
    REJECTED = "rejected"
    FAILED = "failed"
    PLANNED = "planned"


OPEN_OUTCOMES = frozenset({Outcome.HELD, Outcome.REJECTED, Outcome.FAILED})
"""Outcomes of rows that were not written and stay in the ledger until they are."""


class Reason(str, enum.Enum):
    """Why a row got its outcome; a stable code. `REMEDIES` tells what to do about those that need a person."""

    NONE = ""
    SAME_PAYLOAD = "same_payload"
    SAME_AS_REMOTE = "same_as_remote"
    CREATE = "create"
    UPDATE = "update"
    ALREADY_THERE = "already_there"
    NEWER_IN_BATCH = "newer_in_batch"
    UNKNOWN_STREAM = "unknown_stream"
    UNMAPPED = "unmapped"
    MISSING_KEY = "missing_key"
    MISSING_REQUIRED = "missing_required"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_OPTION = "unknown_option"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    NOT_NULLABLE = "not_nullable"
    AMBIGUOUS = "ambiguous"
    AMBIGUOUS_CREATE = "ambiguous_create"
    RECORD_DELETED = "record_deleted"
    REFUSED = "refused"
    PARENT_MISSING = "parent_missing"
    UNAVAILABLE = "unavailable"
    UNKNOWN_RESULT = "unknown_result"
    BUDGET = "budget"
    BUSY = "busy"
    ADOPT = "adopt"
    NO_RULE = "no_rule"
    RULE_FAILED = "rule_failed"
    FIRED = "fired"
    PENDING = "pending"
    BASELINE = "baseline"
    STEP = "step"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    KEPT_FIRING = "kept_firing"
    NOT_NEW = "not_new"
    OLDER_ROW = "older_row"
    ADOPTED = "adopted"
    LINKED = "linked"
    NO_MATCH = "no_match"
    CONTENDED = "contended"
    PLAN_CHANGED = "plan_changed"
    ARCHIVE = "archive"
    FLAG = "flag"
    DELETE = "delete"
    ARCHIVED = "archived"
    FLAGGED = "flagged"
    DELETED = "deleted"
    RESTORED = "restored"
    SOURCE_DELETED = "source_deleted"
    NOT_LINKED = "not_linked"
    ALREADY_DELETED = "already_deleted"
    DELETION_WAITS = "deletion_waits"
    NOT_RESTORED = "not_restored"
    DELETE_GUARD = "delete_guard"
    NOT_OURS = "not_ours"
    PAYLOAD_ERASED = "payload_erased"
    LEFT_OUT = "left_out"
    SUPERSEDED = "superseded"


DELETIONS_LEFT_ALONE = frozenset({Reason.SOURCE_DELETED, Reason.NOT_LINKED})
"""Reasons of skipped rows that were deleted at the source: what waits of the same external ID is wanted no more."""

MAPPED_AWAY = frozenset({Reason.LEFT_OUT, Reason.SUPERSEDED})
"""Reasons of held rows that a corrected mapping has nothing to send for; they wait no more."""

REMEDIES: Mapping[Reason, str] = {
    Reason.UNMAPPED: (
        "correct the mapping named in the text, then send the rows with sync-ledger replay --reason unmapped"
        " --mapping FILE"
    ),
    Reason.MISSING_KEY: "give every key property of the stream a value in the mapping",
    Reason.MISSING_REQUIRED: "map a value to the field",
    Reason.WRONG_TYPE: "convert the value in the mapping, for example with float(), boolean() or str()",
    Reason.TOO_LONG: "shorten the value in the mapping or use a longer field",
    Reason.OUT_OF_RANGE: "correct the value at the source, or map one within the range of the field",
    Reason.UNKNOWN_OPTION: "add the option or record it names at the service, or map to one that is there",
    Reason.UNKNOWN_ATTRIBUTE: "remove the key from the mapped object",
    Reason.NOT_NULLABLE: "map a value; the service does not let the field be emptied",
    Reason.AMBIGUOUS: (
        "several records carry this external ID, or fit its match rule: merge them, or let the right one alone carry it"
    ),
    Reason.AMBIGUOUS_CREATE: (
        "look at the records named: delete the one that was made for this row, if there is one, and replay the row"
    ),
    Reason.RECORD_DELETED: (
        "restore the record at the service, or put the external ID into the one that takes its place"
    ),
    Reason.RULE_FAILED: "correct the row at the source, or the rule in the alert file; it counts when it comes again",
    Reason.REFUSED: "the service's own words tell what it does not like about the row",
    Reason.PARENT_MISSING: "the row is tried again by every run until its parent is there",
    Reason.UNAVAILABLE: "nothing to do: the next run sends it again",
    Reason.UNKNOWN_RESULT: "nothing to do: the next run looks whether the write happened before it sends it again",
    Reason.BUDGET: "nothing to do: the next run goes on when the service's limit allows",
    Reason.BUSY: "nothing to do: another run was writing the record; this run at its end, or the next one, tries again",
    Reason.CONTENDED: (
        "several rows want the record named: put the external ID of the right one into it, and give the others a record"
        " of their own or discard them"
    ),
    Reason.PLAN_CHANGED: "look at the record and make a new plan; the text tells what is no longer as planned",
    Reason.DELETION_WAITS: "nothing to do: deletions are carried out at the end of the run, or by the next one",
    Reason.DELETE_GUARD: (
        "more deletions than delete_guard_rows or delete_guard_percent allows: if they are right, let them through with"
        " sync-ledger replay --reason delete_guard; if not, discard them and look at the source"
    ),
    Reason.NOT_OURS: (
        "the linked record no longer carries this external ID, so it is not deleted: give it the ID back, or discard"
        " the row"
    ),
    Reason.PAYLOAD_ERASED: (
        "its values were erased: let the row come once more from the source (meltano run --full-refresh)"
    ),
}


@dataclass(frozen=True)
class PlannedRow:
    """What a plan says of a row, when the row comes from one.

    Attributes:
        id: Number of the plan's row.
        action: `create`, `update` or `adopt`.
        remote_id: Record to change; None when one is to be made.
        changes: Field -> (old, new).
    """

    id: int
    action: str
    remote_id: str | None
    changes: Mapping[str, tuple[t.Any, t.Any]]


@dataclass(frozen=True)
class Origin:
    """Where a row came from that a mapper could not map: what it takes to map it once more.

    Attributes:
        stream: Stream of the source.
        key: Names of its key properties.
        missing: Properties of the stream that the row does not have.
    """

    stream: str
    key: Sequence[str] = ()
    missing: Sequence[str] = ()


@dataclass
class SourceRow:
    """One RECORD that reached the target, or an open row of an earlier run that is tried again.

    Attributes:
        entity: Entity it is meant for.
        external_id: Value of the stream's key properties.
        payload: Property name -> value as it was mapped, key properties left out.
        open_row_id: Set when the row comes from the ledger's open rows instead of the input.
        planned: Set when the row comes from a plan that is being applied.
        deleted: The source says that it has deleted the row (`_sdc_deleted_at`).
        approved: A person let the row through, so that no guard stops it.
        origin: Set when a mapper could not map the row; its payload is then the row as it came.
        original: The row as it came, when it was held for its mapping and is tried again with another one.
        edited_at: When a person last edited it.
        damaged: Property that came with half of a character; the payload has U+FFFD in its place.
    """

    entity: str
    external_id: str
    payload: Mapping[str, t.Any]
    open_row_id: int | None = None
    planned: PlannedRow | None = None
    deleted: bool = False
    approved: bool = False
    origin: Origin | None = None
    original: Mapping[str, t.Any] | None = None
    edited_at: datetime | None = None
    damaged: str | None = None


@dataclass(frozen=True)
class Settled:
    """The outcome of one source row, ready for the ledger.

    Attributes:
        row: The source row.
        outcome: Its outcome.
        reason: Why.
        field: Field concerned, if one is.
        text: In words, or the service's words.
        remote_id: Record it was written to or matched with.
        changes: Field -> (old, new) of what was written or would be.
        candidates: Ids of the records that match, when several do.
        values: Normalised payload now known to be at the service; it becomes the link's.
        matched_by: Name of the match rule that found the record, when neither link nor external ID did.
        cost: What writing the row would take of the budget, when it is only planned.
        deleted_as: `archive`, `flag` or `delete` when that was done with the record.
        answers: What the service answered, plain successes left out.
    """

    row: SourceRow
    outcome: Outcome
    reason: Reason = Reason.NONE
    field: str | None = None
    text: str | None = None
    remote_id: str | None = None
    changes: Mapping[str, tuple[t.Any, t.Any]] | None = None
    candidates: Sequence[str] = ()
    values: Mapping[str, t.Any] | None = None
    matched_by: str | None = None
    cost: int = 0
    deleted_as: str | None = None
    answers: Sequence[Mapping[str, t.Any]] = ()


@dataclass
class Tally:
    """Counts of one run, per entity, outcome and reason."""

    counts: dict[tuple[str, Outcome, Reason], int] = field(default_factory=dict)

    def add(self, settled: Settled) -> None:
        """Count one outcome."""
        key = (settled.row.entity, settled.outcome, settled.reason)
        self.counts[key] = self.counts.get(key, 0) + 1

    @property
    def total(self) -> int:
        """All outcomes."""
        return sum(self.counts.values())

    def by_outcome(self) -> dict[str, int]:
        """Outcome -> rows over all entities, only those that occurred."""
        result: dict[str, int] = {}
        for (_, outcome, _), rows in sorted(self.counts.items()):
            result[outcome.value] = result.get(outcome.value, 0) + rows
        return result
