"""A changed alert file: what was in groups whose routes are no more goes to the routes that take it now."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from alert_rules.messages import Said
from alert_rules.quieting import is_state
from alert_rules.records import Code, Status
from alert_rules.taking import group_of, open_groups

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledRoute
    from alert_rules.records import GroupLog, Instance, Membership
    from alert_rules.store import AlertStore
    from alert_rules.telling import Teller


def reroute(
    compiled: Compiled,
    store: AlertStore,
    teller: Teller,
    routes: Mapping[tuple[str, str], CompiledRoute],
    now: datetime,
) -> None:
    """Give what waits in groups without route, and what is to be said again there, to the groups that take it now.

    A receiver that was told of an alert by another route still knows of it; one that is new to an alert that fires is
    told of it. What is over, a receiver that was not told of it need not know.

    Args:
        compiled: The alert file.
        store: What is kept.
        teller: Takes the decisions.
        routes: The routes by receiver and key.
        now: The present moment.
    """
    opened = store.open_members()
    logs = store.groups({one.group for one in opened})
    over = {one.key: one for one in store.groups_to_repeat(now) if (one.receiver, one.route) not in routes}
    logs.update(over)
    lost = [one for one in opened if (logs[one.group].receiver, logs[one.group].route) not in routes]
    waiting = {(one.group, one.fingerprint) for one in lost}
    lost += [one for one in store.members(over) if (one.group, one.fingerprint) not in waiting]
    if lost:
        _move(compiled, store, teller, lost, logs)
    store.put_groups([replace(one, repeat_at=None) for one in over.values()])


def readdress(compiled: Compiled, store: AlertStore, instances: Iterable[Instance]) -> None:
    """Give what fires to the groups that take it now.

    Of an event that was told, no group knows anything: who was told is what the messages say.
    """
    fire = [one for one in instances if one.status is Status.FIRING]
    told = store.told([one for one in fire if not is_state(compiled, one)])
    open_groups(compiled, store, fire, None, told=told)


def _move(
    compiled: Compiled,
    store: AlertStore,
    teller: Teller,
    lost: Sequence[Membership],
    logs: Mapping[str, GroupLog],
) -> None:
    instances = store.instances({one.fingerprint for one in lost})
    # Of one whose values were erased nobody knows which route takes it; a row of it will tell.
    lost = [one for one in lost if not instances[one.fingerprint].erased]
    store.drop_members(lost)
    known, groups, carried = _known(compiled, lost, logs, instances)
    store.add_groups(groups)
    news = {one.fingerprint: instances[one.fingerprint] for one in lost}
    readdress(compiled, store, news.values())
    store.put_members(known)
    for one in lost:
        if (one.group, one.fingerprint) not in carried:
            instance = instances[one.fingerprint]
            said = Said(instance, instance.status, instance.version)
            teller.decide(said, Code.NOT_TOLD, "its route is no longer in the file", logs[one.group].receiver)


def _known(
    compiled: Compiled, lost: Sequence[Membership], logs: Mapping[str, GroupLog], instances: Mapping[str, Instance]
) -> tuple[list[Membership], list[GroupLog], set[tuple[str, str]]]:
    """Return what receivers know by other routes, those groups with the times of the groups before, and of which."""
    carried: set[tuple[str, str]] = set()
    known: dict[tuple[str, str], Membership] = {}
    groups: dict[str, GroupLog] = {}
    for one in lost:
        before, instance = logs[one.group], instances[one.fingerprint]
        if one.told_status is not Status.FIRING:
            continue
        for route in compiled.routes_of(instance.labels):
            if route.receiver == before.receiver:
                group = group_of(route, instance)
                groups[group.key] = replace(
                    group, notified_at=before.notified_at, repeat_at=before.repeat_at, told=before.told
                )
                opened = one.opened_at if instance.version > one.told_version else None
                carried.add((one.group, one.fingerprint))
                known[group.key, one.fingerprint] = replace(one, group=group.key, opened_at=opened, run=None)
    return list(known.values()), list(groups.values()), carried
