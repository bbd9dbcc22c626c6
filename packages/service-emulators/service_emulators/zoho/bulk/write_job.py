"""Carries out bulk write jobs, a slice of rows at a time, with the checks of the record API."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select

from service_emulators.zoho.bulk.cells import value_of
from service_emulators.zoho.bulk.files import FileRefusedError, names_in, read_table, write_archive
from service_emulators.zoho.bulk.tables import ROWS, UPLOADS
from service_emulators.zoho.bulk.write_request import (
    MAX_COLUMNS,
    Mapping,
    WriteRequest,
    check_lookup_key,
    check_mapped,
    find_field,
)
from service_emulators.zoho.errors import ApiError, RowError
from service_emulators.zoho.values import record_id

if TYPE_CHECKING:
    from service_emulators.zoho.bulk.files import Table
    from service_emulators.zoho.bulk.jobs import Job, Jobs
    from service_emulators.zoho.bulk.write_request import Task
    from service_emulators.zoho.catalog import Field, Module
    from service_emulators.zoho.parts import Parts
    from service_emulators.zoho.store import Row

SLICE = 100
_SHOWN_COLUMNS = 3
_NONE_LEFT = 1 << 62


class OpenTask:
    """A file being written: its rows, and how its columns fill fields.

    Attributes:
        task: what was asked for.
        module: module written into.
        table: the file.
        mappings: how fields are filled, the header row's names taken for fields when none were given.
    """

    def __init__(self, parts: Parts, request: WriteRequest, task: Task) -> None:
        self._parts = parts
        self.task = task
        self.module: Module = parts.catalog.modules()[task.module]
        self.table = self._read(request)
        self.mappings = task.mappings or self._by_header(request)
        width = len(self.table.header)
        for mapping in self.mappings:
            if mapping.index is not None and mapping.index >= width:
                message = f"column index {mapping.index} is not found in the file"
                raise ApiError(400, "COLUMN_INDEX_NOT_FOUND", message, {"index": mapping.index})

    def key(self, cells: tuple[str, ...]) -> str:
        """Returns the value of a row that existing records are found by; empty when there is none."""
        name = self.task.find_by
        return next((cell_in(mapping, cells) for mapping in self.mappings if mapping.api_name == name), "")

    def names_a_record(self, cells: tuple[str, ...]) -> bool:
        """Returns whether a row has the id of a record, which none could be added with."""
        return self.task.find_by == "id" and bool(self.key(cells))

    def column(self, name: str) -> str:
        """Returns the header of the column that fills a field; the field's own name for none."""
        for mapping in self.mappings:
            if mapping.api_name == name and mapping.index is not None:
                return self.table.header[mapping.index]
        return name

    def _read(self, request: WriteRequest) -> Table:
        statement = select(UPLOADS.c.content).where(UPLOADS.c.id == record_id(self.task.file_id))
        content = self._parts.store.connection.execute(statement).scalar_one_or_none()
        if content is None or self.task.file_name not in names_in(content):
            raise ApiError(400, "FILE_NOT_FOUND", "the file given is not found", {"file_name": self.task.file_name})
        if not self.task.file_name.lower().endswith(".csv"):
            raise ApiError(400, "FILE_NOT_SUPPORTED", "File not supported for bulk write")
        try:
            table = read_table(content, self.task.file_name, request.encoding)
        except FileRefusedError as error:
            raise ApiError(400, error.code, str(error)) from error
        if len(table.header) > MAX_COLUMNS:
            raise ApiError(400, "HEADER_LIMIT_EXCEEDED", "the file has too many columns", {"limit": MAX_COLUMNS})
        return table

    def _by_header(self, request: WriteRequest) -> list[Mapping]:
        """Takes the header row for API names, those of lookups with what they are looked up by: `Account_Name.id`."""
        mappings = []
        for index, title in enumerate(self.table.header):
            name, _, key = title.partition(".")
            field = find_field(self.module, name)
            find_by = check_lookup_key(self._parts.catalog, field, key) if key else None
            mappings.append(Mapping(api_name=field.api_name, index=index, find_by=find_by))
        check_mapped(request.operation, self.module, [mapping.api_name for mapping in mappings])
        return mappings


