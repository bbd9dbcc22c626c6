"""The quick way through a page: rows decoded straight into the shape that the page itself announces.

A decoder compiled for the columns of a grid skips building keys for each cell, which is most of the work of reading
JSON. It takes only answers that look as they should; anything else is left to the thorough way in `parsing`, which
reads every variant and tells what is wrong.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class _Grid(msgspec.Struct):
    columns: dict[str, Any]
    rowset: msgspec.Raw
    summary: Any


class _Data(msgspec.Struct):
    grid: _Grid = msgspec.field(name="gridData")


class _Form(msgspec.Struct):
    data: _Data
    errors: Any


class Envelope(msgspec.Struct):
    """What is around the rows; decoding it leaves them as they are."""

    form: _Form
    sys_errors: Any = msgspec.field(name="sysErrors")
    time_stamp: Any = msgspec.field(name="timeStamp")
    links: Any

    @property
    def is_good(self) -> bool:
        """Whether no error is reported, neither instead of the data nor beside it."""
        return not self.sys_errors and not self.form.errors


def envelope(content: bytes, table: str) -> Envelope | None:
    """Reads what is around the rows of an answer to BROWSE; None when it is not as it should be."""
    try:
        return _envelope_decoder(table).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def rows_of(
    grid: _Grid, table: str, aliases: Callable[[tuple[str, ...], str], list[str]]
) -> list[dict[str, Any]] | None:
    """Reads the rows of a grid by alias.

    Args:
        grid: A grid whose `columns` name what each row holds.
        table: The table.
        aliases: Gives the aliases of the keys of a row.

    Returns:
        Raw rows; None when a row holds other columns than announced, or aliases are too odd for the quick way.
    """
    decoder = _row_decoder(tuple(grid.columns), table, aliases)
    if decoder is None:
        return None
    try:
        return list(map(msgspec.structs.asdict, decoder.decode(grid.rowset)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=128)
def _envelope_decoder(table: str) -> msgspec.json.Decoder[Envelope]:
    form = ("form", _Form, msgspec.field(name=f"fs_DATABROWSE_{table}"))
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", [form], bases=(Envelope,)))


@lru_cache(maxsize=256)
def _row_decoder(
    keys: tuple[str, ...], table: str, aliases: Callable[[tuple[str, ...], str], list[str]]
) -> msgspec.json.Decoder[list[Any]] | None:
    names = aliases(keys, table)
    if not names or len(set(names)) < len(names) or not all(name.isidentifier() and name.isupper() for name in names):
        return None
    fields = [(name, Any, msgspec.field(name=key)) for name, key in zip(names, keys, strict=True)]
    row = msgspec.defstruct("Row", fields, forbid_unknown_fields=True)
    # Numbers with a fraction become Decimal straight from the text, so that 0.1 stays 0.1.
    return msgspec.json.Decoder(list[row], float_hook=Decimal)  # type: ignore[valid-type]
