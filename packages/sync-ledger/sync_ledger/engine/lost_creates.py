"""Creates whose answer was lost, at entities that do not keep the external ID.

Notes, activities, pipelines and the like have no field to write an external ID into, so such a create can only be
looked for by what was sent: among the records made since by the user written as that no external ID is linked to.

- Exactly one of them says what was sent, and no other lost create claims it: that is the record.
- None of them can be it: the create did not happen and is sent again.
- Anything else cannot be decided by a program. The row is held with the candidates, and stays held until a person has
  looked: sending it again could make a second record, and linking it could overwrite somebody's own.

Services rewrite texts (HTML is sanitised, names are trimmed), so a record is only ruled out by a value that is stored
as it comes, such as a number, a date or a relation, or by a text of other words, and only while nobody has changed the
record since.
"""

from __future__ import annotations

import html
import re
import typing as t
from collections import Counter
from dataclasses import dataclass, field

from sync_ledger.engine.diff import same
from sync_ledger.fields import FieldType
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.adapter import EntityAdapter, NewRecord
    from sync_ledger.fields import EntityDescription
    from sync_ledger.ledger import Ledger
    from sync_ledger.rows import SourceRow

_REWRITTEN = frozenset({FieldType.OBJECT, FieldType.LIST})
"""Kinds of values a service may keep in quite another form than they were sent in."""

_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


@dataclass
class Search:
    """What became of creates without an answer; those in neither map did not happen.

    Attributes:
        found: External ID -> the record it made.
        undecided: External ID -> records any of which may be the one it made.
    """

    found: dict[str, str] = field(default_factory=dict)
    undecided: dict[str, tuple[str, ...]] = field(default_factory=dict)


class LostCreates:
    """Looks for lost creates of one entity.

    Args:
        ledger: Knows which records are linked.
        adapter: Reads the newest records.
    """

    def __init__(self, ledger: Ledger, adapter: EntityAdapter) -> None:
        self._ledger = ledger
        self._adapter = adapter

    def search(self, sent: Mapping[str, Mapping[str, t.Any]], *, since: datetime, made: Collection[str] = ()) -> Search:
        """Find out what became of creates.

        Args:
            sent: External ID -> what was sent for it.
            since: When the first of them was sent, by this machine's clock.
            made: Records known to be others'.
        """
        records = [record for record in self._adapter.newest(since) if record.remote_id not in made]
        linked = self._ledger.links.linked(self._adapter.entity, [record.remote_id for record in records])
        free = [record for record in records if record.remote_id not in linked]
        return decide(self._adapter.describe(), sent, free)


def decide(
    description: EntityDescription, sent: Mapping[str, Mapping[str, t.Any]], records: Sequence[NewRecord]
) -> Search:
    """Tell which of some records the creates have made.

    Args:
        description: The entity's fields.
        sent: External ID -> what was sent for it.
        records: Records made since that nobody else is known to have made.
    """
    equal = {key: [one for one in records if _equal(values, one)] for key, values in sent.items()}
    wanted = Counter(record.remote_id for hits in equal.values() for record in hits)
    search = Search()
    for key, hits in equal.items():
        if len(hits) == 1 and wanted[hits[0].remote_id] == 1:
            search.found[key] = hits[0].remote_id
    taken = set(search.found.values())
    for key, values in sent.items():
        if key in search.found:
            continue
        candidates = [
            one.remote_id for one in records if one.remote_id not in taken and _possible(description, values, one)
        ]
        if candidates:
            search.undecided[key] = tuple(candidates)
    return search


def recover(adapter: EntityAdapter, ledger: Ledger) -> dict[str, tuple[str, ...]]:
    """Find out what became of creates that were in flight when an earlier run ended, and link what they made.

    Returns:
        External ID -> candidates of those that cannot be decided. One that a person wants to be tried again, having
        looked at the candidates, is not among them.
    """
    entity = adapter.entity
    released = ledger.open_rows.to_replay(entity, Reason.AMBIGUOUS_CREATE)
    creates = [one for one in ledger.links.interrupted_creates(entity) if one.external_id not in released]
    search = Search()
    if creates:
        sent = {one.external_id: one.payload for one in creates}
        search = LostCreates(ledger, adapter).search(sent, since=min(one.at for one in creates))
        ledger.links.link_recovered(entity, search.found, creates, ledger.masks)
    ledger.links.forget_creates(entity, keeping=search.undecided)
    return search.undecided


def held_create(row: SourceRow, candidates: Sequence[str]) -> Settled:
    """Return the outcome of a row whose record may be there already."""
    text = (
        f"an answer to its create was lost, and it cannot be told whether one of the records {', '.join(candidates)} is"
        " the one it made"
    )
    return Settled(row, Outcome.HELD, Reason.AMBIGUOUS_CREATE, text=text, candidates=candidates)


def _equal(values: Mapping[str, t.Any], record: NewRecord) -> bool:
    return all(same(record.values.get(name), value) for name, value in values.items())


def _possible(description: EntityDescription, values: Mapping[str, t.Any], record: NewRecord) -> bool:
    if record.changed:
        return True
    for name, value in values.items():
        known = description.find(name)
        if known is None or known.type in _REWRITTEN or name not in record.values:
            continue
        there = record.values[name]
        if isinstance(value, str) and isinstance(there, str) and known.type is FieldType.STRING:
            ours, theirs = _words(value), _words(there)
            if not (ours <= theirs or theirs <= ours):
                return False
        elif not same(there, value):
            return False
    return True


def _words(text: str) -> set[str]:
    return set(_WORD.findall(html.unescape(_TAG.sub(" ", text)).casefold()))
