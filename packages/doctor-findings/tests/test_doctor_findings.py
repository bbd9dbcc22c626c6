"""Findings are told as lines or as JSON, and the exit code says whether a check has failed."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
from doctor_findings import clock, failed, good, of_error, reach, tell, warning

FOUND = [good("network", "the server answers"), warning("clock", "three hours off", "set the zone")]
BROKEN = failed("log-in", "the password is wrong", "give the right one")


def told(findings, *, as_json=False):
    lines = []
    return tell(findings, as_json=as_json, echo=lines.append), "\n".join(lines)


def test_lines_say_what_helps_and_end_with_a_count():
    code, text = told(FOUND)
    assert code == 0
    assert [line.split() for line in text.splitlines() if line][:2] == [
        ["ok", "network", "the", "server", "answers"],
        ["warning", "clock", "three", "hours", "off"],
    ]
    assert "→ set the zone" in text
    assert text.endswith("1 ok, 1 warning, 0 failed")
    code, text = told([*FOUND, BROKEN])
    assert code == 1
    assert text.endswith("1 ok, 1 warning, 1 failed; what needs the failed ones was left out")


def test_json_is_one_object():
    code, text = told([*FOUND, BROKEN], as_json=True)
    assert code == 1
    report = json.loads(text)
    assert {name: report[name] for name in ("ok", "warning", "failed")} == {"ok": 1, "warning": 1, "failed": 1}
    assert report["findings"][2] == {
        "check": "log-in",
        "status": "failed",
        "text": "the password is wrong",
        "remedy": "give the right one",
    }


@pytest.mark.parametrize(
    ("error", "text", "remedy"),
    [("it is closed; open it", "it is closed", "open it"), ("it is closed", "it is closed", "look at it")],
)
def test_the_last_clause_of_an_error_is_its_remedy(error, text, remedy):
    finding = of_error("door", ValueError(error), otherwise="look at it")
    assert (finding.text, finding.remedy) == (text, remedy)


@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (-119, "ok"), (121, "warning"), (-7200, "warning")])
def test_a_clock_that_is_off_is_warned_of(seconds, status):
    found = clock("Pipedrive", timedelta(seconds=seconds))
    assert found.status.value == status
    assert status == "ok" or f"{seconds:+d} s" in found.text


def test_a_host_that_answers_is_told_and_one_that_does_not_is_warned_of():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = reach("network", f"http://127.0.0.1:{port}/x", timeout_seconds=5, remedy="look at it")
    assert (found.status.value, found.text) == ("ok", f"127.0.0.1:{port} answers (127.0.0.1)")
    found = reach("network", f"http://127.0.0.1:{port}", timeout_seconds=5, remedy="look at it")
    assert (found.status.value, found.remedy) == ("warning", "look at it")
