"""Field rules: when a field that is mapped may be written. What is not mapped is never touched at all."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

from sync_ledger.errors import ConfigError
from sync_ledger.fields import AmbiguousFieldError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.engine.diff import Changes
    from sync_ledger.fields import EntityDescription

_REST = "*"


class Rule(str, enum.Enum):
    """One rule of a field."""

    ALWAYS = "always"
    ONLY_IF_EMPTY = "only_if_empty"
    ONLY_ON_CREATE = "only_on_create"
    NEVER_CLEAR = "never_clear"


@dataclass(frozen=True)
class FieldRules:
    """The rules of one entity.

    Attributes:
        rules: Field name -> its rules; `*` stands for all fields that are not named.
    """

    rules: Mapping[str, frozenset[Rule]] = field(default_factory=dict)

    def of(self, name: str) -> frozenset[Rule]:
        """Return the rules of a field."""
        found = self.rules.get(name)
        return self.rules.get(_REST, frozenset()) if found is None else found

    def allowed(self, changes: Changes) -> Changes:
        """Return the changes to an existing record that the rules let through; old values must be the live ones."""
        return {name: pair for name, pair in changes.items() if self._allows(name, *pair)}

    def need_reading(self, changes: Changes) -> bool:
        """Whether only the record itself can tell if some of these changes may be made.

        What was last sent does not: the rule may have kept it back, or a user may have emptied the field since.
        """
        return any(Rule.ONLY_IF_EMPTY in self.of(name) and not _empty(new) for name, (_, new) in changes.items())

    def _allows(self, name: str, old: t.Any, new: t.Any) -> bool:
        rules = self.of(name)
        if Rule.ONLY_ON_CREATE in rules:
            return False
        if Rule.ONLY_IF_EMPTY in rules and not _empty(old):
            return False
        return not (Rule.NEVER_CLEAR in rules and _empty(new))


def field_rules(description: EntityDescription, given: t.Any) -> FieldRules:
    """Read the field rules of a stream.

    Raises:
        ConfigError: If a rule is unknown, or the field is, or it cannot be written at all.
    """
    head = f"setting field_rules, stream {description.entity!r}"
    if not isinstance(given, dict):
        raise ConfigError(f'{head}: wants an object such as {{"name": "only_on_create"}}, got {given!r}')
    return FieldRules({_name(description, head, name): _rules(head, name, rules) for name, rules in given.items()})


def _name(description: EntityDescription, head: str, name: str) -> str:
    if name == _REST:
        return name
    try:
        found = description.find(name)
    except AmbiguousFieldError as error:
        raise ConfigError(f"{head}: {error}; use the API key") from error
    if found is None:
        raise ConfigError(f"{head}: the destination has no field {name!r}; correct the rule")
    if not found.creatable and not found.updatable:
        raise ConfigError(f"{head}: field {name!r} is read-only at the destination; take the rule out")
    return found.name


def _rules(head: str, name: str, given: t.Any) -> frozenset[Rule]:
    try:
        rules = frozenset(Rule(rule) for rule in (given if isinstance(given, list) else [given]))
    except ValueError as error:
        known = ", ".join(rule.value for rule in Rule)
        raise ConfigError(f"{head}, field {name!r}: {error}; take some of {known}") from None
    if Rule.ALWAYS in rules and len(rules) > 1:
        raise ConfigError(f"{head}, field {name!r}: always goes with no other rule")
    return rules - {Rule.ALWAYS}


def _empty(value: t.Any) -> bool:
    """Whether a field says nothing: null, blank, an empty list, or an object all of whose parts are empty."""
    if isinstance(value, dict):
        return all(_empty(part) for part in value.values())
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == []
