"""Does the work of bulk jobs beside the calls, in a thread of its own, as long as any job has to go on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service_emulators.zoho.bulk.jobs import Job, Jobs, Kind
    from service_emulators.zoho.parts import Parts

_IDLE_SECONDS = 0.01
_STOP_SECONDS = 15.0


class Carrier(Protocol):
    """Carries out jobs of one kind."""

    def advance(self, job: Job) -> None:
        """Goes on with a job for a moment."""

    def fail(self, job: Job) -> None:
        """Ends a job that cannot go on."""


class Worker:
    """The thread. It takes the store's lock for a slice of a job at a time, so that calls are answered meanwhile.

    Args:
        parts: parts of the org.
        jobs: the jobs.
        carriers: who carries out which kind.
    """

    def __init__(self, parts: Parts, jobs: Jobs, carriers: Mapping[Kind, Carrier]) -> None:
        self._parts = parts
        self._jobs = jobs
        self._carriers = carriers
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Starts the thread, if there is none, for a job that was created; called under the store's lock."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="emulator-bulk", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread between two slices."""
        self._stopping.set()
        thread = self._thread
        if thread is not None:
            thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._parts.store.lock:
                if not self._jobs.waiting():
                    self._thread = None
                    return
                idle = not self._step()
            # Also between slices: a thread that takes the lock at once again would keep it from all others.
            self._stopping.wait(_IDLE_SECONDS if idle else 0.0005)

    def _step(self) -> bool:
        job = self._jobs.next()
        if job is None:
            return False
        store, changes = self._parts.store, self._parts.changes
        carrier = self._carriers[job.kind]
        try:
            carrier.advance(job)
        except Exception:  # noqa: BLE001 - whatever it is, the job has failed and others go on
            store.rollback()
            self._parts.catalog.forget()
            changes.drop()
            carrier.fail(job)
        store.commit()
        changes.deliver()
        return True
