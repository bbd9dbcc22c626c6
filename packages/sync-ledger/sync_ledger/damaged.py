r"""Rows with halves of characters: JSON takes a lone surrogate (`"\ud83d"`), UTF-8, databases and services do not.

Such a row is held by itself and must not end the run. In the ledger U+FFFD stands in place of each half.
"""

from __future__ import annotations

import re
import typing as t

from sync_ledger.engine.validate import Invalid
from sync_ledger.rows import Reason

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.rows import SourceRow

_HALF = re.compile("[\ud800-\udfff]")


def is_damaged(value: t.Any) -> bool:
    """Whether a value, or any part of it, holds half of a character."""
    if isinstance(value, str):
        return not value.isascii() and _HALF.search(value) is not None
    if isinstance(value, dict):
        return any(is_damaged(name) or is_damaged(item) for name, item in value.items())
    return isinstance(value, (list, tuple)) and any(map(is_damaged, value))


def damaged_property(record: Mapping[str, t.Any]) -> str | None:
    """Return the name of the first property that holds half of a character; None for a row that is well."""
    for name, value in record.items():
        if is_damaged(name) or is_damaged(value):
            return t.cast("str", mended(name))
    return None


def mended(value: t.Any) -> t.Any:
    """Return a value with U+FFFD, the replacement character, in place of each half of a character."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {mended(name): mended(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mended(item) for item in value]
    return value


def escaped(text: str) -> str:
    r"""Return a text with halves of characters as `\ud83d`, so that different keys stay different."""
    return text.encode(errors="backslashreplace").decode()


def check_whole(row: SourceRow) -> None:
    """Check that a row came without halves of characters.

    Raises:
        Invalid: If it did not; without what the property holds.
    """
    if row.damaged is not None:
        text = f"{row.damaged} came with half of a character (a lone surrogate); U+FFFD stands for it here"
        raise Invalid(Reason.WRONG_TYPE, row.damaged, text)
