"""The watch over all tests finds a secret wherever one is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from secret_leaks import Secrets

PLUGINS = Path(__file__).parent / "plugins"
LEAKING = """
import contextlib, io, json, logging, sqlite3, subprocess, sys
from urllib.parse import quote

import click, pytest, secret_leaks
from click.testing import CliRunner
from jde_ais import AisClient, AisSettings
from service_emulators.testing import start_jde, start_pipedrive
from target_pipedrive.target import TargetPipedrive


@pytest.fixture(scope="session")
def jde():
    with start_jde() as emulator:
        yield emulator


@pytest.fixture
def token(jde):
    jde.emulator.sessions.expire_all()
    client = AisClient(AisSettings(jde.url, jde.username, jde.password))
    client.user
    (found,) = jde.emulator.sessions._live
    yield found
    client.close()


def test_leak_printed(token):
    print("token", token)


def test_leak_of_an_error(jde):
    print(jde.password, file=sys.stderr)


def test_leak_logged(token):
    logging.getLogger("some").warning("url ?token=%s", quote(token, safe=""))


def test_leak_taken_from_capsys(token, capsys):
    print(token)
    capsys.readouterr()


def test_leak_of_a_process():
    with start_pipedrive(seed=77) as pipedrive:
        subprocess.run([sys.executable, "-c", f"print('{pipedrive.api_token}')"], capture_output=True, check=True)


def test_leak_redirected(token):
    with contextlib.redirect_stdout(io.StringIO()):
        print(json.dumps({"token": token}))


def test_leak_of_a_command(token):
    CliRunner().invoke(click.Command("say", callback=lambda: click.echo(token)))


def test_leak_in_state(token, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "state.json").write_text(json.dumps({"bookmarks": token}))


def test_leak_in_a_ledger(token, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("CREATE TABLE runs (error TEXT)")
        connection.execute("INSERT INTO runs VALUES (?)", [f"refused: {token}"])


def test_leak_of_a_setting():
    TargetPipedrive(config={"api_token": "typed-by-a-user-1"})
    print("typed-by-a-user-1")


def test_leak_of_a_referenced_setting(tmp_path):
    (tmp_path / "secret").write_text("kept-in-a-file-1")
    TargetPipedrive(config={"api_token": f"file:{tmp_path}/secret"})
    print("kept-in-a-file-1")


def test_leak_of_a_ledger_password():
    TargetPipedrive(config={"api_token": "x", "ledger_url": "postgresql://me:of-the-ledger-1@host/db"})
    print("of-the-ledger-1")


def test_leak_told_by_a_helper(token):
    secret_leaks.look(json.dumps({"bookmarks": token}), "what the tap wrote")


def test_clean(token, jde, tmp_path, capsys):
    (tmp_path / "config.json").write_text(json.dumps({"password": jde.password, "token": token}))
    (tmp_path / "ledger.db").write_text(token[:-1])
    print("token", token[:8], jde.username)
    capsys.readouterr()


@pytest.mark.shows_secrets("a test of this test")
def test_marked(token, tmp_path):
    print(token)
    (tmp_path / "state.json").write_text(token)
"""


@pytest.mark.slow  # starts pytest with a worker
def test_every_leak_fails_its_test_and_nothing_else_does(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")]))
    pytester.makepyfile(LEAKING)
    result = pytester.runpytest_subprocess("-p", "secret_leaks", "-n", "1", "--tb=line", "--show-capture=no", "-rE")
    leaking = LEAKING.count("def test_leak_")
    result.assert_outcomes(passed=leaking + 2, errors=leaking)
    found = {line.split("::")[1].split()[0] for line in result.outlines if line.startswith("ERROR ")}
    assert len(found) == leaking
    assert all(name.startswith("test_leak_") for name in found)
    said = "\n".join(result.outlines)
    for told in (
        "test_leak_printed shows secrets: the AIS token in captured stdout call",
        "test_leak_of_an_error shows secrets: the password of the JDE user in captured stderr call",
        "in captured log call",
        "test_leak_in_state shows secrets: the AIS token in the file deep/state.json",
        "the AIS token in the file ledger.db",
        "test_leak_of_a_referenced_setting shows secrets: the setting api_token in captured stdout call",
    ):
        assert told in said


def test_a_secret_is_found_in_every_form() -> None:
    secrets = Secrets()
    secrets.add('p4ss "w+rd/', "password")
    for seen in ('p4ss "w+rd/', "p4ss%20%22w%2Brd%2F", "p4ss+%22w%2Brd%2F", 'p4ss \\"w+rd/'):
        assert set(secrets.find(b"before " + seen.encode() + b" after")) == {"password"}
    assert not list(secrets.find(b'p4ss "w+rd'))


def test_words_are_no_secrets() -> None:
    secrets = Secrets()
    for value in ("password", "wrong", "x-1", None, 12345678):
        secrets.add(value, "setting")
    assert not list(secrets.find(b"wrong password x-1 None 12345678"))
