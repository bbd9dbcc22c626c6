"""Stage write: operations to the service, several at once, and what became of those whose answer was lost."""

from __future__ import annotations

import logging
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from sync_ledger.adapter import Action, Result, WriteResult, batches
from sync_ledger.engine.bulk import enough, parts, writes_in_bulk
from sync_ledger.engine.diff import same
from sync_ledger.errors import BudgetExhaustedError, ServiceError, ServiceUnavailableError
from sync_ledger.ledger.clock import now

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from sync_ledger.adapter import EntityAdapter, Operation
    from sync_ledger.engine.lost_creates import LostCreates

    Send = Callable[[Sequence[Operation]], Sequence[WriteResult]]

logger = logging.getLogger("sync_ledger")

_ROUNDS = 3
"""How often one operation is sent at most, when each time its answer is lost and it turns out not to have happened."""

_OUTAGE = 20
"""So many calls failing in a row, none with a success among them, are an outage: the run ends instead of going on."""

_SIGN_OF_LIFE = 10.0
"""Seconds after which a call that still lasts, as a bulk write does, is told of."""


@dataclass
class Report:
    """What became of a batch of operations.

    Attributes:
        results: External ID -> result; absent for operations that were never sent.
        answers: External ID -> every answer to it but a plain success, in order.
        several: External ID -> records found where one was to be created.
        undecided: External ID -> records any of which may be the one a create without an answer has made.
        stopped_by: The fault that ended the batch early, if one did.
    """

    results: dict[str, WriteResult] = field(default_factory=dict)
    several: dict[str, tuple[str, ...]] = field(default_factory=dict)
    undecided: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped_by: ServiceError | None = None
    answers: dict[str, list[dict[str, t.Any]]] = field(default_factory=dict)

    def note(self, operation: Operation, result: WriteResult) -> None:
        """Keep an answer that was no plain success; a row that is sent several times may have several."""
        if result.result is not Result.WRITTEN:
            answer = {"action": operation.action.value, "result": result.result.value}
            answer |= {name: text for name, text in (("code", result.code), ("text", result.text)) if text}
            self.answers.setdefault(operation.external_id, []).append(answer)


