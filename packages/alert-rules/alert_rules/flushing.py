"""Deciding who is told now: groups and their timers, quiet times, storms, digests, escalation."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field, replace

from alert_rules.compiled import NO_DATA
from alert_rules.escalating import escalate, take_failures
from alert_rules.grouping import Group, due_at, plan
from alert_rules.messages import Said
from alert_rules.quieting import Quiet, is_state, muted
from alert_rules.records import Code, Status
from alert_rules.rerouting import readdress, reroute
from alert_rules.storms import Storms, said
from alert_rules.telling import Teller, Telling
from alert_rules.timers import advance, end_baselines

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledRoute
    from alert_rules.grouping import Pair
    from alert_rules.records import Instance, Membership
    from alert_rules.store import AlertStore


_PUT_OFF: t.Final[dict[Code, str]] = {
    Code.WAITING: "waiting for their group's time",
    Code.MUTED: "kept by quiet hours",
    Code.DIGESTED: "collected for a digest",
    Code.OVER_BUDGET: "over a budget",
}


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush did.

    Attributes:
        notifications: Messages put into the outbox.
        decisions: Decisions by their code.
    """

    notifications: int
    decisions: dict[str, int] = field(default_factory=dict)

    @property
    def waiting(self) -> str:
        """How many decisions put something off, in words; empty when there is none."""
        counted = ((self.decisions.get(code.value, 0), words) for code, words in _PUT_OFF.items())
        return ", ".join(f"{number} {words}" for number, words in counted if number)


def flush(
    compiled: Compiled,
    store: AlertStore,
    now: datetime,
    *,
    run: int | None,
    run_ended: bool,
    streams: Collection[str] = (),
) -> Flushed:
    """Decide who is told now, and put the messages into the outbox. All of it is one transaction of the caller.

    Args:
        compiled: The alert file.
        store: What is kept.
        now: The present moment.
        run: The run; None outside one.
        run_ended: Whether the run has taken all its rows, which groups with `group_wait: run` wait for.
        streams: Streams of the run, of whose rules the baseline is complete then.
    """
    compiled.moment.now = now
    if run_ended:
        end_baselines(compiled, store, streams, now)
    advance(compiled, store, now, run)
    teller = Teller(compiled, store, now)
    take_failures(compiled, store, teller)
    _Flush(compiled, store, teller, now, run_ended=run_ended).tell()
    teller.finish()
    readdress(compiled, store, teller.without_receiver.values())
    store.decide(teller.decisions, now, run)
    return Flushed(len(teller.notifications), dict(Counter(one.code.value for one in teller.decisions)))


