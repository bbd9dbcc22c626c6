"""Functions of the SDK's expressions, as its `CustomStreamMap.functions` has them; a test compares both."""

from __future__ import annotations

import datetime as dt
import json
import sys
import typing as t

import simpleeval  # type: ignore[import-untyped]

if t.TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info < (3, 11):  # as the SDK does, so that expressions read the same texts as dates
    from backports.datetime_fromisoformat import MonkeyPatch  # type: ignore[import-untyped]

    MonkeyPatch.patch_fromisoformat()


def md5(text: str) -> str:
    """Return the MD5 digest of a text."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, 4 MB that few maps need

    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - no secret, and the SDK's function


def sha256(text: str) -> str:
    """Return the SHA-256 digest of a text."""
    import hashlib  # noqa: PLC0415 - as above

    return hashlib.sha256(text.encode()).hexdigest()


def functions() -> dict[str, Callable[..., t.Any]]:
    """Return the functions by name."""
    return {
        **simpleeval.DEFAULT_FUNCTIONS,
        "md5": md5,
        "sha256": sha256,
        "datetime": simpleeval.ModuleWrapper(dt),
        "bool": bool,
        "json": simpleeval.ModuleWrapper(json),
    }
