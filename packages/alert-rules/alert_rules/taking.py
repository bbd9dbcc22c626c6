"""Taking rows in: what each makes of the alerts of its stream's rules, one outcome for each."""

from __future__ import annotations

import enum
import hashlib
import json
import typing as t
from dataclasses import dataclass, replace

from alert_rules.errors import BadRowError
from alert_rules.evaluating import evaluate
from alert_rules.identity import fingerprint, identity_of
from alert_rules.records import Code, Decision, GroupLog, Membership, RuleState, Status

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledRoute, CompiledRule
    from alert_rules.expressions import Row
    from alert_rules.records import Instance
    from alert_rules.store import AlertStore


class Outcome(str, enum.Enum):
    """What became of a row; a row that several rules look at has the weightiest of theirs."""

    HELD = "held"
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


_WEIGHT: t.Final = {one: place for place, one in enumerate(Outcome)}
_OUTCOMES: t.Final = {
    Code.FIRED: Outcome.CREATED,
    Code.PENDING: Outcome.CREATED,
    Code.BASELINE: Outcome.CREATED,
    Code.STEP: Outcome.UPDATED,
    Code.RESOLVED: Outcome.UPDATED,
    Code.CANCELLED: Outcome.UPDATED,
    Code.KEPT_FIRING: Outcome.UNCHANGED,
    Code.NOT_NEW: Outcome.UNCHANGED,
    Code.OLDER_ROW: Outcome.UNCHANGED,
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a stream.

    Attributes:
        key: Its key as JSON.
        values: Its fields.
        read_at: When it was read at the source; None when that is not known.
        deleted: Whether the source has deleted it; only its key is known then.
    """

    key: str
    values: Row
    read_at: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row.

    Attributes:
        outcome: In one word.
        reason: Code of the decision behind it; empty when no rule matches.
        text: Why, for people.
        field: Field that is the cause, where one is.
        remedy: What to do about it.
    """

    outcome: Outcome
    reason: str = ""
    text: str = ""
    field: str | None = None
    remedy: str = ""


class Taking:
    """Takes the rows of a stream in, in their order.

    Args:
        compiled: The alert file.
        store: What is kept, in a transaction.
        now: The present moment.
        run: The run; None outside one.
    """

    def __init__(self, compiled: Compiled, store: AlertStore, now: datetime, run: int | None) -> None:
        self._compiled = compiled
        self._store = store
        self._now = now
        self._run = run
        self._decisions: list[Decision] = []
        self._changed: dict[str, Instance] = {}
        self._news: set[str] = set()
        self._untold: set[str] = set()

    def take(self, stream: str, rows: Sequence[SourceRow]) -> list[RowOutcome]:
        """Take rows in and return one outcome for each."""
        rules = self._compiled.rules_of(stream)
        if not rules:
            return [RowOutcome(Outcome.SKIPPED, "no_rule", f"no rule looks at stream {stream}") for _ in rows]
        self._compiled.moment.now = self._now
        states = rule_states(self._store, rules, self._now)
        known = self._store.instances({mark for rule in rules for row in rows if (mark := _mark(rule, row))})
        self._untold = self._store.untold([mark for mark, one in known.items() if one.erased])
        outcomes = []
        for row in rows:
            found = [self._apply(rule, row, known, baseline=states[rule.name].baselined_at is None) for rule in rules]
            outcomes.append(min(found, key=lambda one: _WEIGHT[one.outcome]))
        if rows:
            self._store.put_rule_states(replace(states[rule.name], last_row_at=self._now) for rule in rules)
        self._store.put_instances(self._changed.values())
        open_groups(self._compiled, self._store, [self._changed[mark] for mark in sorted(self._news)], self._run)
        self._store.decide(self._decisions, self._now, self._run)
        return outcomes

    def _apply(self, rule: CompiledRule, row: SourceRow, known: dict[str, Instance], *, baseline: bool) -> RowOutcome:
        mark = _mark(rule, row)
        before = known.get(mark) if mark is not None else None
        try:
            found = evaluate(
                self._compiled,
                rule,
                row.values,
                row.key,
                before,
                now=self._now,
                baseline=baseline,
                row_at=row.read_at,
                untold=mark in self._untold,
                deleted=row.deleted,
            )
        except BadRowError as error:
            decision = Decision(Code.HELD, str(error), rule.name, mark or "", rule.stream, row.key, field=error.field)
            self._decisions.append(decision)
            return RowOutcome(Outcome.HELD, "rule", f"{rule.name}: {error}", error.field, error.remedy)
        if found.decision is None:
            return RowOutcome(Outcome.UNCHANGED)
        self._decisions.append(found.decision)
        if found.instance is not None:
            known[found.instance.fingerprint] = self._changed[found.instance.fingerprint] = found.instance
            if found.news:
                self._news.add(found.instance.fingerprint)
        outcome = _OUTCOMES[found.decision.code]
        if before is not None and outcome is Outcome.CREATED:
            outcome = Outcome.UNCHANGED if found.decision.code is Code.PENDING else Outcome.UPDATED
        return RowOutcome(outcome, found.decision.code.value, f"{rule.name}: {found.decision.text}")


def _mark(rule: CompiledRule, row: SourceRow) -> str | None:
    try:
        return fingerprint(rule.name, identity_of(rule, row.values))
    except BadRowError:
        return None


def rule_states(store: AlertStore, rules: Iterable[CompiledRule], now: datetime) -> dict[str, RuleState]:
    """Return what is kept of some rules; one that is new, or whose meaning has changed, begins here."""
    kept = store.rule_states()
    states, begun = {}, []
    for rule in rules:
        state = kept.get(rule.name)
        if state is None or state.meaning != rule.meaning:
            last = state.last_row_at if state is not None else None
            # What is to be told from the first row on has no baseline to wait for.
            state = RuleState(rule.name, rule.meaning, now, None if rule.baseline else now, last)
            begun.append(state)
        elif state.baselined_at is None and not rule.baseline:
            state = replace(state, baselined_at=now)
            begun.append(state)
        states[rule.name] = state
    store.put_rule_states(begun)
    return states


def group_of(route: CompiledRoute, instance: Instance) -> GroupLog:
    """Return the group of a route that an alert belongs to."""
    labels = route.group_of(instance.labels)
    said = json.dumps([route.receiver, route.key, labels], ensure_ascii=False)
    key = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:32]
    return GroupLog(key, route.receiver, route.key, labels)


