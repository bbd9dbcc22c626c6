"""Processes that send messages and are killed at a given step. Started with a ledger's URL, it forks one for every job.

Jobs come as lines of JSON, each a list of jobs to be done at the same time; answered is the list of what ended each: 0,
or minus the number of the signal. Forked rather than started, since the imports take longer than all that is done here.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import traceback
import typing as t
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

from sending_bench import Text
from sqlalchemy import event
from sync_ledger.errors import ServiceUnavailableError
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.runs import Runs
from sync_ledger.sending.courier import Courier, Pace
from sync_ledger.sending.journal import Journal
from sync_ledger.sending.outbox import Outbox
from sync_ledger.sending.service import Accepted, Delivery, Later, Lost, Refused, Seen

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine
    from sync_ledger.sending.service import Answer, Outgoing

TIMEOUT_SECONDS = 0.15
"""How long a process waits that may be killed; shorter than the service hangs."""


class Steps:
    """Counts the steps of a kind and kills this process at the one it is to die at."""

    def __init__(self, kind: str, number: int) -> None:
        self._kind = kind
        self._left = number

    def reach(self, kind: str) -> None:
        if kind == self._kind:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class ShiftedClock:
    """The moment now, some time on; `sleep` moves it."""

    def __init__(self, seconds: float) -> None:
        self._shift = timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return datetime.now(tz=timezone.utc) + self._shift

    def sleep(self, seconds: float) -> None:
        self._shift += timedelta(seconds=seconds)


class HttpService:
    """The service of `sending_server`, told apart by effect as an adapter must."""

    channels = ("sms",)
    per_second = 0.0

    def __init__(self, url: str, clock: ShiftedClock, steps: Steps, timeout: float) -> None:
        self._url = urlsplit(url)
        self._timeout = timeout
        self._clock = clock
        self._steps = steps

    def send(self, message: Outgoing) -> Answer:
        self._steps.reach("before call")
        body = {"key": message.key, "recipient": message.recipient, "text": message.text}
        try:
            status, answer = self._exchange("POST", "", {**body, "created_at": self._clock().isoformat("T", "seconds")})
        except ConnectionRefusedError:
            return Later("connection", "no connection could be made")
        except (OSError, http.client.HTTPException) as error:
            return Lost(type(error).__name__)
        self._steps.reach("after call")
        if status == 429:
            return Later(str(answer["code"]), answer["message"])
        if status == 400:
            return Refused(str(answer["code"]), answer["message"], "correct the number")
        return Lost(f"{status}") if status >= 500 else Accepted(answer["sid"], Delivery(answer["status"]))

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen]:
        self._steps.reach("before look")
        try:
            status, found = self._exchange("GET", f"?To={quote(message.recipient)}")
        except (OSError, http.client.HTTPException) as error:
            raise ServiceUnavailableError("the service cannot be reached") from error
        if status >= 500:
            raise ServiceUnavailableError("the service cannot be asked")
        self._steps.reach("after look")
        seen = [(one["id"], datetime.fromisoformat(one["created_at"])) for one in found if one["text"] == message.text]
        whole = since.replace(microsecond=0)
        return [Seen(remote_id, Delivery.QUEUED, created_at=at) for remote_id, at in seen if at >= whole]

    def status(self, remote_id: str, channel: str) -> None:
        return None

    def close(self) -> None:
        pass

    def _exchange(self, method: str, query: str, body: t.Any = None) -> tuple[int, t.Any]:
        connection = http.client.HTTPConnection(t.cast("str", self._url.netloc), timeout=self._timeout)
        try:
            headers = {"X-Process": str(os.getpid())}
            connection.request(method, f"{self._url.path}{query}", body and json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def deliver(engine: Engine, job: dict[str, t.Any]) -> None:
    """Send what is due as a run of a target would, and die at the step the job says."""
    steps, clock = Steps(job["kind"], job["number"]), ShiftedClock(job["shift"])
    event.listen(engine, "before_cursor_execute", lambda *_: steps.reach("statement"))
    event.listen(engine, "commit", lambda _: steps.reach("commit"))
    run_id = Runs(engine, job["destination"]).start("target-fake", "apply")
    pace = Pace(threads=job["threads"], patience=timedelta(seconds=job["patience"]))
    journal = Journal(engine, job["destination"], clock=clock)
    service = HttpService(job["service"], clock, steps, job.get("timeout", TIMEOUT_SECONDS))
    Courier(journal, run_id, service, pace=pace, sleep=clock.sleep).deliver()


def _begin(engine: Engine, job: dict[str, t.Any]) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        deliver(engine, job)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


class _Rehearsal:
    """A service that gives every kind of answer, whatever it is asked."""

    channels = ("sms",)
    per_second = 0.0

    def __init__(self) -> None:
        self._answers: list[Answer] = [
            Later("x", "x"),
            Lost("x"),
            Refused("x", "x", "x"),
            Accepted("x", Delivery.QUEUED),
        ]

    def send(self, _: Outgoing) -> Answer:
        return self._answers.pop() if self._answers else Lost("x")

    def find(self, _: Outgoing, since: datetime) -> Sequence[Seen]:
        return [Seen("y", Delivery.QUEUED, created_at=since)]

    def status(self, _remote_id: str, _channel: str) -> None:
        return None

    def close(self) -> None:
        pass


def _compile(engine: Engine) -> None:
    """Let every statement of a delivery be used once."""
    clock = ShiftedClock(0)
    journal = Journal(engine, "none", clock=clock)
    with engine.begin() as connection:
        Outbox("none", clock=clock).put(connection, [Text(str(number), not_before=clock()) for number in range(4)])
    service = _Rehearsal()
    for _ in range(2):
        run_id = Runs(engine, "none").start("target-fake", "apply")
        Courier(journal, run_id, service, pace=Pace(threads=1, patience=timedelta()), sleep=clock.sleep).deliver()
        clock.sleep(3_600)


def _serve(ledger: str) -> None:
    engine = open_engine(ledger)
    # Statements are compiled once for all processes; no connection is left that they would share.
    _compile(engine)
    engine.dispose()
    for line in sys.stdin:
        processes = [_begin(engine, job) for job in json.loads(line)]
        ends = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
        sys.stdout.write(json.dumps(ends) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
