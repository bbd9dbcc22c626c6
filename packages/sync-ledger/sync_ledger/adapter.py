"""The small protocol every destination implements, and the values that cross it.

The engine owns order, matching, diffs, retries of unknown writes, outcomes and the ledger; an adapter only speaks the
wire language of its service and knows nothing of ledgers. One `Destination` stands for one account of a service,
one `EntityAdapter` for one entity (Singer stream) in it. Adapters are called from several threads at once.

How the five services fit: Pipedrive writes one record a call (`batch_size = 1`, concurrency does the rest), Zoho up to
100 with a result per row and first loads as jobs (`WritesInBulk`), Dataverse a `$batch`; Twilio has no records to sweep
or read, so its `sweep` yields nothing and `find` looks the message up by the reference it carries.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.fields import EntityDescription


class Action(str, enum.Enum):
    """What the engine means to do with one record."""

    CREATE = "create"
    UPDATE = "update"
    ARCHIVE = "archive"
    RESTORE = "restore"
    """Bring an archived record back."""
    DELETE = "delete"


@dataclass(frozen=True)
class Operation:
    """One write the engine asks an adapter for.

    Attributes:
        action: Create or update.
        external_id: External ID; on create the adapter writes it into the entity's external ID field.
        values: Field name -> normalised value (see `FieldType`), only changed fields on update. Names are those of
            the `EntityDescription`; relations are already remote ids, options already option ids.
        remote_id: The record to update; None on create.
        adopt: On update: the adapter writes the external ID into the record as well, which has none yet.
    """

    action: Action
    external_id: str
    values: Mapping[str, t.Any]
    remote_id: str | None = None
    adopt: bool = False


class Result(str, enum.Enum):
    """What is known of a write after the call."""

    WRITTEN = "written"
    """The service confirmed it."""
    REJECTED = "rejected"
    """The service refused this row for what is in it; sending it again unchanged cannot help."""
    GONE = "gone"
    """The record to update no longer exists."""
    UNSENT = "unsent"
    """It certainly had no effect (connection refused, 429) and the client's own retries are used up."""
    POSTPONED = "postponed"
    """The service works but does not let this record be written just now (locked, in approval); a later run may."""
    UNKNOWN = "unknown"
    """The answer was lost or is a server error: the effect may or may not have happened."""


@dataclass(frozen=True)
class WriteResult:
    """The answer to one `Operation`.

    Attributes:
        result: See `Result`.
        remote_id: Id of the record; needed with WRITTEN.
        code: The service's error code or the HTTP status, as text.
        text: The service's own words, without secrets.
        field: Name of the field it complains about, when it says so.
        created: With a create that was written: False if the service found a record with the external ID and updated
            that one instead, as an upsert does; None where it does not tell, so that the record counts as new.
        candidates: With a create or update that was rejected because the service takes it for a duplicate of others:
            their ids. The row is held for a person to choose.
    """

    result: Result
    remote_id: str | None = None
    code: str | None = None
    text: str | None = None
    field: str | None = None
    created: bool | None = None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class IndexEntry:
    """One record met while sweeping an entity.

    Attributes:
        remote_id: Id of the record.
        external_id: External ID it carries; None when it has none (a record of the users' own).
        deleted: The service says it is deleted; the entry is dropped from the index.
        values: Field name -> normalised value of the fields the sweep was asked for.
        added_at: When the record was made, as the service writes it.
    """

    remote_id: str
    external_id: str | None
    deleted: bool = False
    values: Mapping[str, t.Any] = field(default_factory=dict)
    added_at: str | None = None


@dataclass(frozen=True)
class Sweep:
    """A listing of an entity's records for the index.

    Attributes:
        entries: The records; consumed once, page by page.
        next_since: Where the next delta sweep starts (the service's clock, safety margin included); None when the
            service cannot list changes, so that the next sweep is a full one again.
    """

    entries: Iterable[IndexEntry]
    next_since: datetime | None


@dataclass(frozen=True)
class RemoteRecord:
    """A record as the service holds it now.

    Attributes:
        remote_id: Its id.
        external_id: External ID it carries, if any.
        values: Field name -> normalised value, for every field the service returned.
    """

    remote_id: str
    external_id: str | None
    values: Mapping[str, t.Any]


@dataclass(frozen=True)
class NewRecord:
    """A record made lately by the user the adapter writes as.

    Attributes:
        remote_id: Its id.
        values: Field name -> normalised value.
        changed: Somebody has changed it since, or the service does not tell.
    """

    remote_id: str
    values: Mapping[str, t.Any]
    changed: bool


@dataclass(frozen=True)
class Usage:
    """What a run has used so far of the service.

    Attributes:
        calls: HTTP requests sent, retries included.
        writes: Requests sent that may change data.
        cost: In the service's own unit (tokens, credits, messages); 0 where it has none.
        budget_left: What the service or our own count says is left of the daily budget; None when unknown.
    """

    calls: int = 0
    writes: int = 0
    cost: int = 0
    budget_left: int | None = None

    def __add__(self, other: Usage) -> Usage:
        """Return what both take together."""
        return Usage(self.calls + other.calls, self.writes + other.writes, self.cost + other.cost)


