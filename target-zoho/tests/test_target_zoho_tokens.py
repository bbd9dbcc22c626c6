from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from service_calls import kept_tokens
from service_calls.token_file import Kept, keep_tokens
from sync_ledger.errors import CredentialsError, ServiceUnavailableError
from target_zoho.connecting import login
from target_zoho_login import client_of, kept, oauth_of, settings_of
from target_zoho_runs import account, schema

if t.TYPE_CHECKING:
    from service_emulators.zoho.emulator import ZohoEmulator


def asked(zoho: ZohoEmulator) -> int:
    """Return how often the accounts server was asked for a token."""
    return sum(one["path"] == "/oauth/v2/token" for one in zoho.control.requests(limit=5000))


def test_an_access_token_is_used_by_later_runs_until_it_is_about_to_end(zoho: ZohoEmulator, tmp_path: Path) -> None:
    settings = settings_of(zoho, tmp_path)
    begun = time.time()
    for seconds in (0, 1000, 3400):
        oauth_of(settings, clock=lambda moment=begun + seconds: moment).tokens()
    assert asked(zoho) == 1
    oauth_of(settings, clock=lambda: begun + 3500).tokens()
    assert asked(zoho) == 2


def test_the_token_file_is_its_owners_alone_and_nothing_shows_what_is_in_it(
    zoho: ZohoEmulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(zoho, tmp_path)
    client = client_of(settings)
    client.get("/org")
    assert stat.S_IMODE(Path(settings["token_file"]).stat().st_mode) == 0o600
    shown = repr([kept(settings), client, client.auth, login(settings)]) + caplog.text
    tokens = kept(settings).tokens
    assert tokens is not None
    assert tokens.refresh_token == ""
    for secret in (tokens.access_token, settings["refresh_token"], settings["client_secret"]):
        assert secret not in shown
    assert settings["refresh_token"] not in Path(settings["token_file"]).read_text("utf-8")
    assert [one["query"] for one in zoho.control.requests() if one["path"] == "/oauth/v2/token"] == [""]


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "1000.ANOTHER"},
        {"client_secret": "another"},
        {"refresh_token": "1000.another.one"},
        {"accounts_url": "http://127.0.0.1:9"},
        {"refresh_token": None, "soid": "ZohoCRM.1"},
    ],
)
def test_a_token_of_other_settings_is_not_used(zoho: ZohoEmulator, tmp_path: Path, changed: dict[str, t.Any]) -> None:
    client_of(settings_of(zoho, tmp_path)).get("/org")
    with pytest.raises((CredentialsError, ServiceUnavailableError)):
        oauth_of(settings_of(zoho, tmp_path, **changed), sleep=lambda _: None).tokens()
    assert len(kept_tokens(tmp_path / "tokens.json")) == 2  # neither log-in throws the other's out


def test_an_expired_token_in_the_middle_of_a_run_is_replaced_once_for_all_threads(
    zoho: ZohoEmulator, tmp_path: Path
) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    client.get("/org")
    for _ in range(2):
        zoho.control.expire_tokens()
        with ThreadPoolExecutor(4) as pool:
            assert all(answer.status == 200 for answer in pool.map(lambda _: client.get("/org"), range(12)))
    assert asked(zoho) == 3


def test_a_token_another_process_has_fetched_may_be_refused_as_well(zoho: ZohoEmulator, tmp_path: Path) -> None:
    settings = settings_of(zoho, tmp_path)
    first, second = client_of(settings), client_of(settings)
    for client in (first, second):
        client.get("/org")
    zoho.control.expire_tokens()
    second.get("/org")
    zoho.control.expire_tokens()
    assert first.get("/org").status == 200  # with the second's token first, then with one of its own
    assert asked(zoho) == 3


