"""Zoho CRM as a destination of the upsert engine."""

from __future__ import annotations

import functools
import threading
import time
import typing as t
from dataclasses import dataclass

from sync_ledger.adapter import Action, Usage
from sync_ledger.errors import ConfigError

from target_zoho import directory, reading
from target_zoho.bulk import COST, SIZE, TIME_LIMIT_SECONDS, BulkWrite
from target_zoho.estimating import estimate
from target_zoho.fields import module_fields
from target_zoho.picklists import Picklists
from target_zoho.refusals import concerning
from target_zoho.writing import BATCH_SIZE, Writing

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.adapter import NewRecord, Operation, RemoteRecord, Sweep, WriteResult
    from sync_ledger.fields import EntityDescription
    from sync_ledger.limits import AccountLimits
    from sync_ledger.names import Names

    from target_zoho.client import ZohoClient
    from target_zoho.fields import ModuleFields

FIRST: t.Final = ("Accounts", "Vendors", "Contacts")
"""Modules a load of customers, suppliers and contacts writes, parents before children."""

_PARENTS_FIRST: t.Final = (
    *FIRST,
    "Leads",
    "Campaigns",
    "Products",
    "Price_Books",
    "Deals",
    "Quotes",
    "Sales_Orders",
    "Purchase_Orders",
    "Invoices",
    "Cases",
    "Solutions",
)
"""Zoho's own modules, those before that others point to."""


@dataclass(frozen=True)
class Choices:
    """How records are written.

    Attributes:
        external_id_field: Label or API name of the unique text field that holds the external ID.
        trigger: What Zoho runs after a write.
        add_options: Picklists get the values they lack.
        bulk_threshold: From this many creates on they are written as a bulk write job; 0 for never.
        bulk_timeout_seconds: How long such a job may take.
    """

    external_id_field: str
    trigger: tuple[str, ...] = ()
    add_options: bool = False
    bulk_threshold: int = 5000
    bulk_timeout_seconds: int = TIME_LIMIT_SECONDS


class _Opened(t.NamedTuple):
    """What is made of a module's metadata."""

    fields: ModuleFields
    writing: Writing
    picklists: Picklists


