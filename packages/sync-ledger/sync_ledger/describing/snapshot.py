"""The fields of a destination as plain JSON."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_ledger.fields import EntityDescription, Field

FORMAT: t.Final = 1
"""Version of the snapshot's form; a reader refuses those it does not know."""


def snapshot(target: str, destination: str, descriptions: Iterable[EntityDescription]) -> dict[str, t.Any]:
    """Return the fields of entities as JSON values.

    Args:
        target: Name of the target.
        destination: Name of the account, as the ledger has it.
        descriptions: The entities.
    """
    return {
        "format": FORMAT,
        "target": target,
        "destination": destination,
        "entities": {one.entity: _entity(one) for one in descriptions},
    }


def _entity(description: EntityDescription) -> dict[str, t.Any]:
    holder = description.external_id_field
    return {
        "external_id_field": None if holder is None else _field(holder),
        "fields": [_field(field) for field in description.fields],
    }


def _field(field: Field) -> dict[str, t.Any]:
    return {
        "name": field.name,
        "key": field.key,
        "label": field.label,
        "type": field.type.value,
        "required": field.required,
        "creatable": field.creatable,
        "updatable": field.updatable,
        "nullable": field.nullable,
        "max_length": field.max_length,
        "options": _options(field),
        "people": field.people,
        "within": field.within,
        "relation": field.relation,
        "attributes": _sorted(field.attributes),
        "items": _sorted(field.items),
    }


def _options(field: Field) -> list[dict[str, t.Any]] | None:
    """List options; None where there are none, or where they are people, who are nobody's business here.

    Where another field's value decides which options there are, those of all its values are listed.
    """
    if field.options is None or field.people:
        return None
    parts: list[Mapping[str, t.Any]] = [field.options, *(field.options_within or {}).values()]
    found = {(str(label), str(value)): {"id": value, "label": label} for part in parts for label, value in part.items()}
    return list(found.values())


def _sorted(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
