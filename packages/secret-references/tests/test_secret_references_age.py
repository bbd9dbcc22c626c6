"""The encrypted file, and the command that keeps it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secret_references import Resolver, SecretError
from secret_references.age import SecretFile, create_identity, identity_path, parse_secrets
from secret_references.cli import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own, which is the working directory too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AGE_IDENTITY_FILE", "XDG_CONFIG_HOME", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    """Run a command with something on standard input."""

    def run(*arguments: str, stdin: str = "") -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        main(arguments)

    return run


def editor(home: Path, code: str) -> str:
    """Return an editor that changes the text of its file, `text`, as the code says."""
    program = home / "editor.py"
    program.write_text(
        "import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
        f"{code}\npath.write_text(text)\n"
    )
    return f"{sys.executable} {program}"


def test_a_secret_from_the_command_to_the_setting(home: Path, typed: t.Callable[..., None], capsys: t.Any) -> None:
    typed("init")
    typed("set", "pipedrive_token", stdin="s3cret-of-mine\n")
    typed("set", "jde", stdin="0123\n")
    typed("list")
    out, err = capsys.readouterr()
    assert out.split() == ["pipedrive_token", "jde"]
    assert "age:secrets.age#pipedrive_token" in err
    assert "s3cret-of-mine" not in out + err
    assert "AGE-SECRET-KEY" not in out + err
    assert b"s3cret-of-mine" not in Path("secrets.age").read_bytes()
    assert Resolver()("age:secrets.age#pipedrive_token") == "s3cret-of-mine"
    assert Resolver()("age:secrets.age#jde") == "0123"


def test_files_are_readable_for_the_user_only(home: Path, typed: t.Callable[..., None]) -> None:
    before = os.umask(0)
    try:
        typed("init")
    finally:
        os.umask(before)
    identity = home / ".config" / "secret-references" / "identity.txt"
    assert identity.stat().st_mode & 0o777 == 0o600
    assert identity.parent.stat().st_mode & 0o777 == 0o700
    assert (home / "secrets.age").stat().st_mode & 0o777 == 0o600


def test_init_replaces_nothing(home: Path, typed: t.Callable[..., None]) -> None:
    typed("init")
    typed("set", "a", stdin="b")
    identity = identity_path(os.environ).read_text()
    typed("init")
    assert identity_path(os.environ).read_text() == identity
    assert Resolver()("age:secrets.age#a") == "b"
    with pytest.raises(SecretError, match="an identity is never replaced"):
        create_identity(identity_path(os.environ))


def test_where_the_identity_is() -> None:
    assert identity_path({"HOME": "/h"}) == Path("/h/.config/secret-references/identity.txt")
    assert identity_path({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == Path("/c/secret-references/identity.txt")
    assert identity_path({"AGE_IDENTITY_FILE": "/k", "XDG_CONFIG_HOME": "/c"}) == Path("/k")


def test_an_identity_made_by_age_keygen_and_a_file_encrypted_by_age(home: Path, monkeypatch: t.Any) -> None:
    key = pyrage.x25519.Identity.generate()
    (home / "key").write_text(f"# created: 2026-11-25\n# public key: {key.to_public()}\n{key}\n")
    monkeypatch.setenv("AGE_IDENTITY_FILE", str(home / "key"))
    Path("j.age").write_bytes(pyrage.encrypt(json.dumps({"a": "c d"}).encode(), [key.to_public()]))
    assert Resolver()("age:j.age#a") == "c d"


def test_an_encrypted_file_is_opened_once(home: Path, typed: t.Callable[..., None]) -> None:
    typed("init")
    typed("set", "a", stdin="1")
    typed("set", "b", stdin="2")
    find = Resolver()
    assert find("age:secrets.age#a") == "1"
    Path("secrets.age").unlink()
    assert find("age:secrets.age#b") == "2"


def test_what_is_wrong_with_the_file_or_the_identity_is_named(
    home: Path, typed: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(text: str) -> None:
        with pytest.raises(SecretError, match=text) as caught:
            Resolver()("age:secrets.age#a")
        assert str(caught.value).startswith("age:secrets.age#a: ")
        assert caught.value.__cause__ is None

    says("identity .* cannot be read: No such file.*init.*AGE_IDENTITY_FILE")
    create_identity(identity_path(os.environ))
    says("secrets.age cannot be read: No such file.*counts from.*init")
    typed("init")
    says("secrets.age holds no secret a; `secret-references list` tells the names")
    Path("secrets.age").write_bytes(b"no age file")
    says("cannot be opened with the identity .*damaged or was encrypted for another")
    other = pyrage.x25519.Identity.generate().to_public()
    Path("secrets.age").write_bytes(pyrage.encrypt(b"a: b", [other]))
    says("cannot be opened with the identity")
    (home / "key").write_text("AGE-SECRET-KEY-1NONSENSE")
    monkeypatch.setenv("AGE_IDENTITY_FILE", str(home / "key"))
    says("key is no age identity")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 'hunter2", "no valid YAML at line"),
        ("- hunter2", "mapping of names"),
        ("hunter2", "mapping of names"),
        ("a: {b: hunter2}", "the secret a is no text"),
        ("a: !!python/object:os.system hunter2\nb: [hunter2]", "the secret b is no text"),
        ("a: hunter2\0", "characters that YAML does not take"),
    ],
)
def test_what_is_no_file_of_secrets_is_told_without_its_content(text: str, says: str) -> None:
    with pytest.raises(SecretError, match=says) as caught:
        parse_secrets(text)
    assert "hunter2" not in str(caught.value)


def test_values_are_the_texts_that_stand_there() -> None:
    assert parse_secrets("a: 0123\nb: no\nc: 1e5\nd: '#x: y'\ne: ''") == {
        "a": "0123",
        "b": "no",
        "c": "1e5",
        "d": "#x: y",
        "e": "",
    }
    assert parse_secrets('{"a": "b", "c": "d"}') == {"a": "b", "c": "d"}
    assert parse_secrets("# nothing\n") == {}


_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters="\ufeff\u2028\u2029\x85")
)


@given(st.dictionaries(_TEXTS.filter(bool), _TEXTS, max_size=4))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    environment = {"AGE_IDENTITY_FILE": str(folder / "identity-of-this-test")}
    if not identity_path(environment).exists():
        create_identity(identity_path(environment))
    file = SecretFile(str(folder / "written.age"), environment)
    file.write(secrets)
    assert file.read() == secrets


def test_editing(home: Path, typed: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    typed("init")
    monkeypatch.setenv("EDITOR", editor(home, "text += 'a: b  # of mine\\n'; open('seen', 'w').write(str(path))"))
    typed("edit")
    assert SecretFile("secrets.age", os.environ).read_text().endswith("a: b  # of mine\n")
    seen = Path(Path("seen").read_text())
    assert not seen.exists()
    assert not seen.parent.exists()


def test_a_private_file_is_private(home: Path, typed: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    typed("init")
    code = "open('modes', 'w').write(f'{path.stat().st_mode & 0o777:o} {path.parent.stat().st_mode & 0o777:o}')"
    monkeypatch.setenv("EDITOR", editor(home, code))
    typed("edit")
    assert Path("modes").read_text() == "600 700"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("text = 'a: [hunter2]'", "the secret a is no text; put it in quotes; nothing was changed"),
        ("path.write_bytes(b'\\xff'); sys.exit(0)", "left no UTF-8 text; nothing was changed"),
        ("path.unlink(); sys.exit(0)", "left no UTF-8 text; nothing was changed"),
        ("sys.exit(3)", "ended with exit code 3; nothing was changed"),
    ],
)
def test_an_edit_that_went_wrong_changes_nothing(
    home: Path, typed: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch, code: str, says: str
) -> None:
    typed("init")
    typed("set", "a", stdin="b")
    before = Path("secrets.age").read_bytes()
    monkeypatch.setenv("EDITOR", editor(home, code))
    with pytest.raises(SystemExit, match=says):
        typed("edit")
    assert Path("secrets.age").read_bytes() == before


def test_an_editor_that_is_not_there(home: Path, typed: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    typed("init")
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    with pytest.raises(SystemExit, match="cannot be started; name one in EDITOR"):
        typed("edit")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_edit_that_is_ended_leaves_no_file_behind(home: Path, typed: t.Callable[..., None]) -> None:
    typed("init")
    code = "open('seen.new', 'w').write(str(path)); import os, time; os.rename('seen.new', 'seen'); time.sleep(2)"
    environment = {**os.environ, "EDITOR": editor(home, code)}
    command = [sys.executable, "-c", "from secret_references.cli import main; main()", "edit"]
    with subprocess.Popen(command, env=environment) as process:
        patience = time.monotonic() + 20
        while not Path("seen").exists():
            assert time.monotonic() < patience
            time.sleep(0.02)
        private = Path(Path("seen").read_text())
        assert private.exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert not private.parent.exists()


def test_show_prints_with_reveal_only(home: Path, typed: t.Callable[..., None], capsys: t.Any) -> None:
    typed("init")
    typed("set", "a", stdin="hunter2")
    with pytest.raises(SystemExit, match="add --reveal"):
        typed("show", "a")
    assert "hunter2" not in "".join(capsys.readouterr())
    typed("show", "a", "--reveal")
    assert capsys.readouterr().out == "hunter2\n"


def test_removing(home: Path, typed: t.Callable[..., None], capsys: t.Any) -> None:
    typed("init")
    typed("set", "a", stdin="b")
    typed("remove", "a")
    capsys.readouterr()
    typed("list")
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit, match=r"Error: secrets.age holds no secret a"):
        typed("remove", "a")


def test_an_empty_secret_is_refused(home: Path, typed: t.Callable[..., None]) -> None:
    typed("init")
    with pytest.raises(SystemExit, match="no value was given for a; nothing was changed"):
        typed("set", "a", stdin="\n")


def test_setting_without_a_file_says_what_to_do(home: Path, typed: t.Callable[..., None]) -> None:
    with pytest.raises(SystemExit, match=r"Error: the identity .*secret-references init"):
        typed("set", "a", stdin="b")


def test_another_file(home: Path, typed: t.Callable[..., None]) -> None:
    typed("--file", "deep/er.age", "init")
    typed("--file", "deep/er.age", "set", "a", stdin="b")
    assert Resolver()("age:deep/er.age#a") == "b"


@pytest.mark.parametrize("name", ["a#b", "", " ", "a\nb"])
def test_a_name_that_no_reference_can_hold_is_refused(home: Path, typed: t.Callable[..., None], name: str) -> None:
    typed("init")
    with pytest.raises(SystemExit, match="Error: a name is printable text without #"):
        typed("set", name, stdin="b")


@pytest.mark.parametrize("text", ["file:~no-such-user/secret", "age:~no-such-user/secrets.age#a"])
def test_a_home_folder_that_is_not_there(home: Path, text: str) -> None:
    with pytest.raises(SecretError, match="there is no home folder for ~; give the whole path"):
        Resolver()(text)
