"""From a name in the setting ``tables`` to a stream: columns, key and replication columns of a table or view."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from jde_ais import AisConfigError

from tap_jdedwards.columns import TableColumn
from tap_jdedwards.dictionary import DATE_COLUMN, load_dictionary
from tap_jdedwards.tables.names import property_name, target_type
from tap_jdedwards.tables.stamps import Stamp, StampError
from tap_jdedwards.tables.stream import TableStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jde_ais import Column

    from tap_jdedwards.dictionary import Dictionary, Kind
    from tap_jdedwards.tap import TapJDEdwards

_VIEW_OF = re.compile(r"V(\d{4,5}).*")


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
    found = {property_name(column.alias): column for column in tap.client.columns(name, target_type(name))}
    kinds = {prop: dictionary.kind(column.alias.rpartition(".")[2], column.kind) for prop, column in found.items()}
    key = _key(name, found, tap.settings.table_keys.get(name), dictionary)
    columns = [TableColumn(column.alias, column.title, kinds[prop], prop in key) for prop, column in found.items()]
    return TableStream(tap, name=name, key=key, columns=columns, stamp=_stamp(tap, name, kinds))


def _key(
    name: str, found: Mapping[str, Column], given: Iterable[str] | None, dictionary: Dictionary
) -> tuple[str, ...]:
    if given:
        key = tuple(property_name(alias) for alias in given)
    elif name in dictionary.tables:
        key = dictionary.tables[name].key
    else:
        key = _key_of_view(name, found, dictionary)
    if not key:
        example = json.dumps({name: [next(iter(found), "AN8")]})
        raise AisConfigError(
            f"the primary key of {name} is not known: name its columns in the setting table_keys, like {example}"
        )
    lacking = [alias for alias in key if alias not in found]
    if lacking:
        raise AisConfigError(f"{name} has no column {', '.join(lacking)}, which its primary key (table_keys) names")
    return key


def _key_of_view(name: str, found: Mapping[str, Column], dictionary: Dictionary) -> tuple[str, ...]:
    """Take over the key of the one table that a view shows; a view is named after its first table, V0101A after F0101.

    Only a view of several tables says whose column each is. If such a view has no alias twice it passes for one of a
    single table; walks then end with an error as soon as a key comes twice.
    """
    of = _VIEW_OF.fullmatch(name)
    table = dictionary.tables.get(f"F{of[1]}") if of else None
    if table is None or any("." in column.alias for column in found.values()) or not found.keys() >= set(table.key):
        return ()
    return table.key


def _stamp(tap: TapJDEdwards, name: str, kinds: Mapping[str, Kind]) -> Stamp | None:
    given = tap.settings.replication_columns.get(name)
    if given is not None:
        try:
            return Stamp.named(given, kinds)
        except StampError as error:
            raise AisConfigError(f"replication_columns of {name}: {error}") from error
    usual = Stamp.usual(kinds)
    several = [column for column in kinds if column.endswith(f"_{DATE_COLUMN}")]
    if usual is None and several:
        tap.logger.info(
            "%s is read whole each time: neither of %s alone tells all changes; to read it by one of them, name that "
            "in replication_columns",
            name,
            ", ".join(several),
        )
    return usual
