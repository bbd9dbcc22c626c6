from __future__ import annotations

import json
import sys
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sync_ledger.cli import app
from sync_ledger.observing import notices
from target_pipedrive_runs import organization, person, schema
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

ORGANIZATIONS = schema("organizations")
WRONG = "0" * 40


class Hook:
    """A webhook that answers as told and keeps what came."""

    def __init__(self) -> None:
        self.notices: list[dict[str, t.Any]] = []
        self.bodies: list[bytes] = []
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-type"] == "application/json":
                    hook.notices.append(json.loads(body))
                else:
                    hook.bodies.append(body)
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: t.Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/secret-part"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_notice_goes_out_when_things_turn_and_not_with_every_run(
    runner: Runner, settings: dict[str, t.Any], hook: Hook
) -> None:
    settings["notify_url"] = hook.url
    runner.run(ORGANIZATIONS, organization(1001))
    assert hook.notices == []
    for _ in range(2):
        assert runner.run(ORGANIZATIONS, organization(1001), api_token=WRONG) == 1
    (failure,) = hook.notices
    assert (failure["event"], failure["target"], failure["status"]) == ("failure", "target-pipedrive", "failed")
    assert "api_token" in failure["error"]
    for _ in range(2):
        assert runner.run(ORGANIZATIONS, organization(1001)) == 0
    assert [notice["event"] for notice in hook.notices] == ["failure", "recovery"]
    assert hook.notices[1]["run"]["outcomes"] == {"unchanged": 1}
    assert "Company" not in json.dumps(hook.notices)


def test_a_command_gets_the_notice_on_its_input(runner: Runner, settings: dict[str, t.Any], tmp_path: Path) -> None:
    program = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    settings["notify_command"] = [sys.executable, "-c", program, str(tmp_path / "notice.json")]
    assert runner.run(ORGANIZATIONS, organization(1001), api_token=WRONG) == 1
    assert json.loads((tmp_path / "notice.json").read_text())["event"] == "failure"


def test_notices_that_fail_do_not_touch_the_run(
    runner: Runner, settings: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    settings["notify_command"] = ["/no/such/program"]
    runner.run(ORGANIZATIONS, organization(1001), api_token=WRONG)
    assert runner.run(ORGANIZATIONS, organization(1001)) == 0
    assert "notify_command /no/such/program failed" in caplog.text


def test_a_webhook_is_tried_again_when_that_may_help(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    hook.answers = [503, 429]
    assert notices.post(hook.url, {"event": "failure"}, sleep=waits.append)
    assert (len(hook.notices), waits) == (3, [1, 2])
    hook.answers = [404]
    assert not notices.post(hook.url, {"event": "failure"}, sleep=waits.append)
    assert len(hook.notices) == 4
    assert not notices.post("http://127.0.0.1:9/secret-part", {}, sleep=waits.append)
    assert not notices.post("nonsense secret-part", {}, sleep=waits.append)
    assert "secret-part" not in caplog.text


def test_a_command_that_takes_too_long_is_ended() -> None:
    assert not notices.run_command([sys.executable, "-c", "import time; time.sleep(60)"], {}, seconds=0.3)


def test_metrics_tell_of_the_last_run(runner: Runner, settings: dict[str, t.Any], tmp_path: Path) -> None:
    file = tmp_path / "sync.prom"
    settings["metrics_file"] = str(file)
    bad = organization(1002, name="x" * 300)
    assert runner.run(ORGANIZATIONS, organization(1001), bad) == 0
    text = file.read_text()
    own = 'target="target-pipedrive",destination="pipedrive:'
    assert f"sync_last_run_success{{{own}" in text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    by_name = {name.split("{")[0]: float(value) for name, value in lines.items()}
    assert (by_name["sync_last_run_success"], by_name["sync_last_run_writes"]) == (1, 1)
    assert any('outcome="created"' in name and value == "1" for name, value in lines.items())
    assert any(name.startswith("sync_rows_waiting") and 'outcome="held"' in name for name in lines)
    assert "Company" not in text
    assert [item.name for item in tmp_path.iterdir() if "prom" in item.name] == ["sync.prom"]
    assert runner.run(ORGANIZATIONS, organization(1001), metrics_file=str(tmp_path / "no" / "sync.prom")) == 0


def test_traces_tell_of_run_batches_and_requests_without_values(
    runner: Runner, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hook.url)
    assert runner.run(ORGANIZATIONS, organization(1001)) == 0
    assert hook.bodies == []
    assert runner.run(ORGANIZATIONS, organization(1001), organization(1002), tracing=True) == 0
    spans = {}
    for body in hook.bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    spans.setdefault(span.name, []).append(span)
    (run,) = spans["run"]
    (batch,) = spans["batch"]
    assert batch.parent_span_id == run.span_id
    (write,) = [span for span in spans["request"] if any(item.value.string_value == "POST" for item in span.attributes)]
    assert write.parent_span_id == batch.span_id  # though another thread sent it
    assert {item.key: item.value.int_value for item in run.attributes}["rows.created"] == 1
    assert not any(b"Company" in body or b"1002" in body for body in hook.bodies)


def test_runs_tell_rates_and_how_they_compare(runner: Runner, settings: dict[str, t.Any]) -> None:
    for count in (10, 10, 10, 5):
        runner.run(ORGANIZATIONS, *(organization(1000 + number) for number in range(count)))
    runner.run(schema("persons"))
    found = json.loads(CliRunner().invoke(app, ["runs", "--json", "--ledger-url", settings["ledger_url"]]).stdout)
    assert found[0]["trend"] is None
    assert found[3]["trend"]["runs"] == 3
    assert found[3]["trend"]["rows"] == {"median": 10, "percent": -50.0}
    assert found[3]["trend"]["streams"]["organizations"]["percent"] == -50.0
    assert found[3]["rows_per_second"] > 0
    table = CliRunner().invoke(app, ["runs", "--ledger-url", settings["ledger_url"]], env={"COLUMNS": "220"}).stdout
    assert "rows -50 %" in table


def test_why_reads_the_record_as_it_is_now(
    runner: Runner, settings: dict[str, t.Any], pipedrive: PipedriveEmulator, tmp_path: Path
) -> None:
    def why(*arguments: str) -> t.Any:
        file = tmp_path / "config.json"
        file.write_text(json.dumps(settings))
        url = ("--ledger-url", settings["ledger_url"])
        return CliRunner().invoke(
            app, ["why", *arguments, "--live", "--config", str(file), *url], env={"COLUMNS": "200"}
        )

    runner.run(ORGANIZATIONS, schema("persons"), organization(1001), person(1001))
    assert "is as last written" in why("1001").stdout
    (one,) = pipedrive.control.records("organizations")
    pipedrive.control.patch_record("organizations", one["id"], {"name": "By hand"})
    (live,) = json.loads(why("organizations", "1001", "--json").stdout)["live"]
    assert live["differences"] == [{"field": "name", "ledger": "Company 1001", "there": "By hand"}]
    settings["masked_fields"] = {"persons": ["phones"]}
    assert "1-1001" not in json.dumps(json.loads(why("1001-1", "--json").stdout)["live"])
    pipedrive.control.delete_record("organizations", one["id"])
    assert "is not there" in why("1001").stdout
    assert why("404").exit_code == 1
