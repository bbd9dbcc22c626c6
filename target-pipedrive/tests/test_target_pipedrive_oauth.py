from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from service_calls import kept_tokens
from service_calls.token_file import Kept, keep_tokens
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.errors import ConfigError, CredentialsError, ServiceUnavailableError
from target_pipedrive.adapter import PipedriveDestination
from target_pipedrive.connecting import connect, login
from target_pipedrive.oauth import App, PipedriveOAuth
from target_pipedrive_runs import organization, schema, state

if t.TYPE_CHECKING:
    from service_calls import Tokens
    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

ROW = [schema("organizations"), organization(1)]


@pytest.fixture
def by_oauth(runner: Runner, pipedrive: PipedriveEmulator, tmp_path: Path) -> Runner:
    del runner.settings["api_token"]
    runner.settings.update(
        client_id=pipedrive.oauth.client_id,
        client_secret=pipedrive.oauth.client_secret,
        refresh_token=pipedrive.oauth.refresh_token,
        oauth_url=pipedrive.url,
        token_file=str(tmp_path / "private" / "tokens.json"),
    )
    return runner


def app(settings: dict[str, t.Any]) -> App:
    names = ("client_id", "client_secret", "refresh_token")
    return App(*(settings[name] for name in names), Path(settings["token_file"]), settings["oauth_url"])


def kept(runner: Runner) -> Tokens:
    settings = runner.settings
    found = kept_tokens(Path(settings["token_file"]))[app(settings).origin].tokens
    assert found is not None
    return found


def refusal(token: str) -> requests.Response:
    """Return the answer to a request that had a token."""
    response = requests.Response()
    response.request = requests.Request("GET", "http://x", headers={"authorization": f"Bearer {token}"}).prepare()
    return response


def revoke(pipedrive: PipedriveEmulator, token: str) -> None:
    login_pair = (pipedrive.oauth.client_id, pipedrive.oauth.client_secret)
    answer = requests.post(f"{pipedrive.url}/oauth/revoke", data={"token": token}, auth=login_pair, timeout=5)
    assert answer.status_code == 200


def test_a_run_logs_in_by_oauth_and_keeps_its_tokens_to_itself(
    by_oauth: Runner, pipedrive: PipedriveEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    assert by_oauth.run(*ROW) == 0
    assert len(pipedrive.control.records("organizations")) == 1
    file = Path(by_oauth.settings["token_file"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir() if one.name.endswith(".json")] == [file.name]
    tokens, login = kept(by_oauth), app(by_oauth.settings)
    shown = repr([tokens, login, PipedriveOAuth(login)])
    for secret in (tokens.access_token, tokens.refresh_token, by_oauth.settings["client_secret"]):
        assert secret not in caplog.text
        assert secret not in shown


def test_tokens_that_are_still_good_are_used_again(by_oauth: Runner) -> None:
    by_oauth.run(*ROW)
    first = kept(by_oauth)
    by_oauth.run(*ROW)
    assert kept(by_oauth) == first


@pytest.mark.parametrize("tokens", ["kept", "rotated"])
def test_an_access_token_that_ends_in_the_middle_of_a_run_is_replaced(
    by_oauth: Runner, pipedrive: PipedriveEmulator, tokens: str
) -> None:
    pipedrive.control.switch(refresh_tokens=tokens)
    settings = {**by_oauth.settings, "request_timeout_seconds": 5}
    destination = PipedriveDestination(connect(settings), "JDE Number")
    organizations = destination.entity("organizations")
    for number in range(3):
        (result,) = organizations.write([Operation(Action.CREATE, str(number), {"name": "x"})])
        assert result.result is Result.WRITTEN
        pipedrive.control.set_clock(offset_seconds=4000 * (number + 1))
    destination.close()
    assert len(pipedrive.control.records("organizations")) == 3
    again = PipedriveDestination(connect(settings), "JDE Number")  # the next process, with the setting of old
    assert again.name.startswith("pipedrive:")
    again.close()


def test_a_token_is_renewed_before_it_ends(by_oauth: Runner) -> None:
    clock = [time.time()]
    oauth = PipedriveOAuth(app(by_oauth.settings), clock=lambda: clock[0])
    first = oauth.tokens()
    clock[0] += 3400
    assert oauth.tokens() == first
    clock[0] += 100
    assert oauth.tokens().access_token != first.access_token


def test_processes_and_threads_share_one_renewal(by_oauth: Runner, pipedrive: PipedriveEmulator) -> None:
    pipedrive.control.switch(refresh_tokens="rotated")
    sharing = [PipedriveOAuth(app(by_oauth.settings)) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: sharing[number % 4].tokens().access_token, range(32)))
    assert len(found) == 1
    (stale,) = found
    revoke(pipedrive, stale)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: sharing[number % 4].refused(refusal(stale)), range(32)))
    assert len({one.tokens().access_token for one in sharing} - found) == 1


