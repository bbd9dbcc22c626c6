"""The file OAuth tokens are kept in between runs, shared by processes.

One file holds the tokens of any number of log-ins, each under a mark of the settings it belongs to, so that two
plug-ins may share it without throwing each other's tokens away. It is written aside, flushed to disk and renamed,
readable by its owner alone: no moment at which a process is killed leaves a half-written or a stale token.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

KEPT_SECONDS: t.Final = 90 * 86_400
"""So long after its access token has ended a log-in nobody has used is dropped from the file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint last answered.

    Attributes:
        access_token: Goes into every request.
        refresh_token: Gets the next one; empty where there is none.
        expires_at: When the access token ends, in seconds since 1970.
        api_domain: Base address of the API the token is good for; empty when the service does not say.
        scope: What the token is good for, in the service's own words; empty when it does not say.
    """

    access_token: str
    refresh_token: str
    expires_at: float
    api_domain: str = ""
    scope: str = ""

    def __repr__(self) -> str:
        return "Tokens(***)"


@dataclass(frozen=True)
class Kept:
    """What the file holds of one log-in.

    Attributes:
        tokens: The tokens in use; None before the first.
        asked_at: When the token endpoint was asked lately, in seconds since 1970, the oldest first.
    """

    tokens: Tokens | None = None
    asked_at: list[float] = field(default_factory=list)

    @property
    def used_at(self) -> float:
        """The latest moment it tells of, in seconds since 1970."""
        return max([*self.asked_at, self.tokens.expires_at if self.tokens else 0.0])


def mark(*settings: str) -> str:
    """Return a mark of the settings of a log-in, from which they cannot be told."""
    return hashlib.sha256("\n".join(settings).encode()).hexdigest()


def kept_tokens(path: Path) -> dict[str, Kept]:
    """Return what a token file holds, mark of the log-in -> tokens; nothing if it is not there or holds no tokens.

    Raises:
        OSError: If it cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Kept])
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        _log.warning("%s holds no tokens and is written anew", path)
        return {}


def keep_tokens(path: Path, origin: str, kept: Kept, *, now: float) -> None:
    """Replace what the file holds of one log-in, in one step.

    The caller holds the lock of the file.

    Args:
        path: The file.
        origin: Mark of the log-in.
        kept: What to keep of it.
        now: Seconds since 1970.

    Raises:
        OSError: If the file cannot be written.
    """
    others = {
        name: one for name, one in kept_tokens(path).items() if name != origin and one.used_at > now - KEPT_SECONDS
    }
    _replace(path, msgspec.json.encode({**others, origin: kept}))


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the renaming itself is on disk only then
        finally:
            os.close(folder)
