"""Rows on their way through the engine, and the outcome each of them gets."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    NEWER_IN_BATCH = "newer_in_batch"
    UNKNOWN_STREAM = "unknown_stream"
    UNMAPPED = "unmapped"
    MISSING_KEY = "missing_key"
    MISSING_REQUIRED = "missing_required"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
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


REMEDIES: Mapping[Reason, str] = {
    Reason.UNMAPPED: (
        "correct the mapping named in the text, then let all rows come once more (meltano run --full-refresh)"
    ),
    Reason.MISSING_KEY: "give every key property of the stream a value in the mapping",
    Reason.MISSING_REQUIRED: "map a value to the field",
    Reason.WRONG_TYPE: "convert the value in the mapping, for example with float() or str()",
    Reason.TOO_LONG: "shorten the value in the mapping or use a longer field",
    Reason.UNKNOWN_OPTION: "add the option to the field at the service or map to an existing one",
    Reason.UNKNOWN_ATTRIBUTE: "remove the key from the mapped object",
    Reason.NOT_NULLABLE: "map a value; the service does not let the field be emptied",
    Reason.AMBIGUOUS: "several records carry this external ID: merge them or clear the field on all but one",
    Reason.AMBIGUOUS_CREATE: (
        "look at the records named: delete the one that was made for this row, if there is one, and replay the row"
    ),
    Reason.RECORD_DELETED: (
        "restore the record at the service, or put the external ID into the one that takes its place"
    ),
    Reason.REFUSED: "the service's own words tell what it does not like about the row",
    Reason.PARENT_MISSING: "the row is tried again by every run until its parent is there",
    Reason.UNAVAILABLE: "nothing to do: the next run sends it again",
    Reason.UNKNOWN_RESULT: "nothing to do: the next run looks whether the write happened before it sends it again",
    Reason.BUDGET: "nothing to do: the next run goes on when the service's limit allows",
}


@dataclass
class SourceRow:
    """One RECORD that reached the target, or an open row of an earlier run that is tried again.

    Attributes:
        entity: Entity it is meant for.
        external_id: Value of the stream's key properties.
        payload: Property name -> value as it was mapped, key properties left out.
        open_row_id: Set when the row comes from the ledger's open rows instead of the input.
    """

    entity: str
    external_id: str
    payload: Mapping[str, t.Any]
    open_row_id: int | None = None


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
