"""Bulk read jobs: creation, details, result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from service_emulators.zoho.bulk.cells import cell_of
from service_emulators.zoho.bulk.files import write_archive
from service_emulators.zoho.bulk.read_request import ReadRequest, page_token, read_request, where
from service_emulators.zoho.calls import Reply, Route
from service_emulators.zoho.coql.columns import Columns
from service_emulators.zoho.errors import ApiError, wrong_media_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.zoho.bulk.jobs import Job, Jobs
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.parts import Parts

COST = 50
_TOLD = {"INPROGRESS": "IN PROGRESS", "FAILED": "FAILURE"}


class ReadJobs:
    """Carries out read jobs: at once, when their time has come.

    Args:
        parts: parts of the org.
        jobs: the jobs.
    """

    def __init__(self, parts: Parts, jobs: Jobs) -> None:
        self._parts = parts
        self._jobs = jobs

    def advance(self, job: Job) -> None:
        """Reads the page of a job and ends it, unless it is one that stalls."""
        if job.end == "stalls":
            self._jobs.save(job, state="INPROGRESS", done_rows=job.end_after)
            return
        if job.end == "fails":
            self.fail(job)
            return
        request = msgspec.json.decode(job.request, type=ReadRequest)
        per_page = self._parts.switches.bulk_read_page
        rows, more = self._rows(request, per_page)
        outcome: dict[str, Any] = {
            "page": request.page,
            "per_page": per_page,
            "count": len(rows),
            "more_records": more,
        }
        if more:
            outcome["next_page_token"] = page_token(request.page + 1)
        # API names, the id as "Id" (from memory, unverified).
        header = ["Id" if name == "id" else name for name in request.fields]
        result = write_archive([(f"{job.id}.csv", header, rows)])
        self._jobs.save(
            job, state="COMPLETED", done_rows=len(rows), outcome=msgspec.json.encode(outcome).decode(), result=result
        )
        self._jobs.call_back(job, request.callback)

    def fail(self, job: Job) -> None:
        """Ends a job without a result."""
        self._jobs.save(job, state="FAILED")
        self._jobs.call_back(job, msgspec.json.decode(job.request, type=ReadRequest).callback)

    def _rows(self, request: ReadRequest, per_page: int) -> tuple[list[list[str]], bool]:
        columns = Columns(self._parts.catalog, self._parts.catalog.modules()[request.module])
        targets = [columns.find(name) for name in request.fields]
        conditions = [where(columns, request.query["criteria"])] if request.query.get("criteria") else []
        key = columns.find("id").sql
        statement = select(*(target.sql.label(f"c{number}") for number, target in enumerate(targets)))
        statement = statement.select_from(columns.source).where(*conditions).order_by(key)
        statement = statement.limit(per_page + 1).offset((request.page - 1) * per_page)
        found = self._parts.store.connection.execute(statement).all()
        zone = self._parts.org.zone
        rows = [
            [cell_of(target.data_type, value, zone) for target, value in zip(targets, row, strict=True)]
            for row in found[:per_page]
        ]
        return rows, len(found) > per_page


class BulkReadApi:
    """Endpoints of bulk read.

    Args:
        parts: parts of the org.
        jobs: the jobs.
        wake: starts carrying them out.
    """

    def __init__(self, parts: Parts, jobs: Jobs, wake: Callable[[], None]) -> None:
        self._parts = parts
        self._jobs = jobs
        self._wake = wake

    def routes(self) -> dict[str, Route]:
        """Returns the endpoints."""
        scope = ("ZohoCRM.bulk.READ",)
        return {
            "POST /crm/bulk/v8/read": Route(self._create, scope, COST),
            "GET /crm/bulk/v8/read/{id}": Route(self._details, scope),
            "GET /crm/bulk/v8/read/{id}/result": Route(self._result, scope),
        }

    def _create(self, call: Call) -> Reply:
        if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise wrong_media_type()
        try:
            body = msgspec.json.decode(call.body or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(400, "REQUEST_BODY_NOT_READABLE", f"body is not valid JSON: {error}") from error
        request = read_request(self._parts.catalog, body)
        call.need(f"ZohoCRM.modules.{request.module}.READ")
        job = self._jobs.create("read", request, call)
        self._wake()
        details = {
            "id": str(job.id),
            "operation": "read",
            "state": "ADDED",
            "created_by": self._parts.org.user(job.created_by),
            "created_time": self._jobs.created_time(job),
        }
        message = "Added successfully."
        entry = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": message, "details": details}
        return Reply({"data": [entry], "info": {}}, 201)

    def _details(self, call: Call) -> Reply:
        job = self._job(call)
        request = msgspec.json.decode(job.request, type=ReadRequest)
        state = self._jobs.poll(job)
        module = self._parts.catalog.modules()[request.module]
        shown: dict[str, Any] = {
            "id": str(job.id),
            "operation": "read",
            "state": _TOLD.get(state, state),
            "query": {
                **{name: value for name, value in request.query.items() if name != "page_token"},
                "module": {"api_name": module.name, "id": str(module.info.id)},
                "fields": request.fields,
                "page": request.page,
            },
            "created_by": self._parts.org.user(job.created_by),
            "created_time": self._jobs.created_time(job),
            "file_type": "csv",
        }
        if state == "COMPLETED":
            link = f"{call.origin}/crm/bulk/v8/read/{job.id}/result"
            shown["result"] = {**msgspec.json.decode(job.outcome or "{}"), "download_url": link}
        return Reply({"data": [shown]})

    def _result(self, call: Call) -> Reply:
        job = self._job(call)
        if job.result is None:
            raise _not_found(call.args["id"])
        return Reply(job.result, content_type="application/x-download")

    def _job(self, call: Call) -> Job:
        job = self._jobs.find("read", call.args["id"])
        if job is None:
            raise _not_found(call.args["id"])
        return job


def _not_found(job_id: str) -> ApiError:
    return ApiError(404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", {"resource": job_id})