def open_groups(
    compiled: Compiled,
    store: AlertStore,
    news: Sequence[Instance],
    run: int | None,
    *,
    told: Collection[tuple[str, str, int]] = (),
) -> None:
    """Note for the groups of some alerts that there is something to tell of them.

    Labels may change with a step, and with them the groups. Those an alert has left are told its end and nothing else.

    Args:
        compiled: The alert file.
        store: What is kept.
        news: The alerts.
        run: The run; None outside one.
        told: Receivers, alerts and changes of which there is nothing to tell.
    """
    groups: dict[str, GroupLog] = {}
    members: list[Membership] = []
    left: dict[str, list[Membership]] = {}
    for one in store.members_of([instance.fingerprint for instance in news]):
        left.setdefault(one.fingerprint, []).append(one)
    gone: list[Membership] = []
    members_left: list[Membership] = []
    for instance in news:
        over = instance.status is Status.RESOLVED
        opened_at = instance.resolved_at if over else instance.fired_at
        # Labels that were erased lead nowhere; who was told knows it by its groups.
        routes = compiled.routes_of(instance.labels) if not instance.erased else ()
        own = {group.key: group for route in routes for group in [group_of(route, instance)]}
        groups.update(own)
        members += [
            Membership(key, instance.fingerprint, opened_at, run)
            for key, group in own.items()
            if (group.receiver, instance.fingerprint, instance.version) not in told
        ]
        for other in left.get(instance.fingerprint, []):
            if other.group in own:
                continue
            if over:
                members.append(replace(other, opened_at=opened_at, run=run))
            elif other.told_status is Status.FIRING:
                members_left.append(replace(other, opened_at=None, run=None))
            else:
                gone.append(other)
    store.add_groups(groups.values())
    store.open_anew(members)
    store.put_members(members_left)
    store.drop_members(gone)
