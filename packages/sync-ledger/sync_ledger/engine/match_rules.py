"""Match rules: which fields tell that a record of the service is the one a source row means."""

from __future__ import annotations

import enum
import hashlib
import itertools
import typing as t
from dataclasses import dataclass

from sync_ledger.engine.normalisers import named
from sync_ledger.errors import ConfigError
from sync_ledger.fields import AmbiguousFieldError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sync_ledger.adapter import IndexEntry
    from sync_ledger.engine.normalisers import Normaliser
    from sync_ledger.fields import EntityDescription

_BETWEEN_PARTS = "\x1f"
_LONGEST_NAME = 255
_MOST_KEYS = 50
"""Keys of one record and rule at most: a person with ten addresses and ten numbers must not fill the ledger."""


class Policy(str, enum.Enum):
    """What to do when several records fit."""

    HOLD = "hold"
    OLDEST = "oldest"
    NEWEST = "newest"
    MOST_COMPLETE = "most_complete"


@dataclass(frozen=True)
class Candidate:
    """A record that fits a rule.

    Attributes:
        remote_id: Its id.
        added_at: When it was made, as the service writes it.
        filled: How many of its fields have a value.
    """

    remote_id: str
    added_at: str | None = None
    filled: int = 0


@dataclass(frozen=True)
class MatchRule:
    """One rule of a stream.

    Attributes:
        name: How ledger and people know it, such as `Tax ID as tax_id`.
        fields: Names of the fields compared; a record fits when all of them do.
        normalisers: One for each field.
        policy: What to do when several records fit.
    """

    name: str
    fields: tuple[str, ...]
    normalisers: tuple[Normaliser, ...]
    policy: Policy = Policy.HOLD

    def keys(self, values: Mapping[str, t.Any]) -> set[str]:
        """Return what a row or record has to compare; nothing if one of the fields has no usable value."""
        parts: list[list[str]] = []
        for field, normaliser in zip(self.fields, self.normalisers, strict=True):
            found = dict.fromkeys(key for text in _texts(values.get(field)) if (key := normaliser(text)))
            if not found:
                return set()
            parts.append(list(found))
        return {_key(parts) for parts in itertools.islice(itertools.product(*parts), _MOST_KEYS)}

    def choose(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """Return the record to take of several; None when no policy says so, or when it does not decide."""
        if self.policy is Policy.HOLD:
            return None
        if self.policy is Policy.MOST_COMPLETE:
            best = max(candidate.filled for candidate in candidates)
            left = [candidate for candidate in candidates if candidate.filled == best]
        else:
            if not all(candidate.added_at for candidate in candidates):
                return None
            moments = [candidate.added_at or "" for candidate in candidates]
            wanted = min(moments) if self.policy is Policy.OLDEST else max(moments)
            left = [candidate for candidate in candidates if candidate.added_at == wanted]
        return left[0] if len(left) == 1 else None


def _key(parts: Iterable[str]) -> str:
    text = _BETWEEN_PARTS.join(parts).replace("\0", "")
    # Keys are indexed, and databases bound what they index.
    return text if len(text) <= _LONGEST_NAME else hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _texts(value: t.Any) -> Iterable[str]:
    """Return the texts of a normalised value: one, or one for each item of a list."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return _texts(value.get("value"))
    return [] if value is None or isinstance(value, bool) else [str(value)]


def match_rules(description: EntityDescription, given: t.Any) -> tuple[MatchRule, ...]:
    """Read the match rules of a stream, in their order.

    Raises:
        ConfigError: If a rule is no rule, or names a field the entity does not have.
    """
    if not isinstance(given, list):
        raise ConfigError(f"setting match_rules: {description.entity} wants a list of rules, got {given!r}")
    return tuple(_rule(description, item) for item in given)


def _rule(description: EntityDescription, given: t.Any) -> MatchRule:
    head = f"setting match_rules, stream {description.entity!r}"
    if not isinstance(given, dict) or not given.get("on") or not set(given) <= {"on", "as", "policy"}:
        raise ConfigError(f'{head}: a rule looks like {{"on": "Tax ID", "as": "tax_id"}}, got {given!r}')
    fields = _list(given["on"])
    kinds = _list(given.get("as", "exact"))
    if len(kinds) == 1:
        kinds *= len(fields)
    if len(kinds) != len(fields):
        raise ConfigError(f"{head}: {given['on']!r} and {given['as']!r} have different lengths")
    try:
        policy = Policy(given.get("policy", Policy.HOLD))
    except ValueError:
        known = ", ".join(item.value for item in Policy)
        raise ConfigError(f"{head}: there is no policy {given['policy']!r}; take one of {known}") from None
    names = tuple(_field(description, head, name) for name in fields)
    text = " and ".join(f"{name} as {kind}" for name, kind in zip(names, kinds, strict=True))
    return MatchRule(text[:_LONGEST_NAME], names, tuple(named(kind) for kind in kinds), policy)


def _field(description: EntityDescription, head: str, name: str) -> str:
    try:
        field = description.find(name)
    except AmbiguousFieldError as error:
        raise ConfigError(f"{head}: {error}; use the API key") from error
    if field is None:
        raise ConfigError(f"{head}: the destination has no field {name!r}; correct the rule")
    if field == description.external_id_field:
        raise ConfigError(f"{head}: {name!r} holds the external ID, which always comes first; take the rule out")
    return field.name


def _list(given: t.Any) -> list[str]:
    return [str(item) for item in given] if isinstance(given, list) else [str(given)]


def fields_to_sweep(description: EntityDescription, rules: Sequence[MatchRule]) -> tuple[str, ...]:
    """Return the fields a sweep has to bring for rules: those they compare, or all where records are weighed."""
    if any(rule.policy is Policy.MOST_COMPLETE for rule in rules):
        return tuple(field.name for field in description.fields)
    return tuple(dict.fromkeys(name for rule in rules for name in rule.fields))


def entries_of(rules: Sequence[MatchRule], entry: IndexEntry) -> list[tuple[str, str]]:
    """Return (rule, key) of a record met by a sweep."""
    return [(rule.name, key) for rule in rules for key in sorted(rule.keys(entry.values))]


def by_stream(given: Mapping[str, t.Any], known: Sequence[str], setting: str) -> Mapping[str, t.Any]:
    """Return a setting that is given per stream.

    Raises:
        ConfigError: If it names a stream the destination has no entity for.
    """
    for stream in given:
        if stream not in known:
            raise ConfigError(f"setting {setting}: there is no stream {stream!r}; there are {', '.join(known)}")
    return given
