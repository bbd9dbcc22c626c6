"""The destination in memory as a service with batches of 100, and with jobs for many creates at once."""

from __future__ import annotations

import typing as t

from fake_destination import ORGANIZATIONS, PERSONS, FakeDestination, FakeEntity
from sync_ledger.adapter import Usage

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sync_ledger.adapter import Operation, WriteResult
    from sync_ledger.fields import EntityDescription

    Hook = Callable[[Sequence[Operation]], Sequence[WriteResult] | None]


class BatchEntity(FakeEntity):
    """Takes up to 100 operations a call; `batch_after` may replace the answer once a call has had its effect."""

    batch_size = 100

    def __init__(self, description: EntityDescription) -> None:
        super().__init__(description)
        self.sent: list[list[Operation]] = []
        self.batch_before: Hook = lambda _: None
        self.batch_after: Hook = lambda _: None

    def write(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        assert 0 < len(operations) <= self.batch_size
        assert len({operation.action for operation in operations}) == 1
        self.sent.append(list(operations))
        if (answer := self.batch_before(operations)) is not None:
            return answer
        results = [result for operation in operations for result in super(BatchEntity, self).write([operation])]
        return self.batch_after(operations) or results


class BulkEntity(BatchEntity):
    """Takes jobs as well; `job_before` and `job_after` may replace their answers or raise."""

    bulk_threshold = 1000
    bulk_size = 2500

    def __init__(self, description: EntityDescription) -> None:
        super().__init__(description)
        self.jobs: list[list[str]] = []
        self.job_before: Hook = lambda _: None
        self.job_after: Hook = lambda _: None

    def write_bulk(self, operations: Sequence[Operation]) -> Sequence[WriteResult]:
        assert self.bulk_threshold <= len(operations) <= self.bulk_size
        assert {operation.action.value for operation in operations} == {"create"}
        self.jobs.append([operation.external_id for operation in operations])
        assert len(set(self.jobs[-1])) == len(operations)
        if (answer := self.job_before(operations)) is not None:
            return answer
        results = [result for operation in operations for result in FakeEntity.write(self, [operation])]
        return self.job_after(operations) or results

    def estimate(self, *, opens: int = 0, reads: int = 0, creates: int = 0, updates: int = 0) -> Usage:
        calls = 5 if creates >= self.bulk_threshold else -(-creates // 100)
        return Usage(calls=calls, writes=calls, cost=500 if creates >= self.bulk_threshold else calls * 10)


class BatchDestination(FakeDestination):
    """Organizations and persons, a hundred a call."""

    kind: t.ClassVar[type[FakeEntity]] = BatchEntity

    def __init__(self) -> None:
        super().__init__()
        self.adapters = {"organizations": self.kind(ORGANIZATIONS), "persons": self.kind(PERSONS)}


class BulkDestination(BatchDestination):
    """Organizations and persons, by jobs as well."""

    kind = BulkEntity
