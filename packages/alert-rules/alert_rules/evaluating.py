"""What a row makes of an alert: pure, the clock comes in with the call."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from alert_rules.errors import BadRowError
from alert_rules.identity import fingerprint, identity_of, plain
from alert_rules.records import Code, Decision, Instance, Status

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledRule
    from alert_rules.expressions import Row


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a row makes of an alert.

    Attributes:
        decision: What was decided about the row.
        instance: The alert as it is now; None if it is as it was, or there is none.
        news: Whether receivers are to be told.
    """

    decision: Decision | None
    instance: Instance | None = None
    news: bool = False


def evaluate(
    compiled: Compiled,
    rule: CompiledRule,
    row: Row,
    source_key: str,
    before: Instance | None,
    *,
    now: datetime,
    baseline: bool,
    row_at: datetime | None = None,
    untold: bool = False,
    deleted: bool = False,
) -> Evaluated:
    """Return what a row makes of an alert.

    Args:
        compiled: The alert file.
        rule: A rule of the row's stream.
        row: The row, with every field of its stream.
        source_key: Its key as JSON.
        before: The alert as it was; None if there was none.
        now: The present moment.
        baseline: Whether rows that match are noted and not told, because the rule is new.
        row_at: When the row was read at the source; None when that is not known.
        untold: Whether somebody is still to be told of the alert, so that it needs its values.
        deleted: Whether the source has deleted the row, of which only the key is known then.

    Raises:
        BadRowError: The rule cannot be applied to the row.
    """
    identity = identity_of(rule, row)
    found = _Found(compiled, rule, row, source_key, identity, before, now, row_at, untold, deleted)
    decided_at = before.row_at if before is not None and rule.kind == "state" else None
    if row_at is not None and decided_at is not None and row_at < decided_at:
        text = f"the row is older than the one the alert was last decided by, of {_at(decided_at)}"
        return Evaluated(found.decided(Code.OLDER_ROW, text))
    goes_on = before is not None and before.status in {Status.PENDING, Status.FIRING, Status.BASELINE}
    if deleted and not (goes_on and rule.kind == "state"):
        return Evaluated(None)
    if rule.kind == "event":
        return found.event(baseline=baseline)
    if goes_on:
        return found.going_on(t.cast("Instance", before), baseline=baseline)
    return found.beginning(baseline=baseline)


