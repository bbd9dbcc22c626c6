"""Masks: what stands in the ledger in place of a value that is not to be kept there.

A mask keeps the shape of a value (keys of an object, items of a list, null) and none of its content. The hash of the
whole payload is kept beside it, which is enough to tell whether anything has changed, but not what.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from sync_ledger.engine.payload import payload_hash
from sync_ledger.engine.validate import Invalid
from sync_ledger.errors import ConfigError
from sync_ledger.fields import AmbiguousFieldError
from sync_ledger.rows import Reason

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sync_ledger.engine.resolve import Match
    from sync_ledger.fields import EntityDescription
    from sync_ledger.rows import Settled, SourceRow

MASK: t.Final = "*** masked ***"
"""Stands for any value but null; long enough that no source has it by chance."""

_SHORTEST = 2  # characters of a value that a text is searched for; shorter ones are part of any word


def masked(value: t.Any) -> t.Any:
    """Return the shape of a value without its content."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return MASK


def has_mask(value: t.Any) -> bool:
    """Whether a value, or any part of it, is masked."""
    if isinstance(value, dict):
        return any(has_mask(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_mask(item) for item in value)
    return bool(value == MASK)


def mask_fields(payload: Mapping[str, t.Any], names: t.Collection[str]) -> dict[str, t.Any]:
    """Return a payload with the named fields masked."""
    return {name: masked(value) if name in names else value for name, value in payload.items()}


def refill(shape: t.Any, value: t.Any) -> t.Any:
    """Put a value as a service gives it into the shape that was kept of the one that was sent.

    Keys that services add to objects are left out, nothing in any form is null, and whole numbers are integers, as the
    engine compares them; so an equal value gives the payload that was hashed.
    """
    if value in (None, "", []):
        return [] if shape == [] else None
    if isinstance(shape, dict) and isinstance(value, dict):
        return {key: refill(item, value.get(key)) for key, item in shape.items()}
    if isinstance(shape, list) and isinstance(value, list) and len(shape) == len(value):
        return [refill(*pair) for pair in zip(shape, value, strict=True)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def revealed(match: Match, values: Mapping[str, t.Any]) -> Match:
    """Return a match whose link says what was last sent, as far as the new values prove it.

    If the payload is the hashed one with the new values in place of the masked ones, then those have not changed. If
    not, they stay masked, equal to no value, so that all masked fields of the row are sent with what changed.
    """
    link = match.link
    if link is None or not has_mask(link.payload):
        return match
    known = {name: values.get(name) if has_mask(sent) else sent for name, sent in link.payload.items()}
    if payload_hash(known) != link.payload_hash:
        return match
    return replace(match, link=replace(link, payload=known))


def check_kept(row: SourceRow) -> None:
    """Check that a row that is tried again still has its values.

    Raises:
        Invalid: If they were erased, so that the row has to come again from the source.
    """
    if row.open_row_id is None:
        return
    for name, value in row.payload.items():
        if has_mask(value):
            text = f"the value of {name} was erased from the ledger before it was written"
            raise Invalid(Reason.PAYLOAD_ERASED, name, text)


class Masks:
    """The fields of each entity whose values the ledger keeps masked.

    Args:
        configured: Setting `masked_fields`: stream -> names of fields.
    """

    def __init__(self, configured: Mapping[str, Sequence[str]] | None = None) -> None:
        self._names = {entity: frozenset(names) for entity, names in (configured or {}).items()}

    def resolve(self, description: EntityDescription) -> None:
        """Let names of an entity's fields stand for their API keys as well, and the other way round.

        Raises:
            ConfigError: If the service has no such field: a name misspelt would let its values be kept.
        """
        names: set[str] = set()
        for name in self.names(description.entity):
            try:
                field = description.find(name)
            except AmbiguousFieldError as error:
                raise ConfigError(f"setting masked_fields: {error}; use the API key") from error
            if field is None:
                raise ConfigError(
                    f"setting masked_fields: {description.entity} has no field {name!r}; correct the name"
                )
            names |= {field.name, field.key}
        if names:
            self._names[description.entity] = frozenset(names)

    def names(self, entity: str) -> frozenset[str]:
        """Return the names of the masked fields of an entity."""
        return self._names.get(entity, frozenset())

    def hidden(self, item: Settled) -> t.Collection[str]:
        """Return the names of what is to be masked of a row that waits, once it waits no more.

        A row as it came goes by the names of the source, so all of it is to be masked if any field of its entity is.
        """
        names = self.names(item.row.entity)
        if not names:
            return names
        if item.reason is Reason.UNMAPPED:
            return item.row.payload.keys()
        return names | (item.row.original or {}).keys()

    def payload(self, entity: str, values: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return a payload as the ledger keeps it."""
        return mask_fields(values, self.names(entity))

    def settled(self, item: Settled) -> Settled:
        """Return an outcome as the ledger keeps it; the row's payload is left whole, so that it can be sent."""
        names = self.names(item.row.entity)
        if not names:
            return item
        if item.reason is Reason.UNMAPPED:  # its fields go by the names of the source
            return replace(item, text=_scrubbed(item.text, item.row.payload, item.row.payload))
        shown = None
        if item.changes is not None:
            shown = {name: masked(pair) if name in names else pair for name, pair in item.changes.items()}
        text = item.text
        if text is not None:
            text = (
                f"{item.field}: {item.reason.value} (the field is masked, so nothing is said of its value)"
                if item.field in names
                else _scrubbed(text, item.row.payload, names)
            )
        return replace(item, changes=t.cast("t.Any", shown), text=text)


def _scrubbed(text: str | None, payload: Mapping[str, t.Any], names: t.Collection[str]) -> str | None:
    """Take the values of fields out of a text, the longest first."""
    if not text:
        return text
    found = {leaf for name in names for leaf in _leaves(payload.get(name))}
    for leaf in sorted(found, key=len, reverse=True):
        text = text.replace(leaf, MASK)
    return text


def _leaves(value: t.Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool) and len(str(value)) >= _SHORTEST:
        yield str(value)
