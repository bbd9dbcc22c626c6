"""Bulk write: thousands of creates as one job, and what became of each (Zoho CRM sheet section 8).

The job's operation is `insert`, which needs no field to find records by: Zoho itself skips rows whose external ID, or
other unique value, a record has already. Those go the way of single creates afterwards, which tells the two apart. What
a job did that failed, did not end in time, or whose result could not be had, is left open as UNKNOWN.
"""

from __future__ import annotations

import logging
import time
import typing as t
from dataclasses import dataclass

from service_calls import LostAnswerError, NotSentError
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.errors import ServiceError, ServiceUnavailableError

from target_zoho import values
from target_zoho.answers import RefusedError
from target_zoho.bulk_files import UnreadableError, csv_file, rows_of, zipped
from target_zoho.costs import BULK_WRITE
from target_zoho.fields import LOOKUP, USERS
from target_zoho.results import DUPLICATE, PASSING

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sync_ledger.adapter import Operation

    from target_zoho.client import ZohoClient
    from target_zoho.fields import ModuleFields

SIZE: t.Final = 25_000
"""Rows a job takes."""

LARGEST_FILE: t.Final = 24_000_000
"""Bytes of a file at most, before it is zipped: Zoho takes less than 25 MB."""

COST: t.Final = BULK_WRITE + 10
"""Credits of a job, its files and some looks at it: where they are not left, records go by calls."""

FIRST_WAIT_SECONDS: t.Final = 2.0
LONGEST_WAIT_SECONDS: t.Final = 30.0
_GROWTH: t.Final = 1.5

TIME_LIMIT_SECONDS: t.Final = 3600
"""How long a job may take before its rows count as unknown."""

MOST_SILENCES: t.Final = 10
"""So often in a row Zoho may fail to say how a job stands; a call is repeated a few times each."""

_WRITE: t.Final = "/crm/bulk/v8/write"
_ENDED: t.Final = frozenset({"COMPLETED", "FAILED"})
_ADDED: t.Final = "ADDED"
_UPDATED: t.Final = "UPDATED"
_SKIPPED: t.Final = "SKIPPED"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """What goes into one file.

    Attributes:
        operations: The creates it has a row for.
        columns: API names of its columns, the external ID's first.
        content: The file.
    """

    operations: Sequence[Operation]
    columns: tuple[str, ...]
    content: bytes