@dataclass(frozen=True, slots=True)
class _Found:
    """A row, and the alert it belongs to."""

    compiled: Compiled
    rule: CompiledRule
    row: Row
    source_key: str
    identity: Mapping[str, t.Any]
    before: Instance | None
    now: datetime
    row_at: datetime | None
    untold: bool
    deleted: bool

    def event(self, *, baseline: bool) -> Evaluated:
        """Take a row of a rule that tells once."""
        if not self.rule.matches(self.row):
            return Evaluated(None)
        step = self._step()
        before = self.before
        if before is None:
            if baseline:
                return self._baseline(step)
            made = replace(self._made(step), status=Status.FIRING, version=1, fired_at=self.now)
            return Evaluated(self.decided(Code.FIRED, "it matches for the first time"), made, news=True)
        if step > self._crossed_before(before):
            if baseline:
                return self._baseline(step)
            made = replace(
                self._made(step),
                status=Status.FIRING,
                version=before.version + 1,
                since=before.since,
                fired_at=self.now,
            )
            return Evaluated(self.decided(Code.STEP, self._crossed(step)), made, news=True)
        reason = (
            "it was there when the rule began" if before.status is Status.BASELINE else f"since {_at(before.since)}"
        )
        again = self._restored(before) if before.erased and self.untold else None
        return Evaluated(self.decided(Code.NOT_NEW, f"known already: {reason}"), again)

    def beginning(self, *, baseline: bool) -> Evaluated:
        """Take a row of a state that does not fire."""
        if not self.rule.matches(self.row):
            return Evaluated(None)
        step = self._step()
        if baseline:
            return self._baseline(step)
        version = self.before.version if self.before is not None else 0
        made = replace(self._made(step), version=version)
        if self.rule.hold:
            waits = f"it matches, and fires when it still does after {self.rule.hold}"
            return Evaluated(self.decided(Code.PENDING, waits), replace(made, status=Status.PENDING))
        fired = replace(made, status=Status.FIRING, version=version + 1, fired_at=self.now)
        return Evaluated(self.decided(Code.FIRED, "it matches and did not before"), fired, news=True)

    def going_on(self, before: Instance, *, baseline: bool) -> Evaluated:
        """Take a row of a state that fires, waits to fire, or was there when the rule began."""
        if self._over(before):
            return self._ending(before)
        crossed = self._crossed_before(before)
        step = self._step() if self.rule.matches(self.row) else crossed
        kept = replace(
            self._made(max(step, crossed)),
            status=before.status,
            version=before.version,
            since=before.since,
            fired_at=before.fired_at,
            acknowledged_at=before.acknowledged_at,
            acknowledged_by=before.acknowledged_by,
        )
        if before.status is Status.PENDING:
            if self.now - before.since >= self.rule.hold:
                fired = replace(kept, status=Status.FIRING, version=before.version + 1, fired_at=self.now)
                return Evaluated(
                    self.decided(Code.FIRED, f"it has matched since {_at(before.since)}"), fired, news=True
                )
            return Evaluated(self.decided(Code.PENDING, f"it has matched since {_at(before.since)}"), kept)
        if step > crossed and baseline:
            text = "it fired already when the rule was changed (initial: baseline)"
            labels = {**before.labels, "step": kept.labels["step"]}
            return Evaluated(self.decided(Code.BASELINE, text), replace(kept, labels=labels))
        if step > crossed:
            fired = replace(
                kept,
                status=Status.FIRING,
                version=before.version + 1,
                fired_at=self.now,
                acknowledged_at=None,  # what was taken on was less than this
                acknowledged_by=None,
            )
            return Evaluated(self.decided(Code.STEP, self._crossed(step)), fired, news=True)
        word = "it was there when the rule began" if before.status is Status.BASELINE else "it fires already"
        # Labels decide who is told; they change with what is worth telling, and not between.
        if not before.erased:
            kept = replace(kept, labels=before.labels)
        return Evaluated(self.decided(Code.NOT_NEW, f"{word}, since {_at(before.since)}"), kept)

    def _over(self, before: Instance) -> bool:
        """Return whether the row ends the alert; others end when it matches no more."""
        if self.deleted:
            return True
        if before.status is Status.FIRING:
            return self.rule.resolves(self.row)
        return not self.rule.matches(self.row) or (
            self.rule.resolve_when is not None and self.rule.resolve_when.holds(self.row)
        )

    def _ending(self, before: Instance) -> Evaluated:
        kept = replace(before, seen_at=self.now, source_key=self.source_key, row_at=self.row_at)
        if before.status is not Status.FIRING:
            text = f"{self._why_over()}, before it fired" if before.status is Status.PENDING else "it was never told"
            over = replace(kept, status=Status.RESOLVED, resolved_at=self.now)
            return Evaluated(self.decided(Code.CANCELLED, text), over)
        if self.rule.keep_firing_for:
            since = before.ending_since or self.now
            if self.now - since < self.rule.keep_firing_for:
                text = f"it is over since {_at(since)}, and keeps firing for {self.rule.keep_firing_for}"
                return Evaluated(self.decided(Code.KEPT_FIRING, text), replace(kept, ending_since=since))
        text = self._why_over() if self.deleted else "it is over"
        return Evaluated(self.decided(Code.RESOLVED, text), self._resolved(before), news=True)

    def _why_over(self) -> str:
        return "its row was deleted at the source" if self.deleted else "it matches no more"

    def _resolved(self, before: Instance) -> Instance:
        """Return the alert when it has ended; its texts are those of the row that ended it, where they can be made."""
        if before.erased and not self.deleted:
            before = self._restored(before)
        annotations = before.annotations
        if not self.deleted:
            with suppress(BadRowError):
                annotations = self.rule.annotations_of(self.row)
        return replace(
            resolved(before, self.now),
            annotations=annotations,
            seen_at=self.now,
            source_key=self.source_key,
            row_at=self.row_at,
        )

    def _restored(self, before: Instance) -> Instance:
        """Return an alert whose values were erased with those of the row, where they can be made."""
        try:
            made = self._made(before.step)
        except BadRowError:
            return before
        return replace(
            before,
            identity=made.identity,
            labels=made.labels,
            annotations=made.annotations,
            values=made.values,
            amount=made.amount,
            erased=False,
        )

    def _baseline(self, step: int) -> Evaluated:
        text = "it matched already when the rule was new (initial: baseline)"
        before = self.before
        made = replace(self._made(step), status=Status.BASELINE, version=before.version if before else 0)
        return Evaluated(self.decided(Code.BASELINE, text), made)

    def _step(self) -> int:
        return self.rule.steps.reached(self.row) if self.rule.steps is not None else 0

    def _crossed_before(self, before: Instance) -> int:
        """Return how many of the present thresholds the alert had crossed; those of then may have been others."""
        if self.rule.steps is None or not before.step:
            return 0
        thresholds = self.rule.steps.thresholds
        told = before.labels.get("step")
        return sum(one <= Decimal(told) for one in thresholds) if told else min(before.step, len(thresholds))

    def _crossed(self, step: int) -> str:
        steps = t.cast("t.Any", self.rule.steps)
        return f"it has crossed the step {steps.thresholds[step - 1]}"

    def _made(self, step: int) -> Instance:
        labels = self.rule.labels_of(self.row)
        annotations = self.rule.annotations_of(self.row)
        if self.rule.steps is not None and step:
            labels["step"] = f"{self.rule.steps.thresholds[step - 1]:f}"
        values: dict[str, t.Any] = {}
        for route in self.compiled.routes_of(labels):
            receiver = self.compiled.receivers[route.receiver]
            names = receiver.fields | frozenset().union(
                *(self.compiled.receivers[one.receiver].fields for one in receiver.escalation)
            )
            values.update({name: plain(self.row.get(name)) for name in names if name in self.row})
            # A bad number holds the row, while a person can still correct it.
            for told in (receiver, *(self.compiled.receivers[one.receiver] for one in receiver.escalation)):
                for channel in told.channels:
                    channel.recipients(self.row, self.rule.region)
        amount = self.rule.steps.value.value(self.row) if self.rule.steps is not None else None
        return Instance(
            rule=self.rule.name,
            fingerprint=fingerprint(self.rule.name, self.identity),
            stream=self.rule.stream,
            source_key=self.source_key,
            identity=self.identity,
            labels=labels,
            annotations=annotations,
            values=values,
            status=Status.PENDING,
            since=self.now,
            seen_at=self.now,
            step=step,
            row_at=self.row_at,
            amount=Decimal(amount) if isinstance(amount, (int, Decimal)) else None,
        )

    def decided(self, code: Code, text: str) -> Decision:
        mark = fingerprint(self.rule.name, self.identity)
        return Decision(code, text, self.rule.name, mark, self.rule.stream, self.source_key)


def resolved(before: Instance, now: datetime) -> Instance:
    """Return an alert that has ended."""
    return replace(
        before, status=Status.RESOLVED, version=before.version + 1, resolved_at=now, ending_since=None, step=0
    )


def in_time(rule: CompiledRule | None, before: Instance, now: datetime) -> Evaluated | None:
    """Return what time alone makes of an alert: `for` is over, or `keep_firing_for` is; None if nothing."""

    def decided(code: Code, text: str) -> Decision:
        return Decision(code, text, before.rule, before.fingerprint, before.stream, before.source_key)

    if rule is None:
        return None
    if before.status is Status.PENDING and now - before.since >= rule.hold and not before.erased:
        fired = replace(before, status=Status.FIRING, version=before.version + 1, fired_at=now)
        return Evaluated(decided(Code.FIRED, f"it has matched since {_at(before.since)}"), fired, news=True)
    if before.status is Status.FIRING and before.ending_since and now - before.ending_since >= rule.keep_firing_for:
        text = f"it is over since {_at(before.ending_since)}"
        return Evaluated(decided(Code.RESOLVED, text), resolved(before, now), news=True)
    return None


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
