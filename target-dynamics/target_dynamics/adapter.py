"""Dynamics 365 (Dataverse) as a destination of the upsert engine."""

from __future__ import annotations

import functools
import threading
import time
import typing as t
from dataclasses import dataclass

from sync_ledger.adapter import Action, Usage
from sync_ledger.errors import ConfigError

from target_dynamics import directory, reading
from target_dynamics.chunks import ChunkSize
from target_dynamics.directory import Directory
from target_dynamics.estimating import estimate
from target_dynamics.fields import OWNER, table_fields
from target_dynamics.messages import Messages
from target_dynamics.metadata_reading import metadata_of
from target_dynamics.writing import LEAST_TOGETHER, Writing

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.adapter import NewRecord, Operation, RemoteRecord, Sweep, WriteResult
    from sync_ledger.fields import EntityDescription
    from sync_ledger.limits import AccountLimits

    from target_dynamics.client import DynamicsClient
    from target_dynamics.fields import Column, TableFields
    from target_dynamics.tables import Table, Tables

_OWNERS: t.Final = ("systemuser", "team")

_DUPLICATES: t.Final = {"MSCRM.SuppressDuplicateDetection": "false"}
_BYPASS: t.Final = {"MSCRM.BypassCustomPluginExecution": "true"}
"""Headers of writes (Dataverse sheet section 2)."""


@dataclass(frozen=True)
class Choices:
    """How rows are written.

    Attributes:
        external_id_field: Label or logical name of the text column that holds the external ID.
        prefix: Prefix of the publisher.
        chunk_size: Rows of one bulk request at most.
        duplicate_detection: The environment's duplicate detection rules hold for what is written.
        bypass_custom_logic: Synchronous plug-ins and workflows are left out.
        timeout_seconds: How long a request may take.
    """

    external_id_field: str
    prefix: str = "jde"
    chunk_size: int = 500
    duplicate_detection: bool = False
    bypass_custom_logic: bool = False
    timeout_seconds: float = 120

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every write."""
        return {**(_DUPLICATES if self.duplicate_detection else {}), **(_BYPASS if self.bypass_custom_logic else {})}


@dataclass(frozen=True)
class Environment:
    """What the tables of one environment share.

    Attributes:
        client: Client of the environment.
        choices: How rows are written.
        tables: Returns its tables.
        directory: Rows that lookups name.
        messages: Which tables take bulk messages.
        clock: Monotonic seconds.
    """

    client: DynamicsClient
    choices: Choices
    tables: Callable[[], Tables]
    directory: Directory
    messages: Messages
    clock: Callable[[], float]

    def path_of(self, column: Column, row: str) -> str:
        """Return the path of a row that a lookup points to."""
        logical = self.directory.table_of(_OWNERS, row) if column.kind == OWNER else column.table or ""
        table = self.tables().of_logical(logical)
        assert table is not None  # noqa: S101 - lookups to other tables are not described as writable
        return f"{table.entity}({row})"


class _Opened(t.NamedTuple):
    """What is made of a table's metadata."""

    fields: TableFields
    writing: Writing


