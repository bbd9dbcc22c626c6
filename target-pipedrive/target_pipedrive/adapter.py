"""Pipedrive as a destination of the upsert engine."""

from __future__ import annotations

import functools
import re
import threading
import time
import typing as t
from dataclasses import dataclass

from service_calls import TIMED_OUT, LostAnswerError, NotSentError
from sync_ledger.adapter import Action, Result, Usage, WriteResult
from sync_ledger.errors import BudgetExhaustedError, ConfigError, ServiceUnavailableError

from target_pipedrive import costs, reading, values
from target_pipedrive.answers import RefusedError
from target_pipedrive.directory import Directory
from target_pipedrive.entities import ENTITIES
from target_pipedrive.fields import entity_fields
from target_pipedrive.hosts import domain

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.adapter import NewRecord, Operation, RemoteRecord, Sweep
    from sync_ledger.fields import EntityDescription
    from sync_ledger.limits import AccountLimits

    from target_pipedrive.client import PipedriveClient
    from target_pipedrive.entity import Entity
    from target_pipedrive.fields import EntityFields

LOOKUP_DELAY_SECONDS: t.Final = 3
"""How long to wait before looking for a create whose answer was lost: whether lists show a write at once is not
documented."""

_AFTER_TIME_OUT: t.Final = 5
"""So many times longer is the wait when no answer came in time: the server may still be at it."""

_COMPLAINT: t.Final = re.compile(r"Validation failed: ([\w.\[\]]+):")


@dataclass(frozen=True)
class _Lost:
    """A create whose answer was lost: when it was sent (server's clock), and how long to wait before looking."""

    sent_at: datetime
    wait_seconds: int


