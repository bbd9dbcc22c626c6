"""One link against its record, field by field."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_ledger.engine.diff import same
from sync_ledger.engine.payload import payload_hash
from sync_ledger.fields import AmbiguousFieldError
from sync_ledger.privacy.masking import MASK, has_mask, masked, refill

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.adapter import RemoteRecord
    from sync_ledger.fields import EntityDescription, Field
    from sync_ledger.ledger.linked import LinkedRecord

_NOT_KEPT_EQUAL = frozenset({"only_if_empty", "only_on_create"})
_NOT_EMPTIED = "never_clear"


@dataclass(frozen=True)
class FieldDifference:
    """A field that does not say what was last written.

    Attributes:
        field: Its name; of several masked ones that cannot be told apart, all names.
        ledger: What the ledger says was last written; masked when it keeps no values of the field.
        there: What the service says now; masked likewise.
    """

    field: str
    ledger: t.Any
    there: t.Any

    def shown(self, hidden: t.Collection[str]) -> FieldDifference:
        """Return it without the values of masked fields."""
        if self.field not in hidden:
            return self
        return FieldDifference(self.field, masked(self.ledger), masked(self.there))


def unjudged(description: EntityDescription, rules: Mapping[str, t.Any]) -> frozenset[str]:
    """Return the fields that may well differ: writable on creation only, or left to the service by a field rule.

    Args:
        description: The entity's fields.
        rules: The entity's part of the setting `field_rules`.
    """
    return frozenset(
        field.name
        for field in description.fields
        if not field.updatable or not _NOT_KEPT_EQUAL.isdisjoint(_rules_of(field, rules))
    )


def never_emptied(description: EntityDescription, rules: Mapping[str, t.Any]) -> frozenset[str]:
    """Return the fields in which nothing is ever written: a record keeps what it has when the source has no value.

    Args:
        description: The entity's fields.
        rules: The entity's part of the setting `field_rules`.
    """
    return frozenset(
        field.name for field in description.fields if not field.nullable or _NOT_EMPTIED in _rules_of(field, rules)
    )


def _rules_of(field: Field, rules: Mapping[str, t.Any]) -> set[str]:
    """Return the rules of a field; those of `*` are for fields that have none of their own."""
    given = rules.get(field.name, rules.get(field.key, rules.get("*", ())))
    return {given} if isinstance(given, str) else set(given)


def compare(
    link: LinkedRecord,
    record: RemoteRecord,
    description: EntityDescription,
    leave: frozenset[str] = frozenset(),
    keep: frozenset[str] = frozenset(),
) -> list[FieldDifference]:
    """Return the fields of a record that do not say what the link says was last written.

    Those in `leave` are not judged, those in `keep` only where the link has a value (see `never_emptied`). Of fields
    whose values the ledger does not keep, the hash of the whole payload tells whether any of them differs.
    """
    found = []
    key = description.external_id_field
    if key is not None and record.external_id != link.external_id:
        found.append(FieldDifference(key.name, link.external_id, record.external_id))
    shaped = []
    for name, sent in link.payload.items():
        there = record.values.get(name)
        if has_mask(sent):
            shaped.append(name)
        elif name not in leave and not (name in keep and same(sent, None)) and not same(there, sent):
            found.append(FieldDifference(_label(description, name), sent, there))
    if shaped and not leave.issuperset(shaped) and _masked_differ(link, record, shaped):
        names = ", ".join(_label(description, name) for name in shaped if name not in leave)
        found.append(FieldDifference(names, MASK, MASK))
    return found


def _masked_differ(link: LinkedRecord, record: RemoteRecord, shaped: list[str]) -> bool:
    there = {name: refill(link.payload[name], record.values.get(name)) for name in shaped}
    return payload_hash({**link.payload, **there}) != link.payload_hash


def _label(description: EntityDescription, name: str) -> str:
    try:
        field = description.find(name)
    except AmbiguousFieldError:
        return name
    return field.name if field else name
