"""Secret settings may be references."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tap_jdedwards.settings import SettingsError
from tap_jdedwards.tap import TapJDEdwards


def test_a_password_from_a_file(read, tmp_path):
    (tmp_path / "secret").write_text(read.jde.password + "\n")
    output = read(tables=["F03012"], password=f"file:{tmp_path}/secret")
    assert output.records["F03012"]


def settings_of(read, **changes):
    """Settings as the tap understands them; nothing is sent."""
    return TapJDEdwards(config=read.config(**changes), setup_mapper=False).settings.ais


def test_a_proxy_with_its_password_from_the_environment(read, monkeypatch):
    monkeypatch.setenv("THE_PROXY", "http://me:open-sesame-4711@proxy.example.com:3128")
    proxy = "http://me:open-sesame-4711@proxy.example.com:3128"
    assert settings_of(read, proxy_url="env:THE_PROXY").proxy_url == proxy


def test_a_password_that_begins_like_a_reference(read):
    assert settings_of(read, password="plain:file:of-mine").password == "file:of-mine"


def test_settings_that_are_not_secret_are_never_references(read, monkeypatch):
    monkeypatch.setenv("THE_ROLE", "*ALL")
    assert settings_of(read, role="env:THE_ROLE").role == "env:THE_ROLE"


def test_a_reference_that_leads_nowhere(read):
    with pytest.raises(SettingsError, match=r"setting password: env:NO_SUCH_PASSWORD: .* is not set; set it"):
        read.tap(password="env:NO_SUCH_PASSWORD")


@pytest.mark.parametrize("command", [["--config=ENV"], ["--config=ENV", "--discover"], ["doctor"]])
def test_it_is_said_in_one_line(read, command):
    environment = {
        **os.environ,
        "TAP_JDEDWARDS_AIS_URL": read.jde.url,
        "TAP_JDEDWARDS_USERNAME": read.jde.username,
        "TAP_JDEDWARDS_PASSWORD": "file:/nowhere/password",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tap_jdedwards", *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    said = [line for line in (done.stdout + done.stderr).splitlines() if "setting password" in line]
    assert len(said) == 1
    assert "file:/nowhere/password: the file cannot be read: No such file" in said[0]
