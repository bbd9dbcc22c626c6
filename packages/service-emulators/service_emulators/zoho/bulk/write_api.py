"""Upload, bulk write jobs and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert

from service_emulators.zoho.bulk.files import MAX_BYTES, is_zip, names_in
from service_emulators.zoho.bulk.multipart import read_parts
from service_emulators.zoho.bulk.tables import UPLOADS
from service_emulators.zoho.bulk.write_request import WriteReader, WriteRequest
from service_emulators.zoho.calls import Reply, Route
from service_emulators.zoho.errors import ApiError, no_such_path, wrong_media_type
from service_emulators.zoho.times import stored_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.zoho.bulk.jobs import Job, Jobs
    from service_emulators.zoho.bulk.write_job import WriteJobs
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.parts import Parts

COST = 500
_FEATURE = "bulk-write"


class BulkWriteApi:
    """Endpoints of bulk write.

    Args:
        parts: parts of the org.
        jobs: the jobs.
        carrier: carries them out.
        wake: starts doing so.
    """

    def __init__(self, parts: Parts, jobs: Jobs, carrier: WriteJobs, wake: Callable[[], None]) -> None:
        self._parts = parts
        self._jobs = jobs
        self._carrier = carrier
        self._wake = wake
        self._reader = WriteReader(parts.catalog, parts.switches)

    def routes(self) -> dict[str, Route]:
        """Returns the endpoints."""
        scope = ("ZohoCRM.bulk.CREATE",)
        return {
            "POST /crm/v8/upload": Route(self._upload, ("ZohoFiles.files.ALL",)),
            "POST /crm/bulk/v8/write": Route(self._create, scope, COST),
            "GET /crm/bulk/v8/write/{id}": Route(self._details, scope),
            "GET /crm/v8/bulk-write/{id}/{file}": Route(self._download, scope),
        }

    def _upload(self, call: Call) -> Reply:
        feature = call.headers.get("feature")
        if feature is None:
            raise ApiError(400, "MANDATORY_NOT_FOUND", "Required key feature is not available")
        if feature != _FEATURE:
            raise ApiError(400, "NOT_SUPPORTED_FEATURE", "the feature given is not supported")
        if call.headers.get("x-crm-org") != self._parts.org.zgid:
            raise ApiError(400, "INVALID_DATA", "Invalid data - x-crm-org")
        parts = read_parts(call.headers.get("content-type", ""), call.body)
        file = next((part for part in parts if part.name == "file" and part.filename), None)
        if file is None:
            raise ApiError(400, "MANDATORY_NOT_FOUND", "Required key file is not available")
        if len(file.content) > MAX_BYTES:
            raise ApiError(400, "INVALID_DATA", "Import file size should be less than 25 mb.")
        if not is_zip(file.content):
            raise ApiError(400, "INVALID_FILE_FORMAT", "invalid file format. only zip format is supported")
        if len(names_in(file.content)) != 1:
            raise ApiError(400, "INVALID_FILE_FORMAT", "the zip file must hold one CSV file")
        file_id = self._parts.store.new_id()
        self._parts.store.connection.execute(insert(UPLOADS), {"id": file_id, "content": file.content})
        created = self._parts.org.local(stored_time(self._parts.clock.now()))
        details = {"file_id": str(file_id), "created_time": created}
        message = {"status": "success", "code": "FILE_UPLOAD_SUCCESS", "message": "file uploaded.", "details": details}
        return Reply(message)

    def _create(self, call: Call) -> Reply:
        if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise wrong_media_type()
        try:
            body = msgspec.json.decode(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(400, "INVALID_REQUEST", f"body is not valid JSON: {error}") from error
        request = self._reader.read(body)
        for task in request.tasks:
            call.need(f"ZohoCRM.modules.{task.module}.{'UPDATE' if request.operation == 'update' else 'CREATE'}")
        self._carrier.open(request)
        job = self._jobs.create("write", request, call)
        self._wake()
        details = {"id": str(job.id), "created_by": self._parts.org.user(job.created_by)}
        return Reply({"status": "success", "code": "SUCCESS", "message": "success", "details": details}, 201)

    def _details(self, call: Call) -> Reply:
        job = self._jobs.find("write", call.args["id"])
        if job is None:
            raise ApiError(400, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.")
        request = msgspec.json.decode(job.request, type=WriteRequest)
        state = self._told(self._jobs.poll(job))
        if state in {"COMPLETED", "FAILED"} and not job.counted:
            # The rows are written beside all calls; the first one that is told of it counts for them.
            call.tally.writes = sum(count["added_count"] + count["updated_count"] for count in job.counts())
            self._jobs.save(job, counted=True)
        body: dict[str, Any] = {
            "status": state,
            "resource": self._resources(job, request, state),
            "id": str(job.id),
            "created_by": self._parts.org.user(job.created_by),
            "operation": request.operation,
            "created_time": self._jobs.created_time(job),
        }
        if request.encoding is not None:
            body["character_encoding"] = request.encoding
        if request.callback is not None:
            body["callback"] = request.callback
        if state == "COMPLETED":
            body["result"] = {"download_url": f"{call.origin}/crm/v8/bulk-write/{job.id}/{job.id}.zip"}
        return Reply(body)

    def _told(self, state: str) -> str:
        return self._parts.switches.bulk_in_progress if state == "INPROGRESS" else state

    def _resources(self, job: Job, request: WriteRequest, state: str) -> list[dict[str, Any]]:
        counts = job.counts() if state in {"COMPLETED", "FAILED"} else []
        resources = []
        for number, task in enumerate(request.tasks):
            module = self._parts.catalog.modules()[task.module]
            file: dict[str, Any] = dict.fromkeys(("added_count", "skipped_count", "updated_count", "total_count"), 0)
            if number < len(counts):
                file.update(counts[number])
            resource: dict[str, Any] = {
                "status": state,
                "type": "data",
                "module": {"api_name": module.name, "id": str(module.info.id)},
                "ignore_empty": task.ignore_empty,
                "file": {"status": state, "name": task.file_name, **file},
            }
            if task.find_by is not None:
                resource["find_by"] = task.find_by
            if task.mappings is not None:
                resource["field_mappings"] = [
                    {
                        "api_name": mapping.api_name,
                        "index": mapping.index,
                        "format": mapping.format,
                        "find_by": mapping.find_by,
                        **({"default_value": {"value": mapping.constant}} if mapping.constant is not None else {}),
                    }
                    for mapping in task.mappings
                ]
            resources.append(resource)
        return resources

    def _download(self, call: Call) -> Reply:
        job = self._jobs.find("write", call.args["id"])
        if job is None or job.result is None or call.args["file"] != f"{job.id}.zip":
            raise no_such_path()
        return Reply(job.result, content_type="application/octet-stream")
