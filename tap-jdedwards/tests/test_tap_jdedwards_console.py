"""The command line as a new user meets it: useful output, right exit codes, errors in one line."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

TAP = Path(sysconfig.get_path("scripts")) / "tap-jdedwards"


def call(*arguments, **environment):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TAP_JDEDWARDS_")}
    return subprocess.run(
        [TAP, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**plain, "PYTHONWARNINGS": "ignore", **environment},
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        ("{", "holds no valid JSON"),
        ("[1]", "must hold a JSON object"),
        ("\ufeff{}", "holds no valid JSON"),
    ],
)
@pytest.mark.parametrize("argument", ["--discover", "--test", None])
def test_a_configuration_file_that_is_none_is_one_line(tmp_path, content, words, argument):
    file = tmp_path / "config.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    done = call("--config", str(file), *([argument] if argument else []))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert str(file) in line
    assert words in line


@pytest.mark.parametrize("secret", ["password", "jwt"])
def test_a_secret_of_the_wrong_type_is_not_repeated(tmp_path, secret):
    file = tmp_path / "config.json"
    file.write_text(f'{{"ais_url": "http://127.0.0.1:9", "username": "U", "{secret}": 4711471147}}')
    done = call("--config", str(file))
    assert done.returncode == 1
    assert f"the {secret} must be text" in done.stderr
    assert "4711471147" not in done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--state", "--catalog"])
@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read: No such file"), ("{", "holds no valid JSON")])
def test_a_state_or_catalog_that_is_none_is_one_line_that_names_it(tmp_path, option, content, words):
    (tmp_path / "config.json").write_text('{"ais_url": "http://127.0.0.1:9", "username": "U", "password": "P"}')
    if content is not None:
        (tmp_path / "file.json").write_text(content)
    done = call("--config", str(tmp_path / "config.json"), option, str(tmp_path / "file.json"))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{option} {tmp_path / 'file.json'} {words}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_misspelt_settings_and_variables_are_warned_of(tmp_path):
    (tmp_path / "config.json").write_text('{"ais_url": "http://127.0.0.1:9", "page_sizes": 5}')
    variables = {"TAP_JDEDWARDS_TABELS": "[]", "TAP_JDEDWARDS__CATALOG": "x"}
    done = call("--config", str(tmp_path / "config.json"), "--config=ENV", **variables)
    assert done.returncode == 1
    assert "There is no setting page_sizes, it is ignored; did you mean page_size?" in done.stderr
    assert "TAP_JDEDWARDS_TABELS is no setting, it is ignored; did you mean TAP_JDEDWARDS_TABLES?" in done.stderr
    assert "CATALOG" not in done.stderr


def test_the_first_call_without_settings_says_what_to_give():
    done = call("--config=ENV")
    assert done.returncode == 1
    assert "ais_url is missing; give TAP_JDEDWARDS_AIS_URL in the environment" in done.stderr
