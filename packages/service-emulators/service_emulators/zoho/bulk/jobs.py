"""Jobs of both kinds: where they stand, and how what they are doing is told.

A job begins once it is old enough (switch `bulk_start_ms`) and is told as unfinished to the first polls in any case
(`bulk_polls`); how it ends is decided at its creation (`bulk_end`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import insert, select, update

from service_emulators.zoho.bulk.tables import JOBS
from service_emulators.zoho.times import stored_time

if TYPE_CHECKING:
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.outgoing import Outgoing
    from service_emulators.zoho.parts import Parts

Kind = Literal["write", "read"]
State = Literal["ADDED", "INPROGRESS", "COMPLETED", "FAILED"]


@dataclass
class Job:
    """A bulk job.

    Attributes:
        id: id.
        kind: what it does.
        state: where it stands; `shown_state` is what is told of it.
        request: JSON of its request.
        created_by: user.
        created_at: emulator clock, seconds since 1970.
        polls: how often its details were asked for.
        counted: whether a call has counted for the rows it wrote.
        done_rows: rows processed so far.
        end: how it ends.
        end_after: rows processed before it fails or stalls.
        every: each so many-th row is not processed; 0 for none.
        outcome: counts of what was done.
        result: zip archive.
    """

    id: int
    kind: Kind
    state: State
    request: str
    created_by: int
    created_at: float
    polls: int
    counted: bool
    done_rows: int
    end: Literal["completes", "fails", "stalls"]
    end_after: int
    every: int
    outcome: str | None = None
    result: bytes | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in {"COMPLETED", "FAILED"}

    @property
    def stalled(self) -> bool:
        """Whether it has come as far as it ever will without having ended."""
        return self.end == "stalls" and self.state == "INPROGRESS" and self.done_rows >= self.end_after

    def counts(self) -> list[dict[str, int]]:
        """Returns what was done, by task."""
        counts: list[dict[str, int]] = msgspec.json.decode(self.outcome or "[]")
        return counts


class Jobs:
    """The jobs of the org.

    Args:
        parts: parts of the org.
        outgoing: makes the callbacks.
    """

    def __init__(self, parts: Parts, outgoing: Outgoing) -> None:
        self._parts = parts
        self._outgoing = outgoing

    def create(self, kind: Kind, request: msgspec.Struct, call: Call) -> Job:
        """Adds a job."""
        switches = self._parts.switches
        job = Job(
            id=self._parts.store.new_id(),
            kind=kind,
            state="ADDED",
            request=msgspec.json.encode(request).decode(),
            created_by=call.user_id,
            created_at=self._parts.clock.seconds(),
            polls=0,
            counted=False,
            done_rows=0,
            end=switches.bulk_end,
            end_after=switches.bulk_end_after,
            every=call.partial.every if call.partial is not None else 0,
        )
        self._parts.store.connection.execute(insert(JOBS), vars(job))
        return job

    def find(self, kind: Kind, job_id: str) -> Job | None:
        """Returns a job or None."""
        if not job_id.isascii() or not job_id.isdigit() or len(job_id) > 19:  # noqa: PLR2004 - 64 bits
            return None
        statement = select(JOBS).where(JOBS.c.id == int(job_id), JOBS.c.kind == kind)
        row = self._parts.store.connection.execute(statement).mappings().first()
        return None if row is None else Job(**row)

    def poll(self, job: Job) -> str:
        """Counts a request for details; returns the state to tell: an ended job still runs for the first polls."""
        job.polls += 1
        self.save(job, polls=job.polls)
        if job.polls > self._parts.switches.bulk_polls:
            return job.state
        return "ADDED" if job.polls == 1 and job.state == "ADDED" else "INPROGRESS"

    def next(self) -> Job | None:
        """Returns a job to go on with, the oldest; None if all have ended, stalled or are too young."""
        begin = self._parts.clock.seconds() - self._parts.switches.bulk_start_ms / 1000
        statement = (
            select(JOBS)
            .where(JOBS.c.state.in_(("ADDED", "INPROGRESS")), JOBS.c.created_at <= begin)
            .order_by(JOBS.c.id)
        )
        for row in self._parts.store.connection.execute(statement).mappings():
            job = Job(**row)
            if not job.stalled:
                return job
        return None

    def waiting(self) -> bool:
        """Returns whether any job has still to go on, now or later."""
        statement = select(JOBS).where(JOBS.c.state.in_(("ADDED", "INPROGRESS")))
        return any(not Job(**row).stalled for row in self._parts.store.connection.execute(statement).mappings())

    def save(self, job: Job, **values: Any) -> None:
        """Writes attributes of a job."""
        for name, value in values.items():
            setattr(job, name, value)
        self._parts.store.connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(values))

    def call_back(self, job: Job, callback: dict[str, Any] | None) -> None:
        """Tells the address a job was created with that it has ended (the body is unverified)."""
        if callback:
            body = {"job_id": str(job.id), "operation": self.operation(job), "state": job.state}
            self._outgoing.post(callback["url"], body)

    @staticmethod
    def operation(job: Job) -> str:
        """Returns what a job does, as answers name it."""
        operation: str = "read" if job.kind == "read" else msgspec.json.decode(job.request)["operation"]
        return operation

    def created_time(self, job: Job) -> str:
        """Returns when a job was created, as answers show it."""
        return self._parts.org.local(stored_time(datetime.fromtimestamp(job.created_at, timezone.utc)))