class Writer:
    """Sends operations through a bounded pool of threads.

    Operations of one call have distinct external IDs, so that no two threads ever work on one record.

    Args:
        concurrency: Calls at the same time.
        lasting: Called now and then while a call lasts long, so that nobody takes the run for dead.
        interval: Seconds between two such calls.
    """

    def __init__(
        self, concurrency: int, lasting: Callable[[], None] = lambda: None, interval: float = _SIGN_OF_LIFE
    ) -> None:
        self._failing = 0
        self._lasting = lasting
        self._interval = interval
        self._pool = ThreadPoolExecutor(max_workers=max(1, concurrency), thread_name_prefix="write")

    def close(self) -> None:
        """Let running calls end and release the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def write(
        self,
        adapter: EntityAdapter,
        operations: Sequence[Operation],
        lost: LostCreates | None = None,
        *,
        in_bulk: bool = False,
    ) -> Report:
        """Send operations and find out what became of each of them.

        Args:
            adapter: The entity written to.
            operations: What to send.
            lost: Finds creates without an answer, where the service does not keep the external ID.
            in_bulk: The operations are creates, and the adapter may take them as jobs. What a job leaves in the dark
                is sent by ordinary calls: these make headway where jobs are stuck.
        """
        report = Report()
        begun = now()
        waiting = list(operations)
        for turn in range(_ROUNDS):
            self._send(adapter, waiting, report, in_bulk=in_bulk and turn == 0)
            unknown = [
                operation
                for operation in waiting
                if (result := report.results.get(operation.external_id)) and result.result is Result.UNKNOWN
            ]
            if not unknown or report.stopped_by is not None:
                break
            try:
                waiting = _examine(adapter, unknown, report, lost, begun)
            except ServiceError as error:
                report.stopped_by = error
                break
            if not waiting:
                break
        return report

    def _send(self, adapter: EntityAdapter, operations: Sequence[Operation], report: Report, *, in_bulk: bool) -> None:
        calls = [(part, self._pool.submit(send, part)) for part, send in _calls(adapter, operations, in_bulk=in_bulk)]
        for part, future in calls:
            if future.cancelled():
                continue
            try:
                results = self._wait(adapter, part, future)
                for operation, result in zip(part, results, strict=True):
                    report.results[operation.external_id] = result
                    report.note(operation, result)
                self._watch(part[-1], results)
            except ServiceError as error:
                # Credentials and outages outrank a used-up budget: with them the run cannot end well.
                if report.stopped_by is None or isinstance(report.stopped_by, BudgetExhaustedError):
                    report.stopped_by = error
                for _, other in calls:
                    other.cancel()

    def _wait(
        self, adapter: EntityAdapter, part: Sequence[Operation], call: Future[Sequence[WriteResult]]
    ) -> Sequence[WriteResult]:
        """Wait for the results of a call, and tell of one that takes its time."""
        begun = time.monotonic()
        while not wait([call], timeout=self._interval).done:
            logger.info("Writing %d %s for %.0f s so far", len(part), adapter.entity, time.monotonic() - begun)
            self._lasting()
        return call.result()

    def _watch(self, last: Operation, results: Sequence[WriteResult]) -> None:
        """Count calls that failed for all their operations, in a row and over the whole run.

        Raises:
            ServiceUnavailableError: If there are so many that the service must be down.
        """
        if any(one.result not in {Result.UNSENT, Result.UNKNOWN} for one in results):
            self._failing = 0
            return
        self._failing += 1
        if self._failing >= _OUTAGE:
            raise ServiceUnavailableError(
                f"{self._failing} writes in a row failed, the last one for {last.external_id} with "
                f"{results[-1].code or 'no answer'}; the run ends here, the rows are kept, and the next run sends them"
            )


def _calls(
    adapter: EntityAdapter, operations: Sequence[Operation], *, in_bulk: bool
) -> Iterator[tuple[Sequence[Operation], Send]]:
    """Cut operations into calls."""
    bulk = writes_in_bulk(adapter) if in_bulk else None
    if bulk is None:
        for part in batches(operations, adapter.batch_size):
            yield part, adapter.write
        return
    for job in parts(operations, bulk.bulk_size):
        if enough(adapter, len(job)):
            yield job, bulk.write_bulk
        else:
            yield from _calls(adapter, job, in_bulk=False)


def _examine(
    adapter: EntityAdapter,
    unknown: Sequence[Operation],
    report: Report,
    lost: LostCreates | None,
    begun: datetime,
) -> list[Operation]:
    """Read what the lost writes did; return those that did nothing and may be sent again."""
    creates = [operation for operation in unknown if operation.action is Action.CREATE]
    updates = [operation for operation in unknown if operation.action is not Action.CREATE]
    again: list[Operation] = []
    found: Mapping[str, Sequence[str]] = {}
    if creates and lost is None:
        found = adapter.find([operation.external_id for operation in creates])
    elif creates and lost is not None:
        made = {result.remote_id for result in report.results.values() if result.remote_id}
        search = lost.search({one.external_id: one.values for one in creates}, since=begun, made=made)
        found = {external_id: (remote_id,) for external_id, remote_id in search.found.items()}
        report.undecided.update(search.undecided)
        creates = [operation for operation in creates if operation.external_id not in search.undecided]
    for operation in creates:
        hits = found.get(operation.external_id, ())
        if len(hits) == 1:
            report.results[operation.external_id] = WriteResult(Result.WRITTEN, remote_id=hits[0])
        elif hits:
            report.several[operation.external_id] = tuple(hits)
        else:
            again.append(operation)
    records = adapter.read([operation.remote_id or "" for operation in updates]) if updates else {}
    for operation in updates:
        record = records.get(operation.remote_id or "")
        if record is None:
            gone = Result.WRITTEN if operation.action is Action.DELETE else Result.GONE
            report.results[operation.external_id] = WriteResult(gone, remote_id=operation.remote_id)
        elif (
            operation.action is Action.UPDATE
            and (not operation.adopt or record.external_id == operation.external_id)
            and all(same(record.values.get(name), value) for name, value in operation.values.items())
        ):
            report.results[operation.external_id] = WriteResult(Result.WRITTEN, remote_id=operation.remote_id)
        else:
            again.append(operation)
    return again
