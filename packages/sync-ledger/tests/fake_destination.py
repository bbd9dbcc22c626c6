"""A destination in memory: the protocol's rules without a network, with faults on request."""

from __future__ import annotations

import threading
import typing as t
from collections import defaultdict

from sync_ledger.adapter import Action, IndexEntry, NewRecord, RemoteRecord, Result, Sweep, Usage, WriteResult
from sync_ledger.fields import EntityDescription, Field, FieldType

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.adapter import Operation

KEY = Field("JDE Number", "hash-of-key", FieldType.STRING, max_length=255)
ORGANIZATIONS = EntityDescription(
    "organizations",
    (
        Field("id", "id", FieldType.INTEGER, creatable=False, updatable=False),
        Field("name", "name", FieldType.STRING, required=True, max_length=255),
        Field("add_time", "add_time", FieldType.DATETIME, updatable=False),
        Field("address", "address", FieldType.OBJECT, attributes=frozenset({"value", "country"})),
        Field("Credit Limit", "hash-of-limit", FieldType.NUMBER),
        Field("JDE Status", "hash-of-status", FieldType.OPTION, options={"Active": 1, "Closed": 2}),
        Field("Tax ID", "hash-of-tax", FieldType.STRING),
        Field("Twin", "hash-1", FieldType.STRING),
        Field("Twin", "hash-2", FieldType.STRING),
        KEY,
    ),
    KEY,
)
PERSONS = EntityDescription(
    "persons",
    (
        Field("name", "name", FieldType.STRING, required=True),
        Field("org_id", "org_id", FieldType.RELATION, relation="organizations"),
        Field("emails", "emails", FieldType.LIST, items=frozenset({"value", "primary", "label"})),
        KEY,
    ),
    KEY,
)


class FakeEntity:
    """Records of one entity, with a hook that may answer a write before or after it takes effect."""

    batch_size = 1
    removals = frozenset({Action.ARCHIVE, Action.DELETE})

    def __init__(self, description: EntityDescription) -> None:
        self.description = description
        self.records: dict[str, dict[str, t.Any]] = {}
        self.calls: dict[str, int] = defaultdict(int)
        self.before: Callable[[Operation], WriteResult | None] = lambda _: None
        self.after: Callable[[Operation], WriteResult | None] = lambda _: None
        self._lock = threading.Lock()

    @property
    def entity(self) -> str:
        return self.description.entity

    def describe(self) -> EntityDescription:
        return self.description

    def sweep(self, since: datetime | None, fields: Sequence[str] = ()) -> Sweep:
        self.calls["sweep"] += 1
        entries = [
            IndexEntry(
                remote_id,
                record.get(KEY.name),
                values={name: record[name] for name in fields if name in record},
                added_at=record.get("add_time"),
            )
            for remote_id, record in self.records.items()
        ]
        return Sweep(entries, None)

    def find(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        self.calls["find"] += 1
        found: dict[str, list[str]] = {}
        for remote_id, record in self.records.items():
            if record.get(KEY.name) in external_ids:
                found.setdefault(record[KEY.name], []).append(remote_id)
        return found

    def newest(self, since: datetime) -> Sequence[NewRecord]:
        del since
        return [NewRecord(remote_id, dict(record), changed=False) for remote_id, record in self.records.items()]

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteRecord]:
        self.calls["read"] += 1
        return {
            remote_id: RemoteRecord(remote_id, record.get(KEY.name), dict(record))
            for remote_id in remote_ids
            if (record := self.records.get(remote_id)) is not None
        }

    def write(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        (operation,) = operations
        if answer := self.before(operation):
            return [answer]
        with self._lock:
            self.calls["write"] += 1
            if operation.action is Action.CREATE:
                self.calls["create"] += 1
                remote_id = str(
                    self.calls["create"] + 10_000 if str(self.calls["create"]) in self.records else self.calls["create"]
                )
                self.records[remote_id] = {KEY.name: operation.external_id, **operation.values}
            else:
                remote_id = operation.remote_id or ""
                if remote_id not in self.records:
                    return [WriteResult(Result.GONE, remote_id)]
                if operation.action is Action.DELETE:
                    del self.records[remote_id]
                elif operation.action is Action.UPDATE:
                    self.records[remote_id].update(operation.values)
                    if operation.adopt:
                        self.records[remote_id][KEY.name] = operation.external_id
                else:
                    self.records[remote_id]["archived"] = operation.action is Action.ARCHIVE
        return [self.after(operation) or WriteResult(Result.WRITTEN, remote_id)]

    def estimate(self, *, opens: int = 0, reads: int = 0, creates: int = 0, updates: int = 0) -> Usage:
        writes = creates + updates
        return Usage(calls=writes, writes=writes, cost=5 * writes)


class FakeDestination:
    """Two entities, persons pointing to organizations."""

    name = "fake:account"
    entities = ("organizations", "persons")
    concurrency = 4

    def __init__(self) -> None:
        self.adapters = {"organizations": FakeEntity(ORGANIZATIONS), "persons": FakeEntity(PERSONS)}

    def entity(self, name: str) -> FakeEntity:
        return self.adapters[name]

    def usage(self) -> Usage:
        writes = sum(adapter.calls["write"] for adapter in self.adapters.values())
        return Usage(calls=writes, writes=writes, cost=5 * writes)

    def estimate(self) -> Usage:
        return Usage()

    def close(self) -> None:
        """Keep the records: the next run meets the same account."""