class EntityAdapter(t.Protocol):
    """One entity of a destination."""

    @property
    def entity(self) -> str:
        """Name of the entity, equal to the Singer stream's."""

    @property
    def batch_size(self) -> int:
        """Most operations `write` takes at once."""

    @property
    def removals(self) -> frozenset[Action]:
        """What the service can do with a record that is wanted no more: ARCHIVE (then RESTORE as well), DELETE."""

    def describe(self) -> EntityDescription:
        """Return the entity's fields from the service's live metadata (cached for the run)."""

    def sweep(self, since: datetime | None, fields: Sequence[str] = ()) -> Sweep:
        """List records for the index: all, or those changed at or after `since`, deleted ones if the service tells.

        Args:
            since: Start of the changes wanted; None for all records.
            fields: Names of fields whose values match rules need; the entries carry them.
        """

    def find(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Look external IDs up at the service by a read that sees a write made moments ago.

        Used before a create whose answer was lost is sent again. Returns external ID -> remote ids, absent when none.
        """

    def newest(self, since: datetime) -> Sequence[NewRecord]:
        """List the records made since a moment by the user written as, by a read that sees a write made moments ago.

        Only needed where `EntityDescription.external_id_field` may be None: a create whose answer was lost is then
        looked for by what was sent.
        """

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """Read records by id; those that are gone or deleted are absent."""

    def write(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        """Send at most `batch_size` operations of one action; one result per operation, in the same order.

        Only faults that concern all rows alike are raised (`sync_ledger.errors.ServiceError`); what concerns one row
        is a `WriteResult`. `BudgetExhaustedError` says that nothing was sent.
        """

    def estimate(self, *, opens: int = 0, reads: int = 0, creates: int = 0, updates: int = 0) -> Usage:
        """Return what so many calls will take of calls, writes and budget, so that a plan can tell before.

        Args:
            opens: How often the entity is opened: described, and the latest changes listed.
            reads: Records read by id, in one `read`.
            creates: Records created; an adapter that writes in bulk prices them as `write_bulk` and `write` would share
                them out: jobs of `bulk_size`, and calls for a rest below `bulk_threshold`.
            updates: Records updated.
        """


@t.runtime_checkable
class ListsRecords(t.Protocol):
    """What an `EntityAdapter` has beside its other methods when the service lists records with their values cheaply.

    `sync-ledger verify` uses it; without it, records are read by id.
    """

    def records(self) -> Iterator[RemoteRecord]:
        """List all records that are not deleted, with their values, page by page."""


@t.runtime_checkable
class WritesInBulk(t.Protocol):
    """What an `EntityAdapter` has beside its other methods when the service takes many creates as one job.

    While the ledger has no link of the entity, its sink gathers up to `bulk_size` rows; the engine then sends their
    creates with `write_bulk` if there are at least `bulk_threshold`, and with `write` otherwise. Only entities whose
    records carry the external ID are written so.
    """

    @property
    def bulk_threshold(self) -> int:
        """From this many creates in one batch on `write_bulk` is used; 0 for never."""

    @property
    def bulk_size(self) -> int:
        """Most operations one `write_bulk` takes, and most rows a sink gathers for it."""

    def write_bulk(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        """Send at most `bulk_size` creates as one job, wait for its end, and return a result per operation, in order.

        UNKNOWN is the result of each operation whose effect is not known for certain: the job failed, did not end in
        good time, or its result could not be read, for want of budget too. The engine looks those up with `find` and
        sends the absent ones with `write`. A job whose end was not seen may still be at work then, so the service
        itself has to refuse a second record of one external ID.

        Raises:
            ServiceError: As `write` does. `BudgetExhaustedError` says that nothing was sent: once the service has the
                job, its operations are UNKNOWN.
        """


class Destination(t.Protocol):
    """One account of a service."""

    @property
    def name(self) -> str:
        """Stable name of the account in the ledger, such as `pipedrive:acme`; no secret in it."""

    @property
    def entities(self) -> Sequence[str]:
        """Names of the entities it can write, parents before children."""

    @property
    def concurrency(self) -> int:
        """How many `write` calls may run at the same time."""

    def entity(self, name: str) -> EntityAdapter:
        """Return the adapter of one of `entities`."""

    def usage(self) -> Usage:
        """Return what has been used so far."""

    def estimate(self) -> Usage:
        """Return what a run takes before it opens the first entity."""

    def close(self) -> None:
        """Release connections."""


@t.runtime_checkable
class HasChosenEntities(t.Protocol):
    """What a `Destination` has beside its other methods when the account has more entities than a load is about."""

    @property
    def chosen(self) -> Sequence[str]:
        """Names of those that are described when nobody says which; any of `entities` can be written."""


@dataclass
class Relations:
    """Helper view of an entity's parents, taken from its description.

    Attributes:
        parents: Entities its RELATION fields point to.
    """

    parents: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, description: EntityDescription) -> Relations:
        """Collect the parents of an entity (itself excluded)."""
        return cls(
            frozenset(
                item.relation for item in description.fields if item.relation and item.relation != description.entity
            )
        )


def batches(operations: Sequence[Operation], size: int) -> Iterator[Sequence[Operation]]:
    """Cut operations into slices of at most `size` of one action, each as full as can be; order kept within an action.

    Their external IDs are distinct, so that it does not matter which action comes first.
    """
    by_action: dict[Action, list[Operation]] = {}
    for operation in operations:
        by_action.setdefault(operation.action, []).append(operation)
    for alike in by_action.values():
        for start in range(0, len(alike), size):
            yield alike[start : start + size]