class WriteJobs:
    """Carries out write jobs.

    Args:
        parts: parts of the org.
        jobs: the jobs.
    """

    def __init__(self, parts: Parts, jobs: Jobs) -> None:
        self._parts = parts
        self._jobs = jobs
        self._open: tuple[int, list[OpenTask]] | None = None

    def open(self, request: WriteRequest) -> list[OpenTask]:
        """Returns the files of a job, read.

        Raises:
            ApiError: a file is not there, cannot be read, or has not the columns that are mapped.
        """
        return [OpenTask(self._parts, request, task) for task in request.tasks]

    def advance(self, job: Job) -> None:
        """Carries out the next rows of a job and ends it after the last."""
        request = msgspec.json.decode(job.request, type=WriteRequest)
        if self._open is None or self._open[0] != job.id:
            self._open = (job.id, self.open(request))
        tasks = self._open[1]
        last = sum(len(task.table.rows) for task in tasks)
        stop = min(last, _NONE_LEFT if job.end == "completes" else job.end_after)
        done = job.done_rows
        results: list[dict[str, Any]] = []
        first = 0
        for number, task in enumerate(tasks):
            for row in range(max(0, done - first), len(task.table.rows)):
                if done >= stop or len(results) >= SLICE:
                    break
                results.append({"job_id": job.id, "task": number, "row": row, **self._row(job, request, task, row)})
                done += 1
            first += len(task.table.rows)
        if results:
            self._parts.store.connection.execute(insert(ROWS), results)
        self._jobs.save(job, state="INPROGRESS", done_rows=done)
        if done >= stop and job.end != "stalls":
            self._finish(job, request, tasks)

    def fail(self, job: Job) -> None:
        """Ends a job that can not go on, because what it writes into was changed meanwhile."""
        self._open = None
        self._jobs.save(job, state="FAILED")
        self._jobs.call_back(job, msgspec.json.decode(job.request, type=WriteRequest).callback)

    def _finish(self, job: Job, request: WriteRequest, tasks: list[OpenTask]) -> None:
        self._open = None
        outcome, result = self._results(job, tasks)
        state = "COMPLETED" if job.end == "completes" else "FAILED"
        self._jobs.save(
            job,
            state=state,
            outcome=msgspec.json.encode(outcome).decode(),
            result=result if state == "COMPLETED" else None,
        )
        self._jobs.call_back(job, request.callback)

    def _row(self, job: Job, request: WriteRequest, task: OpenTask, number: int) -> dict[str, Any]:
        """Carries out one row; returns what is told of it."""
        if job.every and number % job.every == 0:
            return _told("UNPROCESSED", errors=f"CANNOT_PROCESS-{task.table.header[0]}")
        cells = task.table.rows[number]
        try:
            current = self._existing(task, cells)
            if current is None:
                if request.operation == "update" or (request.operation == "upsert" and task.names_a_record(cells)):
                    return _told("SKIPPED", errors=f"RESOURCE_NOT_FOUND-{task.column(str(task.task.find_by))}")
                return _told("ADDED", self._insert(job, task, cells))
            if request.operation == "insert":
                return _told("SKIPPED")
            return _told("UPDATED", self._update(job, task, cells, current))
        except RowError as error:
            return _told("SKIPPED", errors=_errors(error, task))

    def _insert(self, job: Job, task: OpenTask, cells: tuple[str, ...]) -> int:
        body = {name: value for name, value in self._body(task, cells).items() if value is not None}
        body.pop("id", None)
        row = self._parts.records.create(task.module, body, user_id=job.created_by)
        return int(row["id"])

    def _update(self, job: Job, task: OpenTask, cells: tuple[str, ...], current: Row) -> int:
        body = self._body(task, cells)
        body.pop("id", None)
        row = self._parts.records.update(task.module, current, body, user_id=job.created_by)
        return int(row["id"])

    def _existing(self, task: OpenTask, cells: tuple[str, ...]) -> Row | None:
        """Returns the record that a row's key names, if any."""
        name, cell = task.task.find_by, task.key(cells)
        if name is None or not cell:
            return None
        found = self._by_field(task.module, name, cell)
        return self._parts.store.get(task.module.table, found[0]) if found else None

    def _by_field(self, module: Module, name: str, cell: str) -> list[int]:
        """Returns the records whose field has a value."""
        table = module.table
        field = module.fields[name]
        if name == "id":
            number = record_id(cell)
            return [] if number is None else list(self._parts.store.get_many(table, [number]))
        if field in module.matched:
            return self._parts.records.keys.find(module, field, cell)
        rows = self._parts.store.select(table, [table.c[name] == cell], [table.c.id], columns=[table.c.id])
        return [row["id"] for row in rows]

    def _body(self, task: OpenTask, cells: tuple[str, ...]) -> dict[str, Any]:
        """Returns a row as the record API would be given it."""
        body: dict[str, Any] = {}
        for mapping in task.mappings:
            cell = cell_in(mapping, cells)
            field = task.module.fields[mapping.api_name]
            if not cell:
                if not task.task.ignore_empty:
                    body[field.api_name] = None
                continue

            def find(field: Field, cell: str, key: str = mapping.find_by or "id") -> str:
                return self._related(field, cell, key)

            body[field.api_name] = value_of(field, cell, mapping.format, self._parts.org.zone, find)
        return body

    def _related(self, field: Field, cell: str, key: str) -> str:
        """Returns the id that a lookup's cell stands for; the cell itself when nothing is found, for the checks."""
        if key == "id":
            return cell
        if field.data_type == "ownerlookup":
            users = self._parts.org.users
            return next((str(number) for number, user in users.items() if user["email"] == cell), cell)
        found = self._by_field(self._parts.catalog.modules()[str(field.lookup)], key, cell)
        return str(found[0]) if len(found) == 1 else f"not found: {cell}"

    def _results(self, job: Job, tasks: list[OpenTask]) -> tuple[list[dict[str, int]], bytes]:
        """Returns the counts by task, and the archive that tells of each row."""
        statement = select(ROWS).where(ROWS.c.job_id == job.id).order_by(ROWS.c.task, ROWS.c.row)
        counts = [Counter[str]() for _ in tasks]
        lines: list[list[list[str]]] = [[] for _ in tasks]
        for row in self._parts.store.connection.execute(statement):
            counts[row.task][row.status] += 1
            task = tasks[row.task]
            cells = [task.table.rows[row.row][index] for index in self._shown(task)]
            lines[row.task].append([*cells, row.status, str(row.record_id or ""), row.errors])
        files = []
        for task, rows in zip(tasks, lines, strict=True):
            if self._parts.switches.bulk_result_order == "shuffled":
                random.Random(job.id).shuffle(rows)  # noqa: S311 - no secret; the same job gives the same order
            header = [task.table.header[index] for index in self._shown(task)]
            files.append(
                (f"{task.module.name}-{task.task.file_name}", [*header, "STATUS", "RECORD_ID", "ERRORS"], rows)
            )
        outcome = [
            {
                "added_count": count["ADDED"],
                "updated_count": count["UPDATED"],
                "skipped_count": count["SKIPPED"] + count["UNPROCESSED"],
                "total_count": len(task.table.rows),
            }
            for task, count in zip(tasks, counts, strict=True)
        ]
        return outcome, write_archive(files)

    def _shown(self, task: OpenTask) -> list[int]:
        """Returns the columns that stand in the result: the first three mapped ones, or by switch the whole file's."""
        if self._parts.switches.bulk_result_columns == "all":
            return list(range(len(task.table.header)))
        return [mapping.index for mapping in task.mappings if mapping.index is not None][:_SHOWN_COLUMNS]


def cell_in(mapping: Mapping, cells: tuple[str, ...]) -> str:
    """Returns what a row has for a field."""
    return mapping.constant or "" if mapping.index is None else cells[mapping.index].strip()


def _told(status: str, record_id: int | None = None, errors: str = "") -> dict[str, Any]:
    return {"status": status, "record_id": record_id, "errors": errors}


def _errors(error: RowError, task: OpenTask) -> str:
    """Returns the column ERRORS: `CODE-column,column:CODE-column`."""
    found = error.details.get("errors") or [error.body()]
    columns: dict[str, list[str]] = {}
    for one in found:
        name = one["details"].get("api_name")
        columns.setdefault(one["code"], []).append(task.column(str(name)) if name else "")
    return ":".join(f"{code}-{','.join(names)}" for code, names in columns.items())
