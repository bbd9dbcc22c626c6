"""Setting `deletions`: what to do with the records of source rows that are gone."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from dataclasses import field as defaults

from sync_ledger.adapter import Action
from sync_ledger.engine.diff import same
from sync_ledger.engine.validate import Invalid, normalise
from sync_ledger.errors import ConfigError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_ledger.adapter import Destination
    from sync_ledger.fields import EntityDescription
    from sync_ledger.rows import SourceRow

FLAG: t.Final = "flag"
_WAYS: t.Final = ("archive", FLAG, "delete")
_KEYS: t.Final = frozenset({"do", "field", "value", "when"})


@dataclass(frozen=True)
class DeletionRule:
    """What to do with the record of a source row that is gone.

    Attributes:
        do: `archive`, `flag` or `delete`.
        field: With `flag`, the field to set.
        value: With `flag`, what to set it to.
        when: Field -> values that mean the same as a deletion.
    """

    do: str
    field: str = ""
    value: t.Any = None
    when: Mapping[str, tuple[t.Any, ...]] = defaults(default_factory=dict)

    def concerns(self, row: SourceRow) -> bool:
        """Whether the row says that it is gone: deleted at the source, or by one of the values in `when`."""
        return row.deleted or any(
            name in row.payload and any(same(row.payload[name], value) for value in values)
            for name, values in self.when.items()
        )

    def flag(self, description: EntityDescription) -> dict[str, t.Any]:
        """Return the flag as the service holds it: field -> value.

        Raises:
            ConfigError: If the entity has no such field or it does not take the value.
        """
        where = f"setting deletions: {description.entity}:"
        try:
            values = normalise(description, {self.field: self.value})
        except Invalid as error:
            raise ConfigError(f"{where} {error.text}") from error
        (name,) = values
        found = description.find(name)
        if found is None or not found.updatable or found.relation or found == description.external_id_field:
            raise ConfigError(f"{where} field {self.field!r} cannot be used as a flag; name one that may be changed")
        return values


def deletion_rules(setting: Mapping[str, t.Any], destination: Destination) -> dict[str, DeletionRule]:
    """Read the setting.

    Raises:
        ConfigError: Naming stream and key of what is wrong or what the service cannot do.
    """
    return {stream: _rule(stream, given, destination) for stream, given in setting.items()}


def _rule(stream: str, given: t.Any, destination: Destination) -> DeletionRule:
    where = f"setting deletions: {stream}:"
    if stream not in destination.entities:
        raise ConfigError(f"{where} the destination has no such entity; it has {', '.join(destination.entities)}")
    if not isinstance(given, dict) or given.get("do") not in _WAYS:
        raise ConfigError(f'{where} it must be an object with "do": {_or(_WAYS)}')
    if unknown := sorted(set(given) - _KEYS):
        raise ConfigError(f"{where} there is no key {unknown[0]!r}; it takes {', '.join(sorted(_KEYS))}")
    do = given["do"]
    able = destination.entity(stream).removals
    if do != FLAG and Action(do) not in able:
        others = [FLAG, *sorted(action.value for action in able if action.value in _WAYS)]
        raise ConfigError(f"{where} the service cannot {do} {stream}; use {_or(others)}")
    if (do == FLAG) != isinstance(given.get("field"), str) or (do == FLAG) != ("value" in given):
        raise ConfigError(f'{where} "field" (text) and "value" belong to "do": "flag", and it needs both')
    return DeletionRule(do, given.get("field", ""), given.get("value"), _when(where, given.get("when", {})))


def _when(where: str, given: t.Any) -> dict[str, tuple[t.Any, ...]]:
    if not isinstance(given, dict):
        raise ConfigError(f'{where} "when" must be an object of field and list of values')
    when: dict[str, tuple[t.Any, ...]] = {}
    for name, values in given.items():
        listed = values if isinstance(values, list) else [values]
        if not listed or not all(isinstance(value, (str, int, bool)) for value in listed):
            raise ConfigError(f'{where} "when": {name!r} needs texts, numbers or booleans to compare with')
        when[name] = tuple(listed)
    return when


def check_when(rule: DeletionRule | None, stream: str, properties: Iterable[str]) -> None:
    """Refuse a rule that looks at a property its stream does not have.

    Raises:
        ConfigError: Naming stream and property.
    """
    known = set(properties)
    for name in rule.when if rule else ():
        if name not in known:
            raise ConfigError(
                f'setting deletions: {stream}: "when" names {name!r}, which the stream does not bring; map it, or name '
                f"one of {', '.join(sorted(known))}"
            )


def _or(ways: Iterable[str]) -> str:
    *others, last = ways
    return f"{', '.join(others)} or {last}" if others else last
