"""Stage match: which record a row means that has neither link nor external ID there yet. It never guesses.

The rules of a stream are tried in their order against the match index; the first that finds a record decides. Records
that carry another external ID, or are linked to one, are never candidates. What the index says is checked against the
record itself before anything is decided, since the index may be behind.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass

from sync_ledger.rows import Reason

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sync_ledger.adapter import RemoteRecord
    from sync_ledger.engine.match_rules import Candidate, MatchRule
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.ledger import Ledger

Values = t.Mapping[str, t.Any]

_MOST_SHOWN = 20
"""Candidates kept with a held row: more than that say that the rule is too wide, whichever they are."""


@dataclass(frozen=True)
class Finding:
    """What the rules found for one row.

    Attributes:
        rule: Name of the rule that decided.
        record: The record it found, as it is now; None if the row is to be held.
        reason: Why it is held.
        text: The same in words.
        candidates: Records that come into question.
    """

    rule: str
    record: RemoteRecord | None = None
    reason: Reason = Reason.NONE
    text: str = ""
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Hit:
    """The one record a rule found for a row, by the index."""

    rule: MatchRule
    remote_id: str


class Matcher:
    """Matches the rows of one run.

    Args:
        ledger: Its ledger.
        plan_id: The plan it makes, if it makes one.
    """

    def __init__(self, ledger: Ledger, plan_id: int | None) -> None:
        self._ledger = ledger
        self._plan_id = plan_id

    def find(self, work: EntityWork, rows: Mapping[str, Values]) -> dict[str, Finding]:
        """Return external ID -> finding of those rows (external ID -> values) for which a rule found something."""
        found: dict[str, Finding] = {}
        if not work.rules:
            return found
        hits: dict[str, _Hit] = {}
        records: dict[str, RemoteRecord] = {}
        waiting = set(rows)
        while waiting:
            new = self._by_index(work, {key: rows[key] for key in rows if key in waiting}, found)
            unread = sorted({hit.remote_id for hit in new.values()} - set(records))
            records.update(work.adapter.read(unread) if unread else {})
            good = {key: hit for key, hit in new.items() if _fits(hit, key, rows[key], records.get(hit.remote_id))}
            hits.update(good)
            waiting = set(new) - set(good)
            if waiting:  # the index was behind with these: they are looked for once more without it
                stale = {new[key].remote_id for key in waiting}
                self._ledger.match_index.drop(work.description.entity, sorted(stale))
        self._decide(work, hits, records, found)
        return found

    def _by_index(self, work: EntityWork, rows: Mapping[str, Values], found: dict[str, Finding]) -> dict[str, _Hit]:
        """Return the rows for which the index knows exactly one record; those to be held go to `found`."""
        entity = work.description.entity
        hits: dict[str, _Hit] = {}
        for rule in work.rules:
            keys = {key: rule.keys(values) for key, values in rows.items() if key not in hits and key not in found}
            wanted = sorted(set().union(*keys.values()))
            fitting = self._ledger.match_index.find(entity, rule.name, wanted) if wanted else {}
            if not fitting:
                continue
            ids = sorted({candidate.remote_id for candidates in fitting.values() for candidate in candidates})
            owners = self._ledger.match_index.owners(entity, ids)
            claims = self._ledger.claims.live(entity, ids, plan_id=self._plan_id)
            for external_id, values in keys.items():
                candidates = _distinct(fitting.get(value, ()) for value in sorted(values))
                free = [one for one in candidates if not owners.get(one.remote_id, set()) - {external_id}]
                if not free:
                    taken = {one.remote_id: claims.get(one.remote_id, set()) - {external_id} for one in candidates}
                    taken = {remote_id: others for remote_id, others in taken.items() if others}
                    if taken:
                        found[external_id] = _contended(rule.name, taken)
                    continue
                chosen = free[0] if len(free) == 1 else rule.choose(free)
                if chosen is None:
                    found[external_id] = _ambiguous(rule.name, free)
                else:
                    hits[external_id] = _Hit(rule, chosen.remote_id)
        return hits

    def _decide(
        self,
        work: EntityWork,
        hits: Mapping[str, _Hit],
        records: Mapping[str, RemoteRecord],
        found: dict[str, Finding],
    ) -> None:
        """Give each row its record, unless others want the same one."""
        entity = work.description.entity
        wanting: dict[str, set[str]] = {}
        for external_id, hit in hits.items():
            wanting.setdefault(hit.remote_id, set()).add(external_id)
        claims = self._ledger.claims.live(entity, sorted(wanting), plan_id=self._plan_id) if wanting else {}
        late: dict[tuple[str, str], str] = {}
        for external_id, hit in hits.items():
            record = records[hit.remote_id]
            others = (wanting[hit.remote_id] | claims.get(hit.remote_id, set())) - {external_id}
            if not others or record.external_id == external_id:
                found[external_id] = Finding(hit.rule.name, record)
                continue
            found[external_id] = _contended(hit.rule.name, {hit.remote_id: others})
            for other in claims.get(hit.remote_id, set()) - {external_id}:
                late[hit.remote_id, other] = _contended(hit.rule.name, {hit.remote_id: {external_id}}).text
        if late and self._plan_id is not None:
            self._ledger.plans.contend(self._plan_id, entity, late)


def _fits(hit: _Hit, external_id: str, values: Values, record: RemoteRecord | None) -> bool:
    """Whether a record still is what the index said: there, no other's, and with the same key."""
    if record is None or record.external_id not in {None, external_id}:
        return False
    return bool(hit.rule.keys(values) & hit.rule.keys(record.values))


def _distinct(groups: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    return list({candidate.remote_id: candidate for group in groups for candidate in group}.values())


def _ambiguous(rule: str, candidates: Sequence[Candidate]) -> Finding:
    ids = tuple(sorted((candidate.remote_id for candidate in candidates), key=lambda one: (len(one), one)))
    more = f" and {len(ids) - _MOST_SHOWN} more" if len(ids) > _MOST_SHOWN else ""
    text = f"{len(ids)} records fit ({rule}): {', '.join(ids[:_MOST_SHOWN])}{more}"
    return Finding(rule, reason=Reason.AMBIGUOUS, text=text, candidates=ids[:_MOST_SHOWN])


def _contended(rule: str, taken: Mapping[str, set[str]]) -> Finding:
    text = "; ".join(
        f"record {remote_id} fits ({rule}), but {', '.join(sorted(others)[:_MOST_SHOWN])} wants it too"
        for remote_id, others in itertools.islice(taken.items(), _MOST_SHOWN)
    )
    return Finding(rule, reason=Reason.CONTENDED, text=text, candidates=tuple(taken)[:_MOST_SHOWN])
