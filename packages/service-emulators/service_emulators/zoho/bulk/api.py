"""Upload, bulk write and bulk read, with the thread that carries the jobs out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.zoho.bulk.jobs import Jobs
from service_emulators.zoho.bulk.read_api import BulkReadApi, ReadJobs
from service_emulators.zoho.bulk.worker import Worker
from service_emulators.zoho.bulk.write_api import BulkWriteApi
from service_emulators.zoho.bulk.write_job import WriteJobs
from service_emulators.zoho.outgoing import Outgoing

if TYPE_CHECKING:
    from service_emulators.zoho.calls import Route
    from service_emulators.zoho.parts import Parts


class BulkApi:
    """All that belongs to bulk jobs.

    Args:
        parts: parts of the org.
    """

    def __init__(self, parts: Parts) -> None:
        self._outgoing = Outgoing()
        jobs = Jobs(parts, self._outgoing)
        carrier = WriteJobs(parts, jobs)
        self._worker = Worker(parts, jobs, {"write": carrier, "read": ReadJobs(parts, jobs)})
        self._apis = (
            BulkWriteApi(parts, jobs, carrier, self._worker.wake),
            BulkReadApi(parts, jobs, self._worker.wake),
        )
        if jobs.waiting():  # of an earlier process on the same file
            self._worker.wake()

    def routes(self) -> dict[str, Route]:
        """Returns the endpoints."""
        return {key: route for api in self._apis for key, route in api.routes().items()}

    def close(self) -> None:
        """Ends the thread; jobs that are not done go on when an emulator next opens the same file."""
        self._worker.stop()
        self._outgoing.stop()
