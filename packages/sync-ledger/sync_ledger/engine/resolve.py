"""Stage resolve: which remote record an external ID stands for. It never guesses."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.ledger import Ledger
    from sync_ledger.ledger.links import Link


@dataclass(frozen=True)
class Match:
    """What is known of an external ID.

    Attributes:
        link: Its link, when a run has written or compared the record before.
        candidates: Every record known to carry the external ID. None: to be created; one: the record; several: held.
        matched_by: Name of the match rule that found the record, which does not carry the external ID then.
        carries: Whether the record carries the external ID.
        seen: Mark of the link as it was looked up, also of one whose record we have deleted.
    """

    link: Link | None
    candidates: tuple[str, ...]
    matched_by: str | None = None
    carries: bool = True
    seen: tuple[str, str, bool] | None = None

    @property
    def remote_id(self) -> str | None:
        """The record, when there is exactly one."""
        return self.candidates[0] if len(self.candidates) == 1 else None


def resolve(ledger: Ledger, entity: str, external_ids: Sequence[str]) -> dict[str, Match]:
    """Look external IDs up in links and index, a whole batch at a time and without a call to the service."""
    links = ledger.links.find(entity, external_ids)
    index = ledger.index.find(entity, external_ids)
    matches: dict[str, Match] = {}
    for external_id in external_ids:
        link = links.get(external_id)
        seen = link.mark if link else None
        if link is not None and link.deleted_as == "delete":
            link = None  # its record is gone; a row that comes again gets a new one
        candidates = list(index.get(external_id, ()))
        if link is not None and link.remote_id not in candidates:
            candidates.insert(0, link.remote_id)
        matches[external_id] = Match(link, tuple(candidates), seen=seen)
    return matches
