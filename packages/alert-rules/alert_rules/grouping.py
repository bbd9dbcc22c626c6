"""Groups: what is new in one, and when it may be told. The reasons are those of Alertmanager's notification stage."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import timedelta

from alert_rules.records import Instance, Membership, Status

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alert_rules.compiled import CompiledReceiver, CompiledRoute
    from alert_rules.records import GroupLog

Pair: t.TypeAlias = tuple[Membership, Instance]


@dataclass(slots=True)
class Group:
    """A group of a receiver, and what there is to tell of it.

    Attributes:
        log: What is kept of it.
        route: Its route.
        receiver: Who is told.
        members: Its alerts.
        news: Those that fire, or have crossed a step, since they were told.
        resolved: Those that are over, and were told.
        again: Those that still fire, when it is time to say so again.
        needless: Those that are over, and were never told.
        told: Whether what is kept of it has changed.
    """

    log: GroupLog
    route: CompiledRoute
    receiver: CompiledReceiver
    members: Sequence[Pair]
    news: list[Pair] = field(default_factory=list)
    resolved: list[Pair] = field(default_factory=list)
    again: list[Pair] = field(default_factory=list)
    needless: list[Pair] = field(default_factory=list)
    told: bool = False

    @property
    def text(self) -> str:
        """Its key as Alertmanager writes one."""
        return f"{self.route.key}:{{{', '.join(f'{name}={value!r}' for name, value in self.log.labels)}}}"


def plan(group: Group, now: datetime) -> None:
    """Find out what there is to tell of a group.

    Something fires that the receiver does not know of, or something it knows of is over; and when the time has come,
    what still fires is told again, but for what somebody has taken on.
    """
    for one, instance in group.members:
        if one.opened_at is None or instance.version <= one.told_version:
            continue
        if instance.status is Status.FIRING:
            group.news.append((one, instance))
        elif one.told_status is Status.FIRING:
            group.resolved.append((one, instance))
        else:
            group.needless.append((one, instance))
    if group.log.repeat_at is not None and group.log.repeat_at <= now:
        group.again.extend(
            (one, instance)
            for one, instance in group.members
            if instance.status is Status.FIRING
            and one.told_status is Status.FIRING
            and instance.acknowledged_at is None
        )


def due_at(group: Group, now: datetime, *, run_ended: bool) -> datetime | None:
    """Return when a group with something to tell may be told; None for the end of the run."""
    opened = [one.opened_at for one, _ in (*group.news, *group.resolved) if one.opened_at is not None]
    if not opened:
        return group.log.repeat_at
    first = min(opened)
    if group.route.group_wait is None:
        bound = any(one.run is not None for one, _ in (*group.news, *group.resolved))
        if bound and not run_ended:
            return None
        wait = timedelta(0)
    else:
        wait = group.route.group_wait
    last = group.log.notified_at
    if first > now or (last is not None and last > now):
        return now  # the clock was set back: what was ahead of it must not keep the group silent until then
    if last is None:
        return first + wait
    knows = any(one.told_version > 0 for one, _ in group.members)
    # A group that has told of all its alerts before begins anew, but not sooner than it may speak again.
    return max(last + group.route.group_interval, first if knows else first + wait)
