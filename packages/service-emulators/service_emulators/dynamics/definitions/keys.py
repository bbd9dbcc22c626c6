"""What a body says about a new alternate key (fact sheet section 5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.definitions.labels import label_text
from service_emulators.dynamics.errors import ApiError, payload
from service_emulators.dynamics.schema.model import AlternateKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from service_emulators.dynamics.schema.model import Column, Table

MOST_KEYS = 10
MOST_COLUMNS = 16
MOST_BYTES = 900
TYPES = frozenset({"Decimal", "Integer", "String", "DateTime", "Lookup", "Picklist"})
_NAMES = frozenset({"SchemaName", "LogicalName", "KeyAttributes", "DisplayName"})
_SCHEMA_NAME = re.compile(r"([A-Za-z][A-Za-z0-9]{1,7})_[A-Za-z0-9_]+")
_BYTES = {"Decimal": 17, "Integer": 4, "DateTime": 8, "Lookup": 16, "Picklist": 4}


def read_key(table: Table, body: dict[str, Any], prefixes: Collection[str]) -> AlternateKey:
    """Returns the alternate key that a body describes, without an id.

    Args:
        table: its table.
        body: as `POST EntityDefinitions(…)/Keys` takes it.
        prefixes: prefixes of the publishers.

    Raises:
        ApiError: 400, a property does not fit, a column cannot be in a key, or there are too many.
    """
    for given in body:
        if given not in _NAMES and "@" not in given:
            raise payload("EntityDefinitions", f"Invalid property '{given}' was found in 'EntityKeyMetadata'.")
    name, names = body.get("SchemaName"), body.get("KeyAttributes")
    match = _SCHEMA_NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or match[1].lower() not in prefixes:
        raise payload("EntityDefinitions", "'SchemaName' must begin with the prefix of a publisher.")
    if not isinstance(names, list) or not names or len(set(map(str, names))) != len(names):
        raise payload("EntityDefinitions", "'KeyAttributes' must be different logical names of columns.")
    columns = [_column(table, str(one)) for one in names]
    if len(table.keys) >= MOST_KEYS:
        raise _invalid(f"a table can have no more than {MOST_KEYS} keys")
    if len(columns) > MOST_COLUMNS:
        raise _invalid(f"a key can have no more than {MOST_COLUMNS} columns")
    if sum(_size(column) for column in columns) > MOST_BYTES:
        raise _invalid(f"the columns of a key can have no more than {MOST_BYTES} bytes together")
    for key in table.keys.values():
        if key.name == match[0].lower() or set(key.columns) == {column.name for column in columns}:
            raise _invalid(f"the key {key.schema_name} has that name or those columns")
    return AlternateKey(
        id="",
        table=table.name,
        name=match[0].lower(),
        schema_name=match[0],
        label=label_text(body.get("DisplayName")),
        columns=[column.name for column in columns],
    )


def _column(table: Table, name: str) -> Column:
    column = table.columns.get(name)
    if column is None or not column.stored:
        raise _invalid(f"'{table.name}' has no column '{name}'")
    if column.type not in TYPES:
        raise _invalid(f"'{name}' is of the type {column.type}, which no key can have")
    return column


def _size(column: Column) -> int:
    return 2 * (column.max_length or 0) if column.type == "String" else _BYTES[column.type]


def _invalid(why: str) -> ApiError:
    return ApiError(400, "0x80060890", f"Invalid EntityKey Operation performed : {why}.")  # code from memory