class PipedriveEntity:
    """Organizations, persons, ... of one account (see `sync_ledger.adapter.EntityAdapter`).

    Args:
        client: Client of the account.
        entity: Definition of the entity.
        external_id_field: Label of the custom text field that holds the external ID.
        directory: What the account names by words.
        lookup_delay_seconds: How long to wait before looking for a create whose answer was lost.
        sleep: Waits that many seconds.
    """

    batch_size = 1
    """Pipedrive has no call that writes several records."""

    def __init__(
        self,
        client: PipedriveClient,
        entity: Entity,
        external_id_field: str,
        directory: Directory,
        *,
        lookup_delay_seconds: int = LOOKUP_DELAY_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._entity = entity
        self._directory = directory
        self._external_id_field = external_id_field
        self._delay = lookup_delay_seconds
        self._sleep = sleep
        self._fields: EntityFields | None = None
        self._lock = threading.Lock()
        self._lost: dict[str, _Lost] = {}

    @property
    def removals(self) -> frozenset[Action]:
        """Every entity can be deleted; only some have an archive."""
        return frozenset({Action.DELETE, Action.ARCHIVE} if self._entity.archivable else {Action.DELETE})

    @property
    def entity(self) -> str:
        """Name of the entity, equal to the Singer stream's."""
        return self._entity.name

    def describe(self) -> EntityDescription:
        """Return the fields the account has, read once a run.

        Raises:
            ConfigError: If the external ID field does not exist or is not a text field.
        """
        return self._described().description

    def sweep(self, since: datetime | None, fields: Sequence[str] = ()) -> Sweep:
        """List all records, or those changed since a moment, 500 a call."""
        return reading.sweep(self._client, self._entity, self._described(), since, fields)

    def find(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Look for records created moments ago, by reading the newest ones.

        They are read back to the sending of the earliest create in question, or a quarter of an hour for IDs this
        process has not sent. The search index is of no use here: it runs seconds behind and costs more.
        """
        fields = self._described()
        start = self._client.server_now() - reading.RECENT
        lost = [self._lost.get(one, _Lost(start, self._delay)) for one in external_ids]
        self._sleep(max((one.wait_seconds for one in lost), default=self._delay))
        since = min((one.sent_at for one in lost), default=start) - reading.LOST_MARGIN
        return reading.recent(self._client, self._entity, fields, set(external_ids), since)

    def newest(self, since: datetime) -> Sequence[NewRecord]:
        """List the records made since a moment by the user written as.

        A create of a record without an external ID whose answer was lost is looked for among them.
        """
        fields = self._described()
        lost = list(self._lost.values())
        self._sleep(max((one.wait_seconds for one in lost), default=self._delay))
        start = self._client.by_server_clock(since) - reading.LOST_MARGIN
        return reading.newest(self._client, self._entity, fields, start, int(self._directory.me()["id"]))

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """Read records by id; those that are gone or deleted are absent."""
        return reading.read(self._client, self._entity, self._described(), remote_ids)

    def records(self) -> Iterator[RemoteRecord]:
        """List all records with their values, 500 a call."""
        return reading.records(self._client, self._entity, self._described())

    def write(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        """Send the one operation."""
        return [self._write(operation) for operation in operations]

    def estimate(self, *, opens: int = 0, reads: int = 0, creates: int = 0, updates: int = 0) -> Usage:
        """Return what so many calls will take; a listing of what changed is taken for one page."""
        return costs.estimate(self._entity, opens=opens, reads=reads, creates=creates, updates=updates)

    def _write(self, operation: Operation) -> WriteResult:
        fields = self._described()
        creating = operation.action is Action.CREATE
        sent_at = self._client.server_now()
        try:
            if creating:
                body = values.body(fields, operation.values, external_id=operation.external_id)
                answer = self._client.write("POST", self._entity.path, body)
            elif operation.action is Action.DELETE:
                self._client.write("DELETE", self._entity.record_path, None, id_=operation.remote_id)
                return WriteResult(Result.WRITTEN, remote_id=operation.remote_id)
            elif operation.action is not Action.UPDATE:
                body = {"is_archived": operation.action is Action.ARCHIVE}
                answer = self._client.write("PATCH", self._entity.record_path, body, id_=operation.remote_id)
            else:
                body = values.body(
                    fields, operation.values, external_id=operation.external_id if operation.adopt else None
                )
                answer = self._client.write(
                    self._entity.update_method, self._entity.record_path, body, id_=operation.remote_id
                )
        except RefusedError as error:
            return _refusal(fields, error, creating=creating)
        except NotSentError as error:
            return WriteResult(Result.UNSENT, code="429", text=str(error))
        except LostAnswerError as error:
            if creating:
                wait = self._delay * (_AFTER_TIME_OUT if error.code == TIMED_OUT else 1)
                self._lost.setdefault(operation.external_id, _Lost(sent_at, wait))
            return WriteResult(Result.UNKNOWN, code=error.code, text=str(error))
        remote_id = answer.data.get("id") if isinstance(answer.data, dict) else None
        if remote_id is None and creating:
            self._lost.setdefault(operation.external_id, _Lost(sent_at, self._delay))
            return WriteResult(Result.UNKNOWN, code="unreadable", text="the answer to the create names no record")
        if self.entity in {"pipelines", "stages"}:
            self._directory.forget_pipelines()
        return WriteResult(Result.WRITTEN, remote_id=str(remote_id or operation.remote_id))

    def _described(self) -> EntityFields:
        with self._lock:
            if self._fields is None:
                path = self._entity.fields_path
                pages = () if path is None else self._client.pages(path)
                metadata = [item for page in pages for item in page.data or []]
                self._fields = entity_fields(self._entity, metadata, self._external_id_field, self._directory)
            return self._fields


class PipedriveDestination:
    """One Pipedrive account (see `sync_ledger.adapter.Destination`).

    Args:
        client: Client of the account.
        external_id_field: Label of the custom text field that holds the external ID.
        concurrency: How many writes may be under way at the same time.
        company_domain: Company the token must belong to, when given.
        lookup_delay_seconds: How long to wait before looking for a create whose answer was lost.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        client: PipedriveClient,
        external_id_field: str,
        *,
        concurrency: int = 8,
        company_domain: str | None = None,
        lookup_delay_seconds: int = LOOKUP_DELAY_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._wanted = domain(company_domain) if company_domain else None
        self._concurrency = concurrency
        self._directory = Directory(client)
        self._entities = {
            name: PipedriveEntity(
                client,
                entity,
                external_id_field,
                self._directory,
                lookup_delay_seconds=lookup_delay_seconds,
                sleep=sleep,
            )
            for name, entity in ENTITIES.items()
        }

    @functools.cached_property
    def name(self) -> str:
        """`pipedrive:` and the company domain; the token alone does not say which company it belongs to.

        Raises:
            ConfigError: If the token belongs to another company than the one set.
        """
        try:
            company = self._directory.me().get("company_domain")
        except RefusedError as error:
            raise ConfigError(f"no Pipedrive API there: {error}; check settings company_domain and api_url") from None
        except BudgetExhaustedError:
            if self._wanted is None:
                raise
            # Nothing more is sent in this run, so that its rows can be kept under the company that is meant.
            return f"pipedrive:{self._wanted}"
        if not company:
            raise ServiceUnavailableError("Pipedrive does not say which company the token belongs to; check api_url")
        if self._wanted and self._wanted != company:
            raise ConfigError(f"setting company_domain is {self._wanted!r}, but api_token belongs to {company!r}")
        return f"pipedrive:{company}"

    @property
    def entities(self) -> Sequence[str]:
        """Names of the entities, parents before children."""
        return tuple(self._entities)

    @property
    def concurrency(self) -> int:
        """How many `write` calls may run at the same time."""
        return self._concurrency

    def entity(self, name: str) -> PipedriveEntity:
        """Return the adapter of one entity."""
        return self._entities[name]

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the account's limits together with other processes on the same ledger."""
        self._client.share_limits(limits)

    def usage(self) -> Usage:
        """Return requests, writes and tokens used so far."""
        return self._client.usage()

    def estimate(self) -> Usage:
        """Return what the question costs whose token it is."""
        return Usage(calls=1, cost=costs.tokens("GET", "/v1/users/me"))

    def close(self) -> None:
        """Release connections."""
        self._client.close()


def _refusal(fields: EntityFields, error: RefusedError, *, creating: bool) -> WriteResult:
    if error.status in reading.GONE and not creating:
        return WriteResult(Result.GONE, code=error.code, text=error.text)
    key = error.field_code
    if key is None and (match := _COMPLAINT.search(error.text)):
        key = match.group(1).removeprefix("custom_fields.")
    text = error.text
    for custom in fields.custom_keys:
        text = text.replace(custom, fields.label(custom))
    return WriteResult(Result.REJECTED, code=error.code, text=text, field=fields.label(key) if key else None)