class ZohoModule:
    """One module of an organisation (see `sync_ledger.adapter.EntityAdapter`).

    Args:
        client: Client of the organisation.
        module: API name of the module.
        choices: How its records are written.
        users: Users of the organisation by name.
        sleep: Waits that many seconds.
        clock: Monotonic seconds.
    """

    batch_size = BATCH_SIZE
    bulk_size = SIZE
    removals = frozenset({Action.DELETE})
    """Records go into the recycle bin; there is no archive."""

    def __init__(
        self,
        client: ZohoClient,
        module: str,
        choices: Choices,
        users: Names,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._module = module
        self._choices = choices
        self._users = users
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Opened | None = None
        self._asked: dict[str, None] = {}

    @property
    def entity(self) -> str:
        """API name of the module, equal to the Singer stream's."""
        return self._module

    @property
    def bulk_threshold(self) -> int:
        """From this many creates in one batch on they are a bulk write job; never while its credits are not left.

        Else a budget below the price of a job would keep a first load from ever beginning.
        """
        wanted = self._choices.bulk_threshold
        return wanted if wanted and self._client.affords(COST) else 0

    def describe(self) -> EntityDescription:
        """Return the module's fields, read once a run.

        Raises:
            ConfigError: If there is no such module, or no field fit for the external ID.
        """
        return self._opened().fields.description

    def sweep(self, since: datetime | None, fields: Sequence[str] = ()) -> Sweep:
        """List all records, or what changed and was deleted since a moment, by COQL."""
        known = self._opened().fields
        found = (known.description.find(name) for name in fields)
        self._asked.update(dict.fromkeys(field.key for field in found if field is not None))
        return reading.sweep(self._client, known, since, fields)

    def find(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Look external IDs up by COQL, which sees a write made moments ago; never by the search, which lags."""
        return reading.find(self._client, self._opened().fields, external_ids)

    def newest(self, since: datetime) -> Sequence[NewRecord]:
        """Not needed: every record carries its external ID."""
        raise NotImplementedError

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """Read records by id; those that are deleted are absent."""
        return reading.read(self._client, self._opened().fields, remote_ids, self._asked)

    def records(self) -> Iterator[RemoteRecord]:
        """List all records with their values, 2,000 a call."""
        return reading.records(self._client, self._opened().fields)

    def write(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        """Send at most 100 operations of one action."""
        return self._after_growing(operations, self._opened().writing.write)

    def write_bulk(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        """Send creates as bulk write jobs."""
        opened = self._opened()
        bulk = BulkWrite(
            self._client,
            opened.fields,
            opened.writing.write,
            sleep=self._sleep,
            clock=self._clock,
            time_limit_seconds=self._choices.bulk_timeout_seconds,
        )
        return self._after_growing(operations, lambda part: bulk.write(part, self.batch_size))

    def estimate(self, *, opens: int = 0, reads: int = 0, creates: int = 0, updates: int = 0) -> Usage:
        """Return what so many calls will take; a listing of what changed is taken for one small page."""
        parts = len(reading.field_groups(self._opened().fields, self._asked))
        return estimate(
            parts, opens=opens, reads=reads, creates=creates, updates=updates, bulk_threshold=self.bulk_threshold
        )

    def _after_growing(
        self, operations: Sequence[Operation], write: Callable[[Sequence[Operation]], Sequence[WriteResult]]
    ) -> Sequence[WriteResult]:
        """Write operations once the picklists have their values; those with one Zoho does not take are left out."""
        refused = self._opened().picklists.grow(operations) if self._choices.add_options else {}
        left = [operation for operation in operations if operation.external_id not in refused]
        results = dict(zip((one.external_id for one in left), write(left) if left else (), strict=True))
        return [refused.get(one.external_id) or results[one.external_id] for one in operations]

    def _opened(self) -> _Opened:
        with self._lock:
            if self._known is None:
                with concerning(f"the fields of {self._module}"):
                    data = self._client.get("/settings/fields", {"module": self._module}).data or {}
                fields = module_fields(
                    self._module,
                    data.get("fields") or [],
                    self._choices.external_id_field,
                    users=self._users,
                    add_options=self._choices.add_options,
                )
                writing = Writing(self._client, fields, self._choices.trigger)
                self._known = _Opened(fields, writing, Picklists(self._client, fields))
            return self._known


class ZohoDestination:
    """One organisation (see `sync_ledger.adapter.Destination`).

    Args:
        client: Client of the organisation.
        choices: How records are written.
        modules: API names of modules beside Accounts, Vendors and Contacts that the settings name.
        concurrency: How many writes may be under way at the same time.
        sleep: Waits that many seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: ZohoClient,
        choices: Choices,
        *,
        modules: Sequence[str] = (),
        concurrency: int = 4,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._choices = choices
        self._named = tuple(modules)
        self._concurrency = concurrency
        self._sleep = sleep
        self._clock = clock
        self._users = directory.users(client)
        self._modules: dict[str, ZohoModule] = {}

    @functools.cached_property
    def name(self) -> str:
        """`zoho:` and the number of the organisation."""
        return f"zoho:{self._client.org['zgid']}"

    @functools.cached_property
    def entities(self) -> Sequence[str]:
        """Names of all modules whose records can be written, parents before children.

        Raises:
            ConfigError: If a module the settings name is not there.
        """
        there = directory.modules(self._client)
        for module in self._named:
            if module not in there:
                raise ConfigError(
                    f"setting modules: the organisation has no module {module!r} that this user may write; there are"
                    f" {', '.join(there)} (API names, as in Setup > Developer Hub > APIs)"
                )
        order = [*_PARENTS_FIRST, *self._named, *there]
        return tuple(dict.fromkeys(module for module in order if module in there))

    @property
    def chosen(self) -> Sequence[str]:
        """Names of the modules a run is about: those a load of JDE writes, and those the settings name."""
        return tuple(name for name in self.entities if name in {*FIRST, *self._named})

    @property
    def concurrency(self) -> int:
        """How many `write` calls may run at the same time."""
        return self._concurrency

    def entity(self, name: str) -> ZohoModule:
        """Return the adapter of one module."""
        if name not in self._modules:
            self._modules[name] = ZohoModule(
                self._client, name, self._choices, self._users, sleep=self._sleep, clock=self._clock
            )
        return self._modules[name]

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the organisation's limits together with other processes on the same ledger."""
        self._client.share_limits(limits)

    def usage(self) -> Usage:
        """Return calls, writes and credits used so far."""
        return self._client.usage()

    def estimate(self) -> Usage:
        """Return what the questions take which organisation it is and which modules it has."""
        return Usage(calls=2, cost=2)

    def close(self) -> None:
        """Release connections."""
        self._client.close()