def test_a_rotated_token_outlives_a_killed_run(by_oauth: Runner, pipedrive: PipedriveEmulator, tmp_path: Path) -> None:
    pipedrive.control.switch(refresh_tokens="rotated")
    pipedrive.control.fault(kind="slow", method="POST", path="organizations$", delay_ms=60_000, times=1)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(by_oauth.settings | {"request_timeout_seconds": 60}), "utf-8")
    command = [sys.executable, "-m", "target_pipedrive", "--config", str(config)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL, cwd=tmp_path)
    assert child.stdin is not None
    child.stdin.write("".join(json.dumps(message) + "\n" for message in [*ROW, state(1)]))
    child.stdin.close()
    deadline = time.monotonic() + 120
    while not Path(by_oauth.settings["token_file"]).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    pipedrive.control.clear_faults()
    pipedrive.control.set_clock(offset_seconds=4000)  # the access token of the killed run is of no use any more
    assert kept(by_oauth).refresh_token != by_oauth.settings["refresh_token"]
    assert by_oauth.run(*ROW) == 0
    assert len(pipedrive.control.records("organizations")) == 1


def test_a_revoked_app_is_one_clear_line(
    by_oauth: Runner, pipedrive: PipedriveEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    by_oauth.run(*ROW)
    revoke(pipedrive, by_oauth.settings["refresh_token"])
    assert by_oauth.run(schema("organizations"), organization(2)) == 1
    assert "authorise the app anew and set refresh_token" in caplog.text
    assert by_oauth.settings["refresh_token"] not in caplog.text
    assert len(pipedrive.control.records("organizations")) == 1


def test_an_unused_token_ends_after_sixty_days(by_oauth: Runner, pipedrive: PipedriveEmulator) -> None:
    pipedrive.control.set_clock(offset_seconds=59 * 86_400)
    PipedriveOAuth(app(by_oauth.settings), clock=lambda: time.time() + 59 * 86_400).tokens()
    pipedrive.control.set_clock(offset_seconds=118 * 86_400)
    PipedriveOAuth(app(by_oauth.settings), clock=lambda: time.time() + 118 * 86_400).tokens()
    pipedrive.control.set_clock(offset_seconds=179 * 86_400)
    with pytest.raises(CredentialsError, match="unused for 60 days"):
        PipedriveOAuth(app(by_oauth.settings), clock=lambda: time.time() + 179 * 86_400).tokens()


def test_a_new_refresh_token_in_the_settings_outranks_the_file(by_oauth: Runner) -> None:
    by_oauth.run(*ROW)
    file = Path(by_oauth.settings["token_file"])
    first = kept(by_oauth)
    other = by_oauth.settings | {"refresh_token": "another"}
    keep_tokens(file, app(other).origin, Kept(replace(first, access_token="x")), now=time.time())
    assert by_oauth.run(*ROW) == 0
    assert kept(by_oauth) == first
    file.write_text("{", "utf-8")
    assert by_oauth.run(*ROW) == 0


def test_a_wrong_secret_names_the_settings(by_oauth: Runner) -> None:
    wrong = {**by_oauth.settings, "client_secret": "nonsense"}
    with pytest.raises(CredentialsError, match="check client_id and client_secret"):
        PipedriveOAuth(app(wrong)).tokens()


def test_a_token_endpoint_that_is_down_is_asked_a_few_times(by_oauth: Runner) -> None:
    waits: list[float] = []
    down = {**by_oauth.settings, "oauth_url": "http://127.0.0.1:9"}
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        PipedriveOAuth(app(down), sleep=waits.append).tokens()
    assert len(waits) == 3


def test_a_token_file_that_cannot_be_written_names_the_setting(by_oauth: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigError, match="setting token_file"):
        PipedriveOAuth(app({**by_oauth.settings, "token_file": tmp_path / "file" / "tokens.json"})).tokens()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "set api_token, or client_id"),
        ({"api_token": "x", "client_id": "y"}, "two ways to log in"),
        ({"client_id": "y", "refresh_token": "z"}, "setting client_secret is missing"),
        (
            {"client_id": "y", "client_secret": "s", "refresh_token": "z", "token_file": "f", "oauth_url": "x.example"},
            "setting oauth_url",
        ),
    ],
)
def test_half_a_login_is_refused(settings: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        login(settings)


def test_the_address_comes_with_the_token(by_oauth: Runner) -> None:
    settings = {name: value for name, value in by_oauth.settings.items() if name != "api_url"}
    client = connect(settings)
    assert client._hosts.v2 == "https://emulator-sandbox.pipedrive.com/api/v2"
    client.close()
