"""Which custom fields are wanted, and which of them an account lacks."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from sync_ledger.errors import ConfigError

from target_pipedrive.entities import ENTITIES
from target_pipedrive.fields import CUSTOM_TYPES

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WITH_OPTIONS: t.Final = frozenset({"enum", "set"})
_NOT_MADE: t.Final = frozenset({"int", "boolean"})
"""Types only built-in fields have."""

TYPES: t.Final = tuple(sorted(set(CUSTOM_TYPES) - _NOT_MADE))
HOLDERS: t.Final = tuple(name for name, entity in ENTITIES.items() if entity.fields_path is not None)
"""Entities that have custom fields."""

_TEXTS: t.Final = frozenset({"varchar", "varchar_auto", "text", "phone"})


@dataclass(frozen=True)
class Wanted:
    """A custom field that should be there.

    Attributes:
        entity: Entity it belongs to.
        label: Its label.
        type: Pipedrive's type.
        options: Labels of its options.
        any_text: Any text type will do.
    """

    entity: str
    label: str
    type: str
    options: tuple[str, ...] = ()
    any_text: bool = False

    def __str__(self) -> str:
        options = f" ({', '.join(self.options)})" if self.options else ""
        return f"{self.entity}: {self.label}, {self.type}{options}"


@dataclass
class Lacking:
    """What an account lacks.

    Attributes:
        fields: Fields to make.
        options: Field, its API key, and the option labels to add to it.
        conflicts: What stands in the way; nothing is changed about it.
    """

    fields: list[Wanted] = field(default_factory=list)
    options: list[tuple[Wanted, str, tuple[str, ...]]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fields or self.options)


def wanted_fields(config: Mapping[str, t.Any], entities: Sequence[str] = ()) -> list[Wanted]:
    """Read the wanted fields from the settings.

    Args:
        config: The settings.
        entities: Only those of these entities; all when empty.

    Raises:
        ConfigError: If setting custom_fields is not usable, or an entity has no custom fields.
    """
    for name in entities:
        if name not in HOLDERS:
            raise ConfigError(f"{name} has no custom fields; there are {', '.join(HOLDERS)}")
    chosen = [name for name in HOLDERS if not entities or name in entities]
    found = [Wanted(name, config["external_id_field"], "varchar", any_text=True) for name in chosen]
    given = config.get("custom_fields") or {}
    for entity, fields in given.items():
        if entity not in HOLDERS or not isinstance(fields, dict):
            raise ConfigError(f"setting custom_fields: {entity!r} is not one of {', '.join(HOLDERS)} with its fields")
        if entity in chosen:
            found += [_wanted(entity, str(label), value) for label, value in fields.items()]
    return found


def lacking(wanted: Iterable[Wanted], metadata: Sequence[Mapping[str, t.Any]]) -> Lacking:
    """Compare wanted fields of one entity with those it has.

    Args:
        wanted: Fields wanted.
        metadata: Field objects of the entity, as Pipedrive returns them.
    """
    result = Lacking()
    for one in wanted:
        hits = same_label(metadata, one.label)
        if not hits:
            result.fields.append(one)
        elif len(hits) > 1:
            keys = ", ".join(str(hit["field_code"]) for hit in hits)
            result.conflicts.append(
                f"{one.entity} has {len(hits)} custom fields {one.label!r} ({keys}); rename all but one in Pipedrive"
            )
        else:
            _compare(one, hits[0], result)
    return result


def same_label(metadata: Iterable[Mapping[str, t.Any]], label: str) -> list[Mapping[str, t.Any]]:
    """Return the custom fields that carry a label."""
    return [item for item in metadata if item.get("is_custom_field") and str(item["field_name"]).strip() == label]


def _compare(one: Wanted, there: Mapping[str, t.Any], result: Lacking) -> None:
    kind = str(there["field_type"])
    if kind != one.type and not (one.any_text and kind in _TEXTS):
        result.conflicts.append(
            f"{one.entity}: {one.label!r} is of type {kind}, not {one.type}; a type can never be changed, so name"
            " another field or rename that one in Pipedrive"
        )
        return
    known = {str(option["label"]) for option in there.get("options") or []}
    missing = tuple(label for label in one.options if label not in known)
    if missing:
        result.options.append((one, str(there["field_code"]), missing))


def _wanted(entity: str, label: str, value: t.Any) -> Wanted:
    kind = value.get("type") if isinstance(value, dict) else value
    options = value.get("options", []) if isinstance(value, dict) else []
    where = f"setting custom_fields: {entity}, {label!r}"
    if kind not in TYPES:
        raise ConfigError(f"{where} has no type Pipedrive knows; there are {', '.join(TYPES)}")
    if not isinstance(options, list) or bool(options) != (kind in WITH_OPTIONS):
        raise ConfigError(f"{where}: options belong to the types enum and set, and those need some")
    return Wanted(entity, label, kind, tuple(str(option) for option in options))