class _Flush:
    """One flush."""

    def __init__(
        self, compiled: Compiled, store: AlertStore, teller: Teller, now: datetime, *, run_ended: bool
    ) -> None:
        self._compiled = compiled
        self._store = store
        self._teller = teller
        self._now = now
        self._run_ended = run_ended
        self._routes = {(one.receiver, one.key): one for one in _all_routes(compiled.route)}
        self._members: list[Membership] = []
        self._over: list[Membership] = []

    def tell(self) -> None:
        """Tell all that is due."""
        reroute(self._compiled, self._store, self._teller, self._routes, self._now)
        groups = self._groups()
        quiet = self._quiet(groups)
        due = [one for one in groups if self._prepare(one, quiet)]
        storms = Storms.of(self._compiled, due)
        for group in due:
            self._tell_group(group, storms)
        for telling in storms.tellings(self._compiled, due):
            self._teller.tell(telling)
        escalate(self._compiled, self._store, self._teller, quiet, self._now)
        self._teller.tell_collected(self._routes, quiet)
        self._store.put_members(self._members)
        self._store.drop_members(self._over)
        self._store.put_groups([one.log for one in due if one.told])

    def _groups(self) -> list[Group]:
        keys = {one.group for one in self._store.open_members()}
        logs = self._store.groups(keys)
        logs.update({one.key: one for one in self._store.groups_to_repeat(self._now)})
        members: dict[str, list[Membership]] = {}
        for one in self._store.members(logs):
            members.setdefault(one.group, []).append(one)
        instances = self._store.instances({one.fingerprint for some in members.values() for one in some})
        found = []
        for key, log in sorted(logs.items()):
            route = self._routes.get((log.receiver, log.route))
            if route is None:
                continue
            pairs = [(one, instances[one.fingerprint]) for one in members.get(key, [])]
            found.append(Group(log, route, self._compiled.receivers[route.receiver], pairs))
        return found

    def _quiet(self, groups: Sequence[Group]) -> Quiet:
        # An event makes others needless while it is news; a state as long as it fires.
        news = {one.fingerprint for group in groups for one, _ in group.members if one.opened_at is not None}

        def firing() -> list[Instance]:
            return [one for one in self._store.firing() if is_state(self._compiled, one) or one.fingerprint in news]

        return Quiet(self._compiled, self._store.silences(self._now), firing, self._now)

    def _prepare(self, group: Group, quiet: Quiet) -> bool:
        """Find out what there is to tell of a group, and whether it is told now."""
        plan(group, self._now)
        group.again = [pair for pair in group.again if self._known_fires(group, pair)]
        for pair in group.needless:
            self._close(group, *pair, Code.NOT_TOLD, "it was over before it was told")
        if not group.receiver.send_resolved:
            for pair in group.resolved:
                self._close(group, *pair, Code.NOT_TOLD, f"{group.receiver.name} is not told the end of alerts")
            group.resolved.clear()
        for some in (group.news, group.resolved, group.again):
            for pair in list(some):
                why = quiet.why(pair[1])
                if why is not None:
                    some.remove(pair)
                    self._keep_quiet(group, pair, *why)
        if not (group.news or group.resolved or group.again):
            if group.log.repeat_at is not None and group.log.repeat_at <= self._now:
                group.told = True
                group.log = replace(group.log, repeat_at=self._next_repeat(group))
            return group.told
        waits = due_at(group, self._now, run_ended=self._run_ended)
        if waits is None or waits > self._now:
            then = f"until {waits:%Y-%m-%d %H:%M %Z}" if waits is not None else "for the end of the run"
            self._wait(group, Code.WAITING, f"the group waits {then}")
            return False
        why_muted = muted(group.route, self._now)
        if why_muted is not None and group.receiver.digest is None:
            self._wait(group, Code.MUTED, why_muted)
            return False
        return True

    def _keep_quiet(self, group: Group, pair: tuple[Membership, Instance], code: Code, text: str) -> None:
        one, instance = pair
        goes_on = is_state(self._compiled, instance) or code is Code.HELD
        if goes_on and instance.status is Status.FIRING:
            self._decide(instance, code, text, group)
            self._unbind(one)
        else:
            # What happens once, and the end of what was silenced, is not told later: it would be no news then.
            self._close(group, one, instance, code, text)
            if instance.status is Status.RESOLVED:
                self._teller.forget(group.receiver.name, instance.fingerprint)

    def _wait(self, group: Group, code: Code, text: str) -> None:
        for one, instance in (*group.news, *group.resolved):
            self._decide(instance, code, text, group)
            self._unbind(one)

    def _unbind(self, one: Membership) -> None:
        """Note that a run whose end was waited for has ended."""
        if self._run_ended and one.run is not None:
            self._members.append(replace(one, run=None))

    def _close(self, group: Group, one: Membership, instance: Instance, code: Code, text: str) -> None:
        self._over.append(one)
        self._decide(instance, code, text, group)

    def _decide(self, instance: Instance, code: Code, text: str, group: Group) -> None:
        said = Said(instance, instance.status, instance.version)
        self._teller.decide(said, code, text, group.receiver.name)

    def _tell_group(self, group: Group, storms: Storms) -> None:
        news = storms.without(group, group.news)
        first = [*news, *storms.without(group, group.resolved)]
        purpose: t.Any = "alert"
        if not news:
            purpose = "resolved"
        elif all(instance.rule == NO_DATA for _, instance in news):
            purpose = "no_data"
        self._tell(group, purpose, first)
        self._tell(group, "repeat", storms.without(group, group.again), str(group.log.told))
        if group.news or group.resolved or group.again:
            self._note_told(group)

    def _tell(self, group: Group, purpose: t.Any, pairs: Sequence[Pair], turn: str = "") -> None:
        if pairs:
            labels = dict(group.log.labels)
            some = [said(pair) for pair in pairs]
            self._teller.tell(Telling(group.receiver, group.log.route, group.text, labels, purpose, some, turn))

    def _note_told(self, group: Group) -> None:
        for one, instance in (*group.news, *group.resolved):
            if instance.status is Status.FIRING and is_state(self._compiled, instance):
                known = replace(one, opened_at=None, run=None, told_version=instance.version, told_status=Status.FIRING)
                self._members.append(known)
            else:
                self._over.append(one)
        group.told = True
        log = replace(group.log, notified_at=self._now, told=group.log.told + 1)
        # News do not put off when the rest is told again.
        goes_on = group.log.repeat_at is not None and not group.again and self._others_fire(group)
        group.log = log if goes_on else replace(log, repeat_at=self._next_repeat(group))

    def _others_fire(self, group: Group) -> bool:
        """Return whether something fires in a group of which its receiver was told before."""
        return any(self._known_fires(group, pair) for pair in group.members)

    def _known_fires(self, group: Group, pair: Pair) -> bool:
        one, instance = pair
        told = one.told_status is Status.FIRING and one.told_version >= instance.version
        return told and self._fires(group, instance)

    def _fires(self, group: Group, instance: Instance) -> bool:
        """Return whether an alert goes on, by a rule of the file, and its labels lead to the group's route."""
        if instance.status is not Status.FIRING or not is_state(self._compiled, instance):
            return False
        return any(route is group.route for route in self._compiled.routes_of(instance.labels))

    def _next_repeat(self, group: Group) -> datetime | None:
        interval = group.route.repeat_interval
        fires = any(self._fires(group, one) for _, one in group.news) or self._others_fire(group)
        return self._now + interval if interval is not None and fires else None


def _all_routes(route: CompiledRoute) -> Iterator[CompiledRoute]:
    yield route
    for child in route.routes:
        yield from _all_routes(child)
