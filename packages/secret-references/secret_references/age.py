"""An age-encrypted file of named secrets (https://age-encryption.org), and the identity that opens it.

Inside is YAML, of which JSON is a part: one mapping of names to texts. Every value is read as the text that stands
there, so that `0123`, `no` and `1e5` stay what they are.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from secret_references.errors import SecretError
from secret_references.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrage import x25519

IDENTITY_VARIABLE = "AGE_IDENTITY_FILE"
_NEEDED = "the packages of age are missing; install secret-references[age]"


def identity_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the identity file: `AGE_IDENTITY_FILE`, else `secret-references/identity.txt` of the user."""
    named = environment.get(IDENTITY_VARIABLE)
    if named:
        return expanded(named)
    configuration = environment.get("XDG_CONFIG_HOME")
    home = Path(configuration) if configuration else Path(environment.get("HOME") or Path.home()) / ".config"
    return home / "secret-references" / "identity.txt"


def create_identity(path: Path) -> str:
    """Make a new identity that only this user may read, and return its public key.

    Raises:
        SecretError: There is one already, or it cannot be written.
    """
    try:
        from pyrage import x25519  # noqa: PLC0415 - an extra
    except ImportError:
        raise SecretError(_NEEDED) from None
    identity = x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"# public key: {public}\n{identity}\n")
    except FileExistsError:
        raise SecretError(f"{path} exists; an identity is never replaced, since files need it to be opened") from None
    except OSError as error:
        raise SecretError(f"the identity {path} cannot be written: {error.strerror}") from None
    return public


def read_identities(path: Path) -> list[x25519.Identity]:
    """Read the identities of a file as `age-keygen` and `create_identity` write it.

    Raises:
        SecretError: There is no such file, or it holds something else.
    """
    try:
        import pyrage  # noqa: PLC0415 - an extra
    except ImportError:
        raise SecretError(_NEEDED) from None
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise SecretError(
            f"the identity {path} cannot be read: {error.strerror}; make one with `secret-references init`, or name "
            f"yours in the environment variable {IDENTITY_VARIABLE}"
        ) from None
    except ValueError:
        lines = [""]
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        found = []
    if not found:
        raise SecretError(f"{path} is no age identity; it must hold lines that begin with AGE-SECRET-KEY-1")
    return found


class SecretFile:
    """One encrypted file.

    Args:
        path: Where it is.
        environment: Variables that say where the identity is.

    Raises:
        SecretError: There is no such home folder.
    """

    def __init__(self, path: str, environment: Mapping[str, str]) -> None:
        self.path = expanded(path)
        self.identity = identity_path(environment)

    def read(self) -> dict[str, str]:
        """Return all secrets by name.

        Raises:
            SecretError: It cannot be opened, or holds something else than secrets.
        """
        return parse_secrets(self.read_text())

    def read_text(self) -> str:
        """Return what is inside as it was written.

        Raises:
            SecretError: It cannot be opened.
        """
        identities = read_identities(self.identity)
        import pyrage  # noqa: PLC0415 - it is there: the identities have been read with it

        try:
            return pyrage.decrypt(self.path.read_bytes(), identities).decode()
        except OSError as error:
            raise SecretError(
                f"{self.path} cannot be read: {error.strerror}; a relative path counts from {Path.cwd()}, and "
                "`secret-references init` makes a new one"
            ) from None
        except pyrage.DecryptError:
            raise SecretError(
                f"{self.path} cannot be opened with the identity {self.identity}; it is damaged or was encrypted for "
                f"another one, which {IDENTITY_VARIABLE} would name"
            ) from None
        except ValueError:
            raise SecretError(f"{self.path} holds no UTF-8 text") from None

    def write(self, secrets: Mapping[str, str]) -> None:
        """Encrypt secrets for this user's identities and put them in place of what was there.

        Raises:
            SecretError: It cannot be written; what was there is still there.
        """
        import yaml  # noqa: PLC0415 - part of an extra

        self.write_text(yaml.safe_dump(dict(secrets), allow_unicode=True, default_flow_style=False, sort_keys=False))

    def write_text(self, text: str) -> None:
        """Encrypt a text for this user's identities and put it in place of what was there.

        Raises:
            SecretError: It cannot be written; what was there is still there.
        """
        recipients = [identity.to_public() for identity in read_identities(self.identity)]
        import pyrage  # noqa: PLC0415 - it is there: the identities have been read with it

        try:
            _replace(self.path, pyrage.encrypt(text.encode(), recipients))
        except OSError as error:
            raise SecretError(f"{self.path} cannot be written: {error.strerror}") from None


def parse_secrets(text: str) -> dict[str, str]:
    """Read names and secrets from YAML or JSON.

    Raises:
        SecretError: It is neither, or no mapping of names to texts; nothing that stands there is repeated.
    """
    try:
        import yaml  # noqa: PLC0415 - part of an extra
    except ImportError:
        raise SecretError(_NEEDED) from None
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes texts, lists and mappings only
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SecretError(f"it is no valid YAML{line}; a value with special characters goes in quotes") from None
    except yaml.YAMLError:
        raise SecretError("it holds characters that YAML does not take") from None
    if not found:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise SecretError("it must be a mapping of names to secrets, one `name: secret` a line")
    for name, value in found.items():
        if not isinstance(value, str):
            raise SecretError(f"the secret {name} is no text; put it in quotes")
    return found


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable for this user only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(new).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(new).unlink()
        raise
