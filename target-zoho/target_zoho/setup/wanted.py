"""Which custom fields are wanted, and which of them a module lacks."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from sync_ledger.errors import ConfigError

from target_zoho.adapter import FIRST
from target_zoho.fields import MULTI_PICKLIST, PICKLIST, TYPES, picklist

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_UNIQUE: t.Final = 2
"""Unique fields a module may have in every edition (Zoho CRM sheet section 4)."""

EXTERNAL_ID_LENGTH: t.Final = 100
"""Characters the field of the external ID takes, when setup makes it."""

WITH_OPTIONS: t.Final = frozenset({PICKLIST, MULTI_PICKLIST})
_NUMBER: t.Final = "number"
_MADE: t.Final = (
    "text",
    "textarea",
    "email",
    "phone",
    "website",
    _NUMBER,
    "integer",
    "bigint",
    "currency",
    "percent",
    "boolean",
    "date",
    "datetime",
    PICKLIST,
    MULTI_PICKLIST,
)
"""Types one can ask for: Zoho's own, and `number` for one with decimals."""

_DEFINITIONS: t.Final[Mapping[str, Mapping[str, t.Any]]] = {
    "text": {"length": 255},
    "textarea": {"textarea": {"type": "small"}},
}
"""Type -> what its definition has beside label and type."""


@dataclass(frozen=True)
class Wanted:
    """A custom field that should be there.

    Attributes:
        module: API name of its module.
        label: Its label.
        type: Zoho's data type.
        options: Values of a picklist.
        key: It holds the external ID.
    """

    module: str
    label: str
    type: str
    options: tuple[str, ...] = ()
    key: bool = False

    def __str__(self) -> str:
        more = ", unique" if self.key else f" ({', '.join(self.options)})" if self.options else ""
        return f"{self.module}: {self.label}, {self.type}{more}"

    def definition(self) -> dict[str, t.Any]:
        """Return what Zoho is sent to make it."""
        found: dict[str, t.Any] = {"field_label": self.label, "data_type": self.type}
        if self.key:
            return {**found, "length": EXTERNAL_ID_LENGTH, "unique": {"case_sensitive": False}}
        if self.options:
            found["pick_list_values"] = [{"display_value": one, "actual_value": one} for one in self.options]
        return {**found, **_DEFINITIONS.get(self.type, {})}


@dataclass
class Lacking:
    """What a module lacks.

    Attributes:
        fields: Fields to make.
        options: Field, its id, and the values to add to it.
        conflicts: What stands in the way; nothing is changed about it.
    """

    fields: list[Wanted] = field(default_factory=list)
    options: list[tuple[Wanted, str, tuple[str, ...]]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fields or self.options)


def wanted_fields(config: Mapping[str, t.Any], there: Sequence[str], modules: Sequence[str] = ()) -> list[Wanted]:
    """Read the wanted fields from the settings.

    Args:
        config: The settings.
        there: API names of the modules the organisation has.
        modules: Only those of these modules. When empty, those of Accounts, Vendors and Contacts, as far as they are
            there, and of the modules the settings name.

    Raises:
        ConfigError: If setting custom_fields is not usable, or a module that is named is not there.
    """
    given = config.get("custom_fields") or {}
    named = [*modules, *(() if modules else (*config.get("modules", ()), *given))]
    for module in named:
        if module not in there:
            raise ConfigError(
                f"the organisation has no module {module!r} that this user may write; there are {', '.join(there)}"
            )
    chosen = dict.fromkeys(modules or [*(module for module in FIRST if module in there), *named])
    found = [Wanted(module, config["external_id_field"], "text", key=True) for module in chosen]
    for module, fields in given.items():
        if not isinstance(fields, dict):
            raise ConfigError(f"setting custom_fields: {module!r} wants its fields as label -> type")
        if module in chosen:
            found += [_wanted(module, str(label), value) for label, value in fields.items()]
    return found


def lacking(wanted: Iterable[Wanted], metadata: Sequence[Mapping[str, t.Any]]) -> Lacking:
    """Compare wanted fields of one module with those it has.

    Args:
        wanted: Fields wanted.
        metadata: Field objects of the module, as Zoho returns them.
    """
    result = Lacking()
    for one in wanted:
        hits = [item for item in metadata if one.label in {item["api_name"], str(item.get("field_label")).strip()}]
        if not hits:
            _make(one, metadata, result)
        elif len(hits) > 1:
            names = ", ".join(str(hit["api_name"]) for hit in hits)
            result.conflicts.append(f"{one.module} has {len(hits)} fields {one.label!r} ({names}); rename all but one")
        else:
            _compare(one, hits[0], result)
    return result


def _make(one: Wanted, metadata: Sequence[Mapping[str, t.Any]], result: Lacking) -> None:
    unique = [str(item["field_label"]) for item in metadata if item.get("unique")]
    if one.key and len(unique) >= MOST_UNIQUE:
        result.conflicts.append(
            f"{one.module} has its {MOST_UNIQUE} unique fields already ({', '.join(unique)}), and Zoho allows no more"
            " in any edition; allow duplicate values in one of them, or name the one that may hold the external ID as"
            " external_id_field"
        )
    else:
        result.fields.append(one)


def _compare(one: Wanted, there: Mapping[str, t.Any], result: Lacking) -> None:
    kind = str(there["data_type"])
    if kind != one.type:
        result.conflicts.append(
            f"{one.module}: {one.label!r} is of type {kind}, not {one.type}; a type can never be changed, so name"
            " another field or rename that one in Zoho"
        )
    elif one.key and not there.get("unique"):
        result.conflicts.append(
            f"{one.module}: {one.label!r} is not unique; set 'Do not allow duplicate values' for it in Zoho (Setup >"
            " Modules and Fields)"
        )
    elif one.options:
        known = picklist(there)
        missing = tuple(value for value in one.options if value not in known)
        if missing:
            result.options.append((one, str(there["id"]), missing))


def _wanted(module: str, label: str, value: t.Any) -> Wanted:
    kind = value.get("type") if isinstance(value, dict) else value
    options = value.get("options", []) if isinstance(value, dict) else []
    where = f"setting custom_fields: {module}, {label!r}"
    if kind not in _MADE:
        raise ConfigError(f"{where} has no type setup can make; there are {', '.join(_MADE)}")
    if not isinstance(options, list) or bool(options) != (kind in WITH_OPTIONS):
        raise ConfigError(f"{where}: options belong to the types {PICKLIST} and {MULTI_PICKLIST}, and those need some")
    kind = "double" if kind == _NUMBER else kind
    assert kind in TYPES  # noqa: S101 - what can be made can be written
    return Wanted(module, label, kind, tuple(str(option) for option in options))