def test_a_write_refused_for_its_token_is_sent_again_and_done_once(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    client.get("/org")
    zoho.control.expire_tokens()
    answer = client.write("POST", "/Accounts", {"data": [{"Account_Name": "One"}], "trigger": []})
    assert answer.status == 201
    assert len(zoho.control.records("Accounts")) == 1


class Time:
    """A clock that waits move on."""

    def __init__(self) -> None:
        self.now = time.time()
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def replace_token(settings: dict[str, t.Any], clock: Time) -> None:
    """Get another access token, as a process of its own that had the present one refused."""
    oauth = oauth_of(settings, clock=clock, sleep=clock.wait)
    response = requests.Response()
    header = {"authorization": f"Zoho-oauthtoken {oauth.tokens().access_token}"}
    response.request = requests.Request("GET", "http://x", headers=header).prepare()
    assert oauth.refused(response).fresh


def test_ten_tokens_in_ten_minutes_are_never_exceeded_and_the_count_outlives_the_process(
    zoho: ZohoEmulator, tmp_path: Path
) -> None:
    settings, clock = settings_of(zoho, tmp_path), Time()
    oauth_of(settings, clock=clock).tokens()
    for _ in range(9):
        replace_token(settings, clock)
    assert asked(zoho) == 10
    with pytest.raises(ServiceUnavailableError, match=r"gives 10 access tokens in 10 min.*keep that file.*in 10 min$"):
        replace_token(settings, clock)
    assert asked(zoho) == 10
    clock.now += 545
    zoho.control.set_clock(offset_seconds=601)
    replace_token(settings, clock)  # less than a minute is waited for
    assert asked(zoho) == 11
    assert [round(seconds) for seconds in clock.waits] == [55]


def test_questions_without_an_answer_count_as_well(zoho: ZohoEmulator, tmp_path: Path) -> None:
    settings, clock = settings_of(zoho, tmp_path), Time()
    zoho.control.fault("status", path="/oauth/v2/token", status=502, when="after", times=None)
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError, match="token endpoint does not answer: HTTP 502"):
            oauth_of(settings, clock=clock, sleep=lambda _: None).tokens()
    with pytest.raises(ServiceUnavailableError, match="gives 10 access tokens"):
        oauth_of(settings, clock=clock, sleep=lambda _: None).tokens()
    assert asked(zoho) == 10


def test_a_clock_that_was_set_back_does_not_open_the_gate(zoho: ZohoEmulator, tmp_path: Path) -> None:
    settings, clock = settings_of(zoho, tmp_path), Time()
    keep_tokens(tmp_path / "tokens.json", login(settings).origin, Kept(None, [clock.now + 5000.0] * 10), now=clock.now)
    with pytest.raises(ServiceUnavailableError, match="gives 10 access tokens"):
        oauth_of(settings, clock=clock).tokens()


def test_what_others_have_asked_for_is_told_when_zoho_gives_no_more(zoho: ZohoEmulator, tmp_path: Path) -> None:
    for number in range(10):
        oauth_of(settings_of(zoho, tmp_path, token_file=str(tmp_path / f"tokens.json{number}"))).tokens()
    with pytest.raises(ServiceUnavailableError, match=r"gives no more access tokens.*share one token_file"):
        oauth_of(settings_of(zoho, tmp_path)).tokens()


RUNS = """
import io, json, sys
from target_zoho.target import TargetZoho
config, lines, runs = json.loads(open(sys.argv[1]).read()), sys.stdin.read(), int(sys.argv[2])
print("ready", flush=True)
for _ in range(runs):
    assert TargetZoho(config=config, validate_config=True).run(io.StringIO(lines)) == 0
"""


@pytest.mark.slow
def test_fifty_runs_in_four_processes_at_once_never_reach_the_token_limit(
    settings: dict[str, t.Any], zoho: ZohoEmulator, tmp_path: Path
) -> None:
    Path(settings["token_file"]).unlink()  # as on a new machine
    before = asked(zoho)
    children = []
    for worker, runs in enumerate((13, 13, 12, 12)):
        config = tmp_path / f"config{worker}.json"
        config.write_text(json.dumps({**settings, "ledger_url": f"sqlite:///{tmp_path}/ledger{worker}.db"}), "utf-8")
        child = subprocess.Popen(
            [sys.executable, "-c", RUNS, str(config), str(runs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        child.stdin.write("".join(json.dumps(message) + "\n" for message in (schema("Accounts"), account(worker + 1))))
        child.stdin.close()
        child.stdin = None
        children.append(child)
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    zoho.control.expire_tokens()  # whenever that is, one of them gets another for all
    for child in children:
        _, problems = child.communicate(timeout=240)
        assert child.returncode == 0, problems
    seen = zoho.control.requests(limit=5000)
    assert sum(one["path"] == "/crm/v8/org" for one in seen) >= 50
    assert 1 <= asked(zoho) - before <= 2
    assert not [one for one in seen if one["status"] in {400, 429}]
    assert len(zoho.control.records("Accounts")) == 4
