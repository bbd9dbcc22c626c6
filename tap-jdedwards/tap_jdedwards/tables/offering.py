"""From a name in the setting ``tables`` to a stream: columns, key and replication columns of a table or view."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jde_ais import AisConfigError

from tap_jdedwards.columns import TableColumn
from tap_jdedwards.dictionary import DATE_COLUMN, load_dictionary
from tap_jdedwards.tables.names import as_property, data_item, property_names, target_type
from tap_jdedwards.tables.stamps import Stamp, StampError
from tap_jdedwards.tables.stream import TableStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_jdedwards.dictionary import Dictionary
    from tap_jdedwards.tap import TapJDEdwards


def table_stream(tap: TapJDEdwards, name: str) -> TableStream:
    """Make the stream of a table or view.

    Args:
        tap: The tap.
        name: The table or view.

    Returns:
        The stream.

    Raises:
        AisError: When the server does not offer it, or the settings do not fit what it has.
    """
    dictionary = load_dictionary()
    found = {column.alias: column for column in tap.client.columns(name, target_type(name))}
    properties = property_names(found)
    key = _key(tap, name, properties, dictionary)
    columns = {}
    for prop, alias in properties.items():
        kind = dictionary.kind(data_item(alias), found[alias].kind)
        columns[prop] = TableColumn(alias, found[alias].title, kind, prop in key)
    return TableStream(tap, name=name, key=key, columns=columns, stamp=_stamp(tap, name, columns))


def _key(tap: TapJDEdwards, name: str, properties: Mapping[str, str], dictionary: Dictionary) -> tuple[str, ...]:
    given = tap.settings.table_keys.get(name)
    if given:
        key = tuple(as_property(column, properties) for column in given)
    elif name in dictionary.tables:
        key = dictionary.tables[name].key
    else:
        key = _key_of_view(properties, dictionary)
    if not key:
        example = json.dumps({name: [next(iter(properties), "AN8")]})
        raise AisConfigError(
            f"the primary key of {name} is not known: name its columns in the setting table_keys, like {example}"
        )
    lacking = [column for column in key if column not in properties]
    if lacking:
        raise AisConfigError(f"{name} has no column {', '.join(lacking)}, which its primary key (table_keys) names")
    return key


def _key_of_view(properties: Mapping[str, str], dictionary: Dictionary) -> tuple[str, ...]:
    """Take over the key of the only table whose columns a view shows."""
    owners = {alias.rpartition(".")[0] for alias in properties.values()}
    table = dictionary.tables.get(owners.pop()) if len(owners) == 1 else None
    return table.key if table is not None and set(table.key) <= properties.keys() else ()


def _stamp(tap: TapJDEdwards, name: str, columns: Mapping[str, TableColumn]) -> Stamp | None:
    kinds = {prop: column.kind for prop, column in columns.items()}
    given = tap.settings.replication_columns.get(name)
    if given is not None:
        properties = {prop: column.alias for prop, column in columns.items()}
        try:
            return Stamp.named("+".join(as_property(part, properties) for part in given.split("+")), kinds)
        except StampError as error:
            raise AisConfigError(f"replication_columns of {name}: {error}") from error
    usual = Stamp.usual(kinds)
    several = [prop for prop in kinds if prop.endswith(f"_{DATE_COLUMN}")]
    if usual is None and several:
        tap.logger.info(
            "%s is read whole each time: none of %s alone tells all changes; to read it by one of them, name that in "
            "replication_columns",
            name,
            ", ".join(several),
        )
    return usual