class BulkWrite:
    """Sends creates of one module as bulk write jobs.

    Args:
        client: Client of the organisation.
        fields: Fields of the module.
        single: Sends at most 100 creates the normal way.
        sleep: Waits that many seconds.
        clock: Monotonic seconds.
        time_limit_seconds: How long a job may take.
    """

    def __init__(
        self,
        client: ZohoClient,
        fields: ModuleFields,
        single: Callable[[Sequence[Operation]], Sequence[WriteResult]],
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        time_limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self._client = client
        self._fields = fields
        self._single = single
        self._sleep = sleep
        self._clock = clock
        self._limit = time_limit_seconds

    def write(self, operations: Sequence[Operation], batch_size: int) -> list[WriteResult]:
        """Send creates; a result for each, in order.

        Args:
            operations: The creates.
            batch_size: How many `single` takes.

        Raises:
            ServiceError: If nothing was sent, for reasons that concern every row.
        """
        found: dict[str, WriteResult] = {}
        for part in self._parts(operations):
            found.update(self._run(part, begun=bool(found)))
        left = [operation for operation in operations if operation.external_id not in found]
        for start in range(0, len(left), batch_size):
            part_left = left[start : start + batch_size]
            try:
                results = self._single(part_left)
            except ServiceError as error:
                if not found:
                    raise
                results = [_open(str(error))] * len(part_left)  # a job was sent, so nothing may be raised any more
            found.update({one.external_id: result for one, result in zip(part_left, results, strict=True)})
        return [found[operation.external_id] for operation in operations]

    def _parts(self, operations: Sequence[Operation]) -> Iterator[Part]:
        """Cut operations into files, without those a file cannot hold."""
        rows: list[tuple[Operation, dict[str, str]]] = []
        size = 0
        for operation in operations:
            cells = values.cells(self._fields, operation.values)
            if cells is None:
                continue
            length = sum(len(text.encode()) + 4 for text in cells.values()) + len(operation.external_id) + 50
            if rows and (size + length > LARGEST_FILE or len(rows) >= SIZE):
                yield self._part(rows)
                rows, size = [], 0
            rows.append((operation, cells))
            size += length
        if rows:
            yield self._part(rows)

    def _part(self, rows: Sequence[tuple[Operation, Mapping[str, str]]]) -> Part:
        columns = (self._fields.key, *dict.fromkeys(name for _, cells in rows for name in cells))
        lines = ([one.external_id, *(cells.get(name, "") for name in columns[1:])] for one, cells in rows)
        return Part([one for one, _ in rows], columns, csv_file(columns, lines))

    def _run(self, part: Part, *, begun: bool) -> dict[str, WriteResult]:
        """Send one file, wait for the end of its job, and return external ID -> result.

        Rows that are to go the normal way are left out: those Zoho skipped because a record has one of their unique
        values already, and all of them when it refuses the job.

        Args:
            part: The file.
            begun: Another job was sent before, so that no fault may be raised any more.
        """
        module = self._fields.description.entity
        name = f"{module.lower()}.csv"
        try:
            file_id = self._client.upload(zipped(name, part.content))
            answer = self._client.write("POST", _WRITE, self._job(file_id, name, part.columns))
            job_id = str(answer.data["details"]["id"])
        except (LostAnswerError, KeyError, TypeError) as error:
            return _all(part, _open(f"whether the bulk write job was made is not known: {error}"))
        except NotSentError as error:
            return _all(part, WriteResult(Result.UNSENT, code="unsent", text=str(error)))
        except RefusedError as error:
            _log.warning("Zoho refuses a bulk write job of %s (%s); its rows go the normal way", module, error)
            return {}
        except ServiceError as error:
            if not begun:
                raise
            return _all(part, _open(str(error)))
        _log.info("Bulk write job %s of %s: %d rows sent", job_id, module, len(part.operations))
        try:
            return self._results(part, self._end(job_id))
        except (ServiceError, RefusedError, LostAnswerError, NotSentError, UnreadableError, _NoResultError) as error:
            _log.warning("Bulk write job %s of %s: %s; each row is looked up", job_id, module, error)
            return _all(part, _open(str(error)))

    def _job(self, file_id: str, name: str, columns: Sequence[str]) -> dict[str, t.Any]:
        mappings: list[dict[str, t.Any]] = []
        for index, column in enumerate(columns):
            kind = self._fields.kinds[column]
            by_id = {"find_by": "id"} if kind == LOOKUP or kind in USERS else {}
            mappings.append({"api_name": column, "index": index, **by_id})
        resource = {
            "type": "data",
            "module": {"api_name": self._fields.description.entity},
            "file_id": file_id,
            "file_names": [name],
            "ignore_empty": True,
            "field_mappings": mappings,
        }
        return {"operation": "insert", "resource": [resource]}

    def _end(self, job_id: str) -> Mapping[str, t.Any]:
        """Wait for the end of a job and return what Zoho says of it.

        Raises:
            _NoResultError: If it fails or takes too long.
            ServiceError: If Zoho does not say how it stands, again and again.
        """
        start = self._clock()
        wait = FIRST_WAIT_SECONDS
        silences = 0
        while True:
            try:
                data = self._client.get(f"{_WRITE}/{job_id}").data or {}
                status, silences = str(data.get("status")), 0
            except ServiceUnavailableError as error:
                # The job goes on meanwhile; to look its rows up and write them by calls would cost many times as much.
                silences += 1
                if silences >= MOST_SILENCES:
                    raise
                status = str(error)
            if status in _ENDED:
                break
            took = self._clock() - start
            if took + wait > self._limit:
                raise _NoResultError(f"it has not ended after {took:.0f} seconds ({status})")
            _log.info("Bulk write job %s: %s for %.0f s", job_id, status, took)
            self._sleep(wait)
            wait = min(wait * _GROWTH, LONGEST_WAIT_SECONDS)
        if not (data.get("result") or {}).get("download_url"):
            raise _NoResultError(f"it ended as {status} without a result")
        return t.cast("Mapping[str, t.Any]", data)

    def _results(self, part: Part, job: Mapping[str, t.Any]) -> dict[str, WriteResult]:
        """Read the result file; rows it says nothing clear of stay unknown."""
        content = self._client.download(str(job["result"]["download_url"]))
        found: dict[str, WriteResult | None] = {}
        for row in rows_of(content):
            external_id = str(row.get(self._fields.key) or row.get(self._label()) or "").strip()
            result = self._result(row)
            if external_id in found and found[external_id] != result:
                result = _open(f"the result of bulk write job {job.get('id')} says several things of this row")
            found[external_id] = result
        silent = _open(f"the result of bulk write job {job.get('id')} says nothing of this row")
        told = {one.external_id: found.get(one.external_id, silent) for one in part.operations}
        counts = [file for one in job.get("resource") or () if (file := one.get("file"))]
        _log.info("Bulk write job %s: %s", job.get("id"), counts or job.get("status"))
        return {external_id: result for external_id, result in told.items() if result is not None}

    def _label(self) -> str:
        holder = self._fields.description.external_id_field
        return (holder.label if holder else None) or self._fields.key

    def _result(self, row: Mapping[str, str | None]) -> WriteResult | None:
        """Return what became of a row; None if it is to go the normal way."""
        status = (row.get("STATUS") or "").strip().upper()
        remote_id = (row.get("RECORD_ID") or "").strip()
        errors = (row.get("ERRORS") or "").strip()
        if status in {_ADDED, _UPDATED} and remote_id:
            return WriteResult(Result.WRITTEN, remote_id=remote_id, created=status == _ADDED)
        if status != _SKIPPED or not errors:
            return _open(f"the result file says {status or 'nothing'} of this row")
        found = [_complaint(one) for one in errors.split(":")]
        if any(code == DUPLICATE for code, _ in found):
            return None
        if any(code in PASSING for code, _ in found):
            return _open(errors)
        code, columns = found[0]
        name = self._fields.name(columns[0])
        known = self._fields.description.find(name) is not None
        return WriteResult(Result.REJECTED, code=code, text=errors, field=name if known else None)


def _complaint(text: str) -> tuple[str, list[str]]:
    """Read `CODE-column,column`; the columns are what the file's header or Zoho calls the fields."""
    code, _, columns = text.partition("-")
    return code.strip(), [column.strip() for column in columns.split(",")]


class _NoResultError(Exception):
    """A job did not come to an end that tells of its rows."""


def _open(text: str) -> WriteResult:
    return WriteResult(Result.UNKNOWN, code="bulk", text=text)


def _all(part: Part, result: WriteResult) -> dict[str, WriteResult]:
    return {operation.external_id: result for operation in part.operations}
