"""`target-twilio` is killed with SIGKILL at each step of sending and run again: nothing goes out twice or is lost."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import subprocess
import typing as t
from pathlib import Path

import pytest
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.ledger.tables import outcomes
from target_twilio_killing import RULES, check, feed, from_state, received, recover, rows, settled, until

ORDER_COUNT = 8

pytestmark = pytest.mark.usefixtures("wide")


@pytest.fixture
def settings(config, file):
    """Settings of a target that sends one message after the other."""
    Path(config["rules"]).write_text(RULES)
    given = {**config, "max_concurrency": 1, "state_interval_seconds": 0, "batch_size_rows": 4}
    file.write_text(json.dumps(given))
    return given


@pytest.fixture
def given():
    return rows(range(1, ORDER_COUNT + 1), every=2)


class Target:
    """The target as a process.

    Attributes:
        stdout: File of its STATEs.
        process: The process.
    """

    def __init__(self, file: Path, given: t.Any, *, stdout: int | None = None, stdin: int | None = None) -> None:
        self.stdout = file.with_name("states.jsonl")
        with contextlib.ExitStack() as stack:
            lines = stack.enter_context(feed(file.with_name("rows.jsonl"), given).open())
            states = stack.enter_context(self.stdout.open("w"))
            errors = stack.enter_context(file.with_name("stderr.txt").open("w"))
            self.process = subprocess.Popen(
                ["target-twilio", f"--config={file}"],
                stdin=lines if stdin is None else stdin,
                stdout=states if stdout is None else stdout,
                stderr=errors,
            )

    def kill(self) -> None:
        """Kill it; it must not have come to its end before."""
        assert self.process.poll() is None
        self.process.kill()
        self.process.wait()


def hit(service):
    """Whether a fault has hit a request."""
    return any(one["hits"] for one in service.control.faults())


def end(file, settings, given, target, twilio, sendgrid):
    """Run again from the last STATE; return how many messages are how far."""
    for service in (twilio, sendgrid):
        service.control.clear_faults()
    recover(settings, from_state(given, target.stdout))
    return check(settings, file, received(twilio, sendgrid), given, "after the kill")


def test_killed_before_the_service_has_a_text_it_is_held(file, settings, given, twilio, sendgrid):
    twilio.control.fault("timeout", method="POST", path="/Messages", when="before", skip=3)
    target = Target(file, given)
    until(lambda: hit(twilio))
    target.kill()
    assert end(file, settings, given, target, twilio, sendgrid)["held"] == 1


def test_killed_after_the_service_took_a_text_and_before_it_answered_it_is_found(
    file, settings, given, twilio, sendgrid
):
    twilio.control.fault("timeout", method="POST", path="/Messages", when="after", skip=3)
    target = Target(file, given)
    until(lambda: len(received(twilio, sendgrid)) == 4)
    target.kill()
    assert end(file, settings, given, target, twilio, sendgrid)["held"] == 0


@pytest.mark.parametrize(("channel", "held"), [("sms", 0), ("email", 1)])
def test_killed_after_the_answer_and_before_it_is_in_the_ledger(file, settings, given, twilio, sendgrid, channel, held):
    service, path = (twilio, "/Messages") if channel == "sms" else (sendgrid, "/mail/send")
    service.control.fault("slow", method="POST", path=path, when="after", delay_ms=1000)
    target = Target(file, given)
    until(lambda: hit(service))
    with contextlib.closing(sqlite3.connect(settings["ledger_url"].removeprefix("sqlite:///"))) as ledger:
        ledger.execute("BEGIN IMMEDIATE")  # the answer comes, and there is no way to note it
        until(
            lambda: any(one["method"] == "POST" and one["status"] in {201, 202} for one in service.control.requests())
        )
        target.kill()
        ledger.rollback()
    assert settled(settings, messages, "status").count("claimed") == 1
    assert end(file, settings, given, target, twilio, sendgrid)["held"] == held


def test_killed_between_a_row_and_its_state(file, settings, given, twilio, sendgrid):
    reading, writing = os.pipe()
    room = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
    os.write(writing, b"\n" * room)  # there is none left for a STATE
    target = Target(file, given, stdout=writing)
    until(lambda: settled(settings, outcomes, "id"))
    target.kill()
    os.close(writing)
    os.close(reading)
    assert settled(settings, messages, "status") == []
    assert end(file, settings, given, target, twilio, sendgrid)["held"] == 0


def test_killed_between_the_last_state_and_sending(file, settings, given, twilio, sendgrid):
    target = Target(file, given, stdin=subprocess.PIPE)
    target.process.stdin.write(file.with_name("rows.jsonl").read_bytes())
    target.process.stdin.flush()
    until(lambda: from_state(given, target.stdout) == [])
    target.kill()
    target.process.stdin.close()
    assert sum(received(twilio, sendgrid).values()) == 0
    assert end(file, settings, given, target, twilio, sendgrid)["held"] == 0
