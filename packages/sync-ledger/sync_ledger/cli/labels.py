"""Options by the labels people know, where the ledger keeps the ids the service takes."""

from __future__ import annotations

import typing as t

from sync_ledger.fields import AmbiguousFieldError
from sync_ledger.ledger.descriptions import Descriptions

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from sync_ledger.fields import EntityDescription

Changes = dict[str, tuple[t.Any, t.Any]]


def label_changes(rows: list[dict[str, t.Any]], engine: Engine, destination: str) -> None:
    """Put labels in the place of option ids in the changes of rows, as far as the last run knew them.

    Args:
        rows: Rows with `entity` and `changes`; changed in place.
        engine: The ledger's database.
        destination: Account the rows are for.
    """
    descriptions = Descriptions(engine, destination)
    known = {entity: descriptions.find(entity) for entity in {row["entity"] for row in rows}}
    for row in rows:
        description = known[row["entity"]]
        if description is not None and row["changes"]:
            row["changes"] = {
                name: tuple(_labelled(value, _labels(description, name)) for value in pair)
                for name, pair in row["changes"].items()
            }


def _labels(description: EntityDescription, name: str) -> Mapping[t.Any, str]:
    try:
        field = description.find(name)
    except AmbiguousFieldError:
        return {}
    options = field.options if field is not None else None
    labels: dict[t.Any, str] = {}
    if type(options) is dict:  # others ask the service, or take anything
        for label, identifier in options.items():
            labels.setdefault(str(identifier), label)
    return labels


def _labelled(value: t.Any, labels: Mapping[t.Any, str]) -> t.Any:
    if isinstance(value, list):
        return [_labelled(item, labels) for item in value]
    return labels.get(str(value), value) if value is not None else None
