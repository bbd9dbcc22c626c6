"""Raw rows to records by a function written out for the columns of one stream.

A generic loop over columns spends most of its time on calls. Here each column becomes one expression of a dictionary
display, and Python compiles the whole display once for each set of columns::

    add({'AN8': v if (v := row['AN8']).__class__ is int or v is None else whole(v), 'ALPH': …})

The expressions hold for values of the type they expect. Any other value, and any that is refused, ends in an exception;
the caller then takes the plain way, which copes or tells what is wrong. The tests hold both ways together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jdedwards.dictionary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Convert = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]

UNEXPECTED = (AttributeError, KeyError, TypeError, ValueError)
"""What a compiled function raises for values it was not written for."""

_BLANKS = " \x00"  # what jde_ais.trim drops; to call it for each cell would cost more than the trimming

_EXPRESSIONS = {
    Kind.STRING: "None if (v := {0}) is None else v.rstrip(blanks)",
    Kind.CHARACTER: "None if (v := {0}) is None else v.rstrip(blanks) or None",
    Kind.WHOLE: "v if (v := {0}).__class__ is int or v is None else whole(v)",
    Kind.NUMBER: "{0}",
    Kind.DATE: "date({0})",
    Kind.TIME: "minute + second if (v := {0}).__class__ is int and (minute := minutes.get(v // 100)) and "
    "(second := seconds.get(v % 100)) else time(v)",
}
_MINUTES = {100 * hour + minute: f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)}
_SECONDS = {second: f"{second:02}" for second in range(60)}
_KEY_TEXT = "'' if (v := {0}) is None else v.rstrip(blanks)"
_KEY_EXPRESSIONS = {Kind.STRING: _KEY_TEXT, Kind.CHARACTER: _KEY_TEXT, Kind.DATE: "key_date({0})"}

_FUNCTION = """\
def convert(rows):
    records = []
    add = records.append
    for row in rows:
        add({{{cells}}})
    return records
"""


def compiled(
    columns: Iterable[tuple[str, Kind, bool]], lacking: frozenset[str], reader: Callable[..., Callable[[Any], Any]]
) -> Convert:
    """Write and compile the function for a set of columns.

    Args:
        columns: Alias, kind and whether the column belongs to the key, in the order of the record.
        lacking: Aliases that rows may lack.
        reader: Gives the plain function of a kind; told ``in_key``, that for columns of a key.

    Returns:
        A function from raw rows to records. It raises one of ``UNEXPECTED`` for a value or a lack it was not written
        for.
    """
    cells = []
    for alias, kind, in_key in columns:
        name = repr(alias)
        expression = _KEY_EXPRESSIONS.get(kind, _EXPRESSIONS[kind]) if in_key else _EXPRESSIONS[kind]
        cell = f"row.get({name})" if alias in lacking else f"row[{name}]"
        cells.append(f"{name}: {expression.format(cell)}")
    scope: dict[str, Any] = {
        "blanks": _BLANKS,
        "whole": reader(Kind.WHOLE),
        "date": reader(Kind.DATE),
        "key_date": reader(Kind.DATE, in_key=True),
        "time": reader(Kind.TIME),
        "minutes": _MINUTES,
        "seconds": _SECONDS,
    }
    # Of all that comes from outside only aliases get into the text, each as a Python literal.
    exec(_FUNCTION.format(cells=", ".join(cells)), scope)  # noqa: S102
    convert: Convert = scope["convert"]
    return convert
