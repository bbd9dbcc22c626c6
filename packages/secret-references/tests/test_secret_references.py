"""From references to values."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring
from secret_references import Resolver, SecretError, resolved, without_secrets

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = ("env", "file", "keyring", "age")
SCHEMA = {
    "properties": {
        "password": {"type": ["string", "null"], "secret": True, "writeOnly": True},
        "token": {"type": ["string"], "writeOnly": True},
        "name": {"type": ["string"]},
    }
}


@given(st.text())
def test_a_value_that_does_not_begin_like_a_reference_is_itself(text: str) -> None:
    if text.partition(":")[0] not in {*KINDS, "plain"}:
        assert Resolver({})(text) == text


@given(st.text(), st.sampled_from(["", *(f"{kind}:" for kind in (*KINDS, "plain"))]))
def test_any_value_can_be_given_behind_plain(text: str, beginning: str) -> None:
    assert Resolver({})(f"plain:{beginning}{text}") == beginning + text


@pytest.mark.parametrize("text", ["ENV:X", "env", "postgresql://env:file@host/db", "sqlite:///file:x.db", " env:X", ""])
def test_only_the_four_words_at_the_beginning_make_a_reference(text: str) -> None:
    assert Resolver({"X": "value"})(text) == text


def test_a_variable() -> None:
    assert Resolver({"TOKEN": " env:OTHER "})("env:TOKEN") == " env:OTHER "


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "abc")
    assert Resolver()("env:SOME_TOKEN") == "abc"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"abc", "abc"),
        (b"abc\n", "abc"),
        (b"abc\r\n", "abc"),
        (b" abc \n\n", " abc \n"),
        ("Zürich".encode(), "Zürich"),
    ],
)
def test_a_file(tmp_path: Path, content: bytes, value: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert Resolver({})(f"file:{tmp_path}/secret") == value


def test_a_file_of_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("abc")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Resolver()("file:~/secret") == "abc"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("env:NOT_THERE", "env:NOT_THERE: the environment variable NOT_THERE is not set; set it"),
        ("env:EMPTY", "env:EMPTY: what is there is empty"),
        ("file:/nowhere/at/all", "file:/nowhere/at/all: the file cannot be read: No such file"),
        ("file:/dev/zero", "too large"),
        ("file:a\0b", "UTF-8"),
    ],
)
def test_what_cannot_be_had_is_named_with_the_remedy(text: str, says: str) -> None:
    with pytest.raises(SecretError, match=says) as caught:
        Resolver({"EMPTY": ""})(text)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="no UTF-8 text"):
        Resolver({})(f"file:{tmp_path}/secret")


@pytest.mark.parametrize(
    "text", ["env:hunter-2!", "env:", "file:", "file:  ", "keyring:hunter2", "keyring:/x", "age:hunter2", "age:x#"]
)
def test_a_value_that_only_begins_like_a_reference_is_not_repeated(text: str) -> None:
    with pytest.raises(SecretError, match="written with plain: before it") as caught:
        Resolver({})(text)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "module", "extra"), [("keyring:s/n", "keyring", "keyring"), ("age:f#n", "pyrage", "age")]
)
def test_a_missing_package_is_named_by_its_extra(
    text: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SecretError, match=rf"install secret-references\[{extra}\]"):
        Resolver({})(text)


def test_neither_extra_is_imported_for_plain_values() -> None:
    code = (
        "import sys, secret_references as s; s.Resolver({'A': 'b'})('env:A');"
        "sys.exit(bool({'keyring', 'pyrage', 'yaml'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- keyring -----------------------------------------------------------------------------------------------------


@pytest.fixture
def keyring_of() -> Iterator[dict[tuple[str, str], str]]:
    """A keyring of this test's own, as a backend of the library."""
    held: dict[tuple[str, str], str] = {}

    class Held(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            held[service, username] = password

    before = keyring.get_keyring()
    keyring.set_keyring(Held())
    yield held
    keyring.set_keyring(before)


def test_a_keyring(keyring_of: dict[tuple[str, str], str]) -> None:
    keyring_of["https://acme.pipedrive.com", "me@acme.example"] = "abc"
    assert Resolver({})("keyring:https://acme.pipedrive.com/me@acme.example") == "abc"


def test_a_keyring_without_the_secret(keyring_of: dict[tuple[str, str], str]) -> None:
    with pytest.raises(
        SecretError, match=r"keyring:jde/user: the keyring holds no such secret; .*keyring set jde user"
    ):
        Resolver({})("keyring:jde/user")


def test_a_machine_without_a_keyring() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(
            SecretError, match=r"keyring:jde/user: the system's keyring cannot be read \(.+\)"
        ) as caught:
            Resolver({})("keyring:jde/user")
    finally:
        keyring.set_keyring(before)
    assert "\n" not in str(caught.value)


# -- settings ----------------------------------------------------------------------------------------------------


def test_secret_settings_are_resolved_and_no_others() -> None:
    given = {"password": "env:A", "token": "plain:env:A", "name": "env:A"}
    found = resolved(given, SCHEMA, Resolver({"A": "value"}))
    assert found == {"password": "value", "token": "env:A", "name": "env:A"}
    assert given["password"] == "env:A"


def test_settings_that_are_missing_or_no_text_are_left_to_the_check() -> None:
    assert resolved({"password": None, "token": 5}, SCHEMA) == {"password": None, "token": 5}


def test_an_error_names_the_setting() -> None:
    with pytest.raises(SecretError, match="setting token: env:B: the environment variable B is not set") as caught:
        resolved({"password": "env:A", "token": "env:B"}, SCHEMA, Resolver({"A": "hunter2"}))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_a_check_says_is_masked() -> None:
    assert without_secrets("'hunter2' is too short", {"password": "hunter2"}, SCHEMA) == "*** is too short"
    assert without_secrets("'hunter2' is too short", {"name": "hunter2"}, SCHEMA) == "'hunter2' is too short"
