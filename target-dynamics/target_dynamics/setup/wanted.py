"""Which columns are wanted, and which of them a table lacks."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from sync_ledger.errors import ConfigError

from target_dynamics.choices import choices, column_options
from target_dynamics.holders import find_column, key_on
from target_dynamics.metadata import ACTIVE, FAILED
from target_dynamics.naming import logical_name
from target_dynamics.setup.definitions import KINDS, WITH_OPTIONS
from target_dynamics.tables import FIRST

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_dynamics.metadata import Key, Metadata
    from target_dynamics.tables import Tables

KEY_TYPE: t.Final = "text"
"""Type of the column that holds the external ID."""

MOST_KEYS: t.Final = 10
"""Alternate keys a table may have (Dataverse sheet section 5)."""


@dataclass(frozen=True)
class Wanted:
    """A column that should be there.

    Attributes:
        entity: Entity set of its table.
        label: Its label.
        type: One of `definitions.KINDS`.
        options: Labels of a choice.
        key: It holds the external ID and has an alternate key.
    """

    entity: str
    label: str
    type: str
    options: tuple[str, ...] = ()
    key: bool = False

    def __str__(self) -> str:
        more = " with an alternate key" if self.key else f" ({', '.join(self.options)})" if self.options else ""
        return f"{self.entity}: {self.label}, {self.type}{more}"


@dataclass
class Lacking:
    """What a table lacks.

    Attributes:
        columns: Columns to make.
        keys: Logical names of columns that get an alternate key.
        options: Choice, its logical name, and the labels of the options it lacks.
        waiting: Alternate keys whose index is being built.
        failed: Alternate keys whose index failed.
        conflicts: What stands in the way; nothing is changed about it.
    """

    columns: list[Wanted] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    options: list[tuple[Wanted, str, tuple[str, ...]]] = field(default_factory=list)
    waiting: list[Key] = field(default_factory=list)
    failed: list[Key] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.columns or self.keys or self.options or self.waiting or self.failed)


def wanted_columns(config: Mapping[str, t.Any], tables: Tables, entities: Sequence[str] = ()) -> list[Wanted]:
    """Read the wanted columns from the settings.

    Args:
        config: The settings.
        tables: The environment's tables.
        entities: Only those of these entity sets. When empty, those of accounts and contacts, and of the entity sets
            the settings name.

    Raises:
        ConfigError: If setting custom_fields is not usable, or an entity set that is named is not there.
    """
    given = config.get("custom_fields") or {}
    named = [*entities, *(() if entities else (*config.get("entities", ()), *given))]
    for entity in named:
        if entity not in tables.entities:
            raise ConfigError(
                f"the environment has no entity set {entity!r}; take the plural name the Web API uses, such as"
                " 'accounts'"
            )
    chosen = dict.fromkeys(entities or [*(name for name in FIRST if name in tables.entities), *named])
    found = [Wanted(entity, config["external_id_field"], KEY_TYPE, key=True) for entity in chosen]
    for entity, columns in given.items():
        if not isinstance(columns, dict):
            raise ConfigError(f"setting custom_fields: {entity!r} wants its columns as label -> type")
        if entity in chosen:
            found += [_wanted(entity, str(label), value) for label, value in columns.items()]
    return found


def lacking(wanted: Iterable[Wanted], metadata: Metadata, prefix: str) -> Lacking:
    """Compare wanted columns of one table with those it has.

    Args:
        wanted: Columns wanted.
        metadata: What the service says of the table.
        prefix: Prefix of the publisher.
    """
    result = Lacking()
    for one in wanted:
        hits = find_column(metadata, one.label, prefix)
        if len(hits) > 1:
            result.conflicts.append(
                f"{one.entity} has {len(hits)} columns {one.label!r} ({', '.join(hits)}); rename all but one, or use"
                " the logical name in the settings"
            )
        elif hits:
            _compare(one, hits[0], metadata, result)
        else:
            result.columns.append(one)
            if one.key:
                _add_key(one, logical_name(one.label, prefix), metadata, result)
    return result


def _compare(one: Wanted, name: str, metadata: Metadata, result: Lacking) -> None:
    item = metadata.columns[name]
    kind = KINDS[one.type].kind
    if item["Kind"] != kind:
        result.conflicts.append(
            f"{one.entity}: column {name} is of type {item['Kind']}, not {kind}; a type can never be changed, so name"
            " another column"
        )
        return
    if one.options:
        known = choices(column_options(item))
        if missing := tuple(label for label in one.options if label not in known):
            result.options.append((one, name, missing))
    if not one.key:
        return
    key = key_on(metadata.keys, name)
    if key is None:
        _add_key(one, name, metadata, result)
    elif key.status == FAILED:
        result.failed.append(key)
    elif key.status != ACTIVE:
        result.waiting.append(key)


def _add_key(one: Wanted, name: str, metadata: Metadata, result: Lacking) -> None:
    if len(metadata.keys) >= MOST_KEYS:
        result.conflicts.append(
            f"{one.entity} has its {MOST_KEYS} alternate keys already, and Dataverse allows no more; delete one"
        )
    else:
        result.keys.append(name)


def _wanted(entity: str, label: str, value: t.Any) -> Wanted:
    kind = value.get("type") if isinstance(value, dict) else value
    options = value.get("options", []) if isinstance(value, dict) else []
    where = f"setting custom_fields: {entity}, {label!r}"
    if kind not in KINDS:
        raise ConfigError(f"{where} has no type setup can make; there are {', '.join(KINDS)}")
    if not isinstance(options, list) or bool(options) != (kind in WITH_OPTIONS):
        raise ConfigError(f"{where}: options belong to the types {' and '.join(WITH_OPTIONS)}, and those need some")
    return Wanted(entity, label, str(kind), tuple(str(option) for option in options))
