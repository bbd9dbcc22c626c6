"""What the engine keeps about one entity during a run."""

from __future__ import annotations

import difflib
import logging
import typing as t
from dataclasses import dataclass, field, replace

from sync_ledger.adapter import IndexEntry
from sync_ledger.engine.field_rules import FieldRules, field_rules
from sync_ledger.engine.lost_creates import recover
from sync_ledger.engine.match_rules import entries_of, fields_to_sweep, match_rules
from sync_ledger.errors import ConfigError
from sync_ledger.fields import AmbiguousFieldError
from sync_ledger.ledger.clock import now

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta

    from sync_ledger.adapter import Destination, EntityAdapter
    from sync_ledger.engine.match_rules import MatchRule
    from sync_ledger.fields import EntityDescription
    from sync_ledger.ledger import Ledger

logger = logging.getLogger("sync_ledger")

_FIND_CHUNK = 100


@dataclass(frozen=True)
class EntityWork:
    """An entity ready to take rows: described, and its index up to date.

    Attributes:
        adapter: Its adapter.
        description: Its fields as the service has them now.
        relations: Names of its RELATION fields -> entity they point to.
        rules: Its match rules, in their order.
        field_rules: Its field rules.
        undecided: External ID -> records any of which may be the one a create without an answer has made.
    """

    adapter: EntityAdapter
    description: EntityDescription
    relations: dict[str, str]
    rules: tuple[MatchRule, ...] = ()
    field_rules: FieldRules = field(default_factory=FieldRules)
    undecided: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def parents(self) -> frozenset[str]:
        """Entities that have to be written before this one."""
        return (self.description.after | frozenset(self.relations.values())) - {self.description.entity}


def open_entity(
    destination: Destination,
    ledger: Ledger,
    entity: str,
    *,
    full_sweep_after: timedelta,
    rules: t.Any = (),
    fields: t.Any = None,
) -> EntityWork:
    """Describe an entity and bring its index up to date.

    The sweep is full the first time and when the last full one is older than `full_sweep_after` (only a full sweep
    notices records that vanished), otherwise it lists what changed since the last sweep. Creates that were in flight
    when an earlier run died are looked up one by one as well, since a listing may lag behind. The sweep also keeps the
    match index, which a rule that is new there needs a full one for.

    Args:
        destination: The account.
        ledger: Its ledger.
        entity: Name of the entity.
        full_sweep_after: Age at which the index is read anew as a whole.
        rules: Its part of the setting `match_rules`.
        fields: Its part of the setting `field_rules`.
    """
    adapter = destination.entity(entity)
    description = adapter.describe()
    ledger.masks.resolve(description)
    matching = match_rules(description, list(rules))
    fielding = field_rules(description, fields or {})
    mark = ledger.index.mark(entity)
    full = mark is None or mark.next_since is None or now() - mark.full_at > full_sweep_after
    full = not ledger.match_index.keep(entity, [rule.name for rule in matching]) or full
    met = _sweep(adapter, ledger, matching, full=full)
    logger.info("Index of %s: %d records met in a %s sweep", entity, met, "full" if full else "delta")
    if description.external_id_field is None:
        undecided = recover(adapter, ledger)
    else:
        undecided = {}
        _recover(adapter, ledger, entity)
    relations = {field.name: field.relation for field in description.fields if field.relation}
    return EntityWork(adapter, description, relations, matching, fielding, undecided)


def _sweep(adapter: EntityAdapter, ledger: Ledger, rules: Sequence[MatchRule], *, full: bool) -> int:
    """Bring the indexes of an entity up to date and return the number of records met."""
    entity = adapter.entity
    mark = ledger.index.mark(entity)
    since = None if full or mark is None else mark.next_since
    if not rules:
        return ledger.index.store(entity, adapter.sweep(since), full=full)
    sweep = adapter.sweep(since, fields_to_sweep(adapter.describe(), rules))
    number = (mark.number if mark else 0) + full
    entries = ledger.match_index.taking(entity, sweep.entries, number, lambda entry: entries_of(rules, entry))
    met = ledger.index.store(entity, replace(sweep, entries=entries), full=full)
    ledger.match_index.swept(entity, [rule.name for rule in rules], number, full=full)
    return met


def _recover(adapter: EntityAdapter, ledger: Ledger, entity: str) -> None:
    waiting = ledger.links.interrupted(entity)
    for start in range(0, len(waiting), _FIND_CHUNK):
        chunk = waiting[start : start + _FIND_CHUNK]
        indexed = ledger.index.find(entity, chunk)
        missing = [external_id for external_id in chunk if external_id not in indexed]
        if missing:
            found = adapter.find(missing)
            ledger.index.add(entity, _pairs(IndexEntry(hit, key) for key, hits in found.items() for hit in hits))
    if waiting:
        logger.info("Looked up %d creates of %s that were in flight when an earlier run ended", len(waiting), entity)
    ledger.links.forget_creates(entity)


def _pairs(entries: Iterable[IndexEntry]) -> Iterator[tuple[str, str]]:
    return ((entry.external_id, entry.remote_id) for entry in entries if entry.external_id)


def check_properties(description: EntityDescription, properties: Iterable[str]) -> None:
    """Refuse a stream whose schema names fields the service does not have or does not let be written.

    Raises:
        ConfigError: Naming stream, field and the nearest known names.
    """
    for name in properties:
        try:
            found = description.find(name)
        except AmbiguousFieldError as error:
            raise ConfigError(f"Stream {description.entity!r}: {error}; use the API key in the mapping") from error
        if found is None:
            near = difflib.get_close_matches(name, list(description.names()), n=3)
            hint = f"did you mean {' or '.join(repr(item) for item in near)}?" if near else "see its field list there."
            raise ConfigError(
                f"Stream {description.entity!r}: the destination has no field {name!r}; {hint} "
                "Correct the mapping, or create the field at the service"
            )
        if found == description.external_id_field:
            raise ConfigError(
                f"Stream {description.entity!r}: field {name!r} holds the external ID, which the target writes itself "
                "from the key properties; take it out of the mapping or make it the key property"
            )
        if not found.creatable and not found.updatable:
            raise ConfigError(
                f"Stream {description.entity!r}: field {name!r} is read-only at the destination; "
                "take it out of the mapping"
            )
        if found.options is not None:
            len(found.options)  # options that have to be asked for are asked for here, before any row is taken
