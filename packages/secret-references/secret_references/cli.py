"""The command `secret-references` (`script/secrets` in a checkout): the age-encrypted file of secrets."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import TYPE_CHECKING

from secret_references.age import IDENTITY_VARIABLE, SecretFile, create_identity, parse_secrets
from secret_references.editing import edit, private_file
from secret_references.errors import SecretError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_NAMES = "# One `name: secret` a line; special characters go in 'single quotes'.\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what goes wrong is one line and exit code 1."""
    given = _parser().parse_args(arguments)
    try:
        given.run(SecretFile(given.file, os.environ), given)
    except SecretError as error:
        sys.exit(f"Error: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("Stopped; nothing was changed.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="secret-references",
        description="Keeps secrets in an age-encrypted file, for settings like age:secrets.age#NAME.",
        epilog=f"The identity that opens it: {IDENTITY_VARIABLE}, else ~/.config/secret-references/identity.txt.",
    )
    parser.add_argument("--file", default="secrets.age", help="the encrypted file (default secrets.age)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, about in _COMMANDS:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        if name in {"set", "remove", "show"}:
            command.add_argument("name", metavar="NAME", help="name of the secret")
        if name == "show":
            command.add_argument("--reveal", action="store_true", help="really print it")
    return parser


def _init(file: SecretFile, _given: argparse.Namespace) -> None:
    if not file.identity.exists():
        public = create_identity(file.identity)
        _say(f"Made the identity {file.identity} with the public key {public}. Keep a copy in a safe place: without it")
        _say("nothing it encrypts can be opened again. Never put it beside the encrypted file.")
    if file.path.exists():
        file.read()
        _say(f"{file.path} is there already.")
        return
    file.write_text(_NAMES)
    _say(f"Made {file.path}. Next: secret-references set NAME, then age:{file.path}#NAME as a setting.")


def _list(file: SecretFile, _given: argparse.Namespace) -> None:
    for name in file.read():
        print(name)  # noqa: T201 - what the command is for


def _set(file: SecretFile, given: argparse.Namespace) -> None:
    if "#" in given.name or not given.name.strip() or not given.name.isprintable():
        raise SecretError("a name is printable text without #, which stands before it in references")
    secrets = file.read()  # before anyone has typed a secret in vain
    if sys.stdin.isatty():
        value = getpass.getpass(f"Secret {given.name} (it is not shown): ")
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise SecretError(f"no value was given for {given.name}; nothing was changed")
    file.write({**secrets, given.name: value})
    _say(f"{given.name} is set; as a setting: age:{file.path}#{given.name}")


def _remove(file: SecretFile, given: argparse.Namespace) -> None:
    secrets = file.read()
    if secrets.pop(given.name, None) is None:
        raise SecretError(f"{file.path} holds no secret {given.name}")
    file.write(secrets)
    _say(f"{given.name} is removed.")


def _edit(file: SecretFile, _given: argparse.Namespace) -> None:
    before = file.read_text()
    with private_file(before) as private:
        while True:
            edit(private, os.environ)
            after = _edited(private)
            try:
                secrets = parse_secrets(after)
                break
            except SecretError as error:
                if not sys.stdin.isatty():
                    raise SecretError(f"{error}; nothing was changed") from None
                _say(f"Error: {error}")
                if input("Edit again? [Y/n] ").strip().lower() in {"n", "no"}:
                    raise SecretError("nothing was changed") from None
    if after == before:
        _say("Nothing was changed.")
        return
    file.write_text(after)  # as it was written, comments too
    _say(f"{file.path} holds {len(secrets)} secrets.")


def _edited(private: Path) -> str:
    try:
        return private.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise SecretError("the editor left no UTF-8 text; nothing was changed") from None


def _show(file: SecretFile, given: argparse.Namespace) -> None:
    if not given.reveal:
        raise SecretError(f"this would print the secret {given.name}; add --reveal if nobody looks on")
    secrets = file.read()
    if given.name not in secrets:
        raise SecretError(f"{file.path} holds no secret {given.name}")
    print(secrets[given.name])  # noqa: T201 - what the command is for


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - what the command is for


_COMMANDS: tuple[tuple[str, Callable[[SecretFile, argparse.Namespace], None], str], ...] = (
    ("init", _init, "make the identity, where there is none, and an empty file"),
    ("set", _set, "set a secret, asked for or read from standard input"),
    ("list", _list, "print the names of the secrets"),
    ("edit", _edit, "edit all secrets in $EDITOR"),
    ("remove", _remove, "remove a secret"),
    ("show", _show, "print one secret, with --reveal only"),
)
