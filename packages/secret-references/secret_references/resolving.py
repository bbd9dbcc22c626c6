"""From a reference to the value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from secret_references.errors import SecretError
from secret_references.paths import expanded
from secret_references.reference import PLAIN, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secret_references.reference import Reference

_MOST_BYTES = 1_048_576
"""No secret is larger: what is was meant for something else, or never ends (`/dev/zero`)."""


class Resolver:
    """Finds the values of references; an encrypted file is opened once, however many secrets come from it.

    Args:
        environment: Variables to look in; those of this process when absent.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._opened: dict[str, Mapping[str, str]] = {}

    def __call__(self, text: str) -> str:
        """Return the value of a setting: a plain one as it is, one behind `plain:` without that, else what is there.

        Raises:
            SecretError: Naming the reference and what to do.
        """
        if text.startswith(PLAIN):
            return text.removeprefix(PLAIN)
        reference = parse(text)
        if reference is None:
            return text
        try:
            value = self._value(reference)
        except SecretError as error:
            raise SecretError(f"{text}: {error}") from None
        if not value:
            raise SecretError(f"{text}: what is there is empty; put the secret there")
        return value

    def _value(self, reference: Reference) -> str:
        if reference.kind == "env":
            return self._of_environment(reference.place)
        if reference.kind == "file":
            return of_file(reference.place)
        if reference.kind == "keyring":
            return _of_keyring(reference.place, reference.name)
        return self._of_age(reference.place, reference.name)

    def _of_environment(self, variable: str) -> str:
        value = self._environment.get(variable)
        if value is None:
            raise SecretError(
                f"the environment variable {variable} is not set; set it, or write {PLAIN} before a value that just "
                "begins like a reference"
            )
        return value

    def _of_age(self, file: str, name: str) -> str:
        if file not in self._opened:
            from secret_references.age import SecretFile  # noqa: PLC0415 - needs an extra that few have

            self._opened[file] = SecretFile(file, self._environment).read()
        try:
            return self._opened[file][name]
        except KeyError:
            raise SecretError(f"{file} holds no secret {name}; `secret-references list` tells the names") from None


def of_file(path: str) -> str:
    """Return the text of a file without the line end at its end, which editors add.

    Raises:
        SecretError: It cannot be read.
    """
    try:
        with expanded(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise SecretError("the file is too large for a secret")
        return content.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise SecretError(
            f"the file cannot be read: {error.strerror}; a relative path counts from {Path.cwd()}"
        ) from None
    except ValueError:  # bytes that are no text, or a NUL in the path
        raise SecretError("the file holds no UTF-8 text, or its path is none") from None


def _of_keyring(service: str, name: str) -> str:
    try:
        import keyring  # noqa: PLC0415 - an extra; it also looks for the system's services while it is imported
        from keyring.errors import KeyringError  # noqa: PLC0415 - likewise
    except ImportError:
        raise SecretError("the package keyring is missing; install secret-references[keyring]") from None
    try:
        value = keyring.get_password(service, name)
    except KeyringError as error:
        said = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise SecretError(f"the system's keyring cannot be read ({said})") from None
    if value is None:
        raise SecretError(f"the keyring holds no such secret; put it there with `keyring set {service} {name}`")
    return value
