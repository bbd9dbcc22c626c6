"""Queries in COQL, Zoho's query language, within its limits (Zoho CRM sheet section 7).

COQL reads the records themselves, so a write made moments ago is seen; the search does not promise that. The language
takes at most 50 columns, 25 criteria, 50 values of an `in`, and 2,000 rows a call; pages go by id, not by offset, which
ends at 100,000 rows and shifts when records are made or deleted meanwhile. More than two criteria need brackets.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_COLUMNS: t.Final = 50
MAX_VALUES: t.Final = 50
MAX_ROWS: t.Final = 2000

SMALL: t.Final = 200
"""Rows a query may ask for at the lowest price, 1 credit; 2,000 take 3."""

ALL: t.Final = "id is not null"
"""The condition every record fulfils; the language wants one."""

_WORDS_LISTED: t.Final = (
    "select from where and or not in is null like between order by asc desc limit offset group having as on true false"
    " external"
)
_WORDS: t.Final = frozenset(_WORDS_LISTED.split())


def quoted(value: str) -> str:
    """Return a text as a value in a query."""
    return "'" + value.replace("'", "''") + "'"


def column(name: str) -> str:
    """Return the name of a field as a query has it: one that is a word of the language is quoted (Kaizen #171)."""
    return quoted(name) if name.lower() in _WORDS else name


def select(columns: Sequence[str], module: str, where: str, limit: int) -> str:
    """Return a query whose rows go by id."""
    parts = (
        "select",
        ", ".join(map(column, columns)),
        "from",
        module,
        "where",
        where,
        "order by id asc limit",
        str(limit),
    )
    return " ".join(parts)


def within(name: str, values: Sequence[str]) -> str:
    """Return the condition that a field has one of at most 50 values."""
    return f"{column(name)} in ({', '.join(quoted(value) for value in values)})"


def both(left: str, right: str) -> str:
    """Return the condition that two hold."""
    return right if left == ALL else left if right == ALL else f"({left}) and ({right})"


def after(remote_id: str | None) -> str:
    """Return the condition of records behind an id; all records without one."""
    return ALL if remote_id is None else f"id > {quoted(remote_id)}"


def groups(columns: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut columns into groups one query can bring, the id always among them."""
    others = [column for column in columns if column != "id"]
    for start in range(0, max(len(others), 1), MAX_COLUMNS - 1):
        yield ("id", *others[start : start + MAX_COLUMNS - 1])