class DynamicsTable:
    """One table of an environment (see `sync_ledger.adapter.EntityAdapter`).

    Args:
        environment: The environment.
        table: The table.
    """

    def __init__(self, environment: Environment, table: Table) -> None:
        self._environment = environment
        self._client = environment.client
        self._table = table
        self._lock = threading.Lock()
        self._known: _Opened | None = None
        self._asked: dict[str, None] = {}

    @property
    def entity(self) -> str:
        """Name of the entity set, equal to the Singer stream's."""
        return self._table.entity

    @property
    def batch_size(self) -> int:
        """Rows of one chunk."""
        return self._environment.choices.chunk_size

    @property
    def removals(self) -> frozenset[Action]:
        """Rows can be deleted, and where the table has states, deactivated and activated."""
        states = self._opened().fields.states
        return frozenset(
            {Action.DELETE} if states is None or states.inactive is None else {Action.ARCHIVE, Action.DELETE}
        )

    def describe(self) -> EntityDescription:
        """Return the table's columns, read once a run.

        Raises:
            ConfigError: If no column is fit for the external ID, or its alternate key is not active.
        """
        return self._opened().fields.description

    def sweep(self, since: datetime | None, fields: Sequence[str] = ()) -> Sweep:
        """List all rows, or what changed since a moment."""
        known = self._opened().fields
        found = (known.description.find(name) for name in fields)
        self._asked.update(dict.fromkeys(reading.properties(known, (field for field in found if field is not None))))
        return reading.sweep(self._client, known, since, fields)

    def find(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Look external IDs up in the table itself."""
        return reading.find(self._client, self._opened().fields, external_ids)

    def newest(self, since: datetime) -> Sequence[NewRecord]:
        """Not needed: every row carries its external ID."""
        raise NotImplementedError

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """Read rows by id; those that are gone are absent."""
        return reading.read(self._client, self._opened().fields, remote_ids, self._asked)

    def records(self) -> Iterator[RemoteRecord]:
        """List all rows with their values, 5,000 a call."""
        return reading.records(self._client, self._opened().fields)

    def write(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        """Send at most a chunk of operations of one action."""
        return self._opened().writing.write(operations)

    def estimate(self, *, opens: int = 0, reads: int = 0, creates: int = 0, updates: int = 0) -> Usage:
        """Return what so many calls will take; a listing of what changed is taken for one page."""
        calls = reading.reads(self._opened().fields, reads)
        return estimate(opens=opens, reading=calls, creates=creates, updates=updates, chunk=self.batch_size)

    def _opened(self) -> _Opened:
        with self._lock:
            if self._known is None:
                environment = self._environment
                fields = table_fields(
                    self._table,
                    metadata_of(self._client, self._table.logical),
                    environment.choices.external_id_field,
                    prefix=environment.choices.prefix,
                    tables=environment.tables(),
                    related=environment.tables().chosen,
                    names=environment.directory.names,
                )
                writing = Writing(
                    self._client,
                    fields,
                    environment.path_of,
                    ChunkSize(self.batch_size, seconds=environment.choices.timeout_seconds, least=LEAST_TOGETHER),
                    lambda message: environment.messages.has(self._table.logical, message),
                    headers=environment.choices.headers,
                    clock=environment.clock,
                )
                self._known = _Opened(fields, writing)
            return self._known


class DynamicsDestination:
    """One environment (see `sync_ledger.adapter.Destination`).

    Args:
        client: Client of the environment.
        choices: How rows are written.
        entities: Entity sets beside accounts and contacts that the settings name.
        concurrency: How many writes may be under way at the same time.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: DynamicsClient,
        choices: Choices,
        *,
        entities: Sequence[str] = (),
        concurrency: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._named = tuple(entities)
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._found: Tables | None = None
        self._environment = Environment(
            client, choices, self.tables, Directory(client, self.tables), Messages(client), clock
        )
        self._tables: dict[str, DynamicsTable] = {}

    @functools.cached_property
    def name(self) -> str:
        """`dynamics:` and the id of the environment's organisation."""
        return f"dynamics:{self._client.organisation}"

    def tables(self) -> Tables:
        """Return the environment's tables, asked for once.

        Raises:
            ConfigError: If an entity set the settings name is not there.
        """
        with self._lock:
            if self._found is None:
                found = directory.tables(self._client, self._named)
                if found.missing:
                    raise ConfigError(
                        f"setting entities: the environment has no entity set {found.missing[0]!r}; take the plural"
                        " name the Web API uses, such as 'accounts' (a table's Set name in the maker portal)"
                    )
                self._found = found
            return self._found

    @property
    def entities(self) -> Sequence[str]:
        """Names of all entity sets, parents before children."""
        return self.tables().entities

    @property
    def chosen(self) -> Sequence[str]:
        """Names of the entity sets a run is about: those a load of JDE writes, and those the settings name."""
        return self.tables().chosen

    @property
    def concurrency(self) -> int:
        """How many `write` calls may run at the same time."""
        return self._concurrency

    def entity(self, name: str) -> DynamicsTable:
        """Return the adapter of one entity set."""
        with self._lock:
            known = self._tables.get(name)
        if known is None:
            table = DynamicsTable(self._environment, self.tables().of_set(name))
            with self._lock:
                known = self._tables.setdefault(name, table)
        return known

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the environment's limits together with other processes on the same ledger."""
        self._client.share_limits(limits)

    def usage(self) -> Usage:
        """Return calls, writes and API requests used so far."""
        return self._client.usage()

    def estimate(self) -> Usage:
        """Return what the questions take which environment it is and which tables it has."""
        return Usage(calls=2, cost=2)

    def close(self) -> None:
        """Release connections."""
        self._client.close()
