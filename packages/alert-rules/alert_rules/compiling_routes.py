"""The routing tree in the form the pipeline works with: what a node does not say it has from its parent."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from alert_rules import compiled as form
from alert_rules.durations import duration
from alert_rules.matchers import matcher
from alert_rules.reading import near

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yaml_places import At

    from alert_rules.intervals import Interval
    from alert_rules.model import AlertFile, Route
    from alert_rules.reading import Reader

_DEEPEST: t.Final = 20


@dataclass(frozen=True)
class _Inherited:
    """What a node has from its parent.

    Attributes:
        key: What the parent is known by.
        receiver: Its receiver.
        group_by: Its labels of a group.
        group_wait: How long a new group waits.
        group_interval: Least time between notifications.
        repeat_interval: Time after which it is told again.
    """

    key: str
    receiver: str | None
    group_by: tuple[str, ...] | None
    group_wait: timedelta | None
    group_interval: timedelta
    repeat_interval: timedelta | None


_DEFAULTS: t.Final = _Inherited("", None, ("alert",), None, timedelta(minutes=5), timedelta(hours=24))


class RouteCompiler:
    """Compiles the routing tree.

    Args:
        file: The alert file.
        reader: Notes what is wrong.
        receivers: Receivers by name.
        intervals: Time intervals by name.
    """

    def __init__(
        self,
        file: AlertFile,
        reader: Reader,
        receivers: Mapping[str, form.CompiledReceiver],
        intervals: Mapping[str, Interval],
    ) -> None:
        self._file = file
        self._reader = reader
        self._receivers = receivers
        self._intervals = intervals
        self._used: set[str] = set()
        self._used_intervals: set[str] = set()

    def compile(self) -> form.CompiledRoute | None:
        """Return the root, None if it cannot be used; note receivers and intervals that nothing uses."""
        root = self._file.route
        if root.receiver is None:
            self._reader.wrong(("route",), "missing", "the root route names no receiver", "add `receiver: NAME`")
        if root.matchers:
            remedy = "put matchers into a child under `routes`"
            self._reader.wrong(
                ("route", "matchers"), "not_for_root", "the root route takes what no child takes", remedy
            )
        for key in ("mute_time_intervals", "active_time_intervals"):
            if getattr(root, key):
                remedy = "put them into a child under `routes`"
                self._reader.wrong(
                    ("route", key), "not_for_root", f"the root route has no `{key}`, as in Alertmanager", remedy
                )
        made = self._route(root, ("route",), _DEFAULTS, 0)
        self._tell_unused()
        return made

    def _route(self, route: Route, at: At, above: _Inherited, place: int) -> form.CompiledRoute | None:
        read = self._reader.read
        matchers = [
            read((*at, "matchers", str(index)), partial(matcher, one)) for index, one in enumerate(route.matchers)
        ]
        conditions = tuple(one for one in matchers if one is not None)
        receiver = self._receiver(route, at, above)
        own = _Inherited(
            key=f"{above.key}/{{{','.join(map(str, conditions))}}}",
            receiver=receiver,
            group_by=above.group_by if route.group_by is None else _labels(route.group_by),
            group_wait=self._wait(route, at, above),
            group_interval=self._duration((*at, "group_interval"), route.group_interval, above.group_interval),
            repeat_interval=self._repeat(route, at, above),
        )
        if at != ("route",) and not route.matchers:
            remedy = "add matchers; without them it takes every alert"
            self._reader.unwise(
                (*at, "receiver"), "takes_all", "a child route without matchers takes every alert", remedy
            )
        children = self._children(route, at, own)
        if receiver is None:
            return None
        return form.CompiledRoute(
            key=own.key if place == 0 else f"{own.key}#{place}",
            receiver=receiver,
            matchers=conditions,
            goes_on=route.continue_,
            group_by=own.group_by,
            group_wait=own.group_wait,
            group_interval=own.group_interval,
            repeat_interval=own.repeat_interval,
            muted=self._times((*at, "mute_time_intervals"), route.mute_time_intervals),
            active=self._times((*at, "active_time_intervals"), route.active_time_intervals),
            routes=children,
        )

    def _children(self, route: Route, at: At, own: _Inherited) -> tuple[form.CompiledRoute, ...]:
        if len(at) > 2 * _DEEPEST:
            self._reader.wrong(at, "too_deep", f"routes are nested more than {_DEEPEST} deep", "flatten them")
            return ()
        made: list[form.CompiledRoute] = []
        seen: dict[str, int] = {}
        last: str | None = None
        for index, child in enumerate(route.routes):
            there = (*at, "routes", str(index))
            if last is not None:
                problem = f"no alert gets here: {last} takes all and does not go on"
                self._reader.unwise(there, "unreachable", problem, "move it up, or add `continue: true` there")
            # Two children with the same matchers are told apart by their place, as their groups are.
            same = ",".join(child.matchers)
            one = self._route(child, there, own, seen.get(same, 0))
            seen[same] = seen.get(same, 0) + 1
            if not child.matchers and not child.continue_:
                last = f"routes {index + 1}"
            if one is not None:
                made.append(one)
        return tuple(made)

    def _receiver(self, route: Route, at: At, above: _Inherited) -> str | None:
        name = route.receiver if route.receiver is not None else above.receiver
        if route.receiver is not None and route.receiver not in self._receivers:
            problem = f"there is no receiver {route.receiver!r}"
            self._reader.wrong((*at, "receiver"), "unknown_receiver", problem, near(route.receiver, self._receivers))
        if name is not None:
            self._used.add(name)
        return name

    def _wait(self, route: Route, at: At, above: _Inherited) -> timedelta | None:
        if route.group_wait is None:
            return above.group_wait
        if route.group_wait.strip() == "run":
            return None
        return self._duration((*at, "group_wait"), route.group_wait, timedelta(0))

    def _repeat(self, route: Route, at: At, above: _Inherited) -> timedelta | None:
        if route.repeat_interval is None:
            return above.repeat_interval
        if route.repeat_interval.strip() == "never":
            return None
        made = self._duration((*at, "repeat_interval"), route.repeat_interval, timedelta(hours=24))
        if not made:
            remedy = "give a duration, or `never`"
            self._reader.wrong((*at, "repeat_interval"), "too_small", "`repeat_interval` cannot be zero", remedy)
        return made

    def _duration(self, at: At, given: str | None, default: timedelta) -> timedelta:
        if given is None:
            return default
        made = self._reader.read(at, lambda: duration(given))
        return default if made is None else made

    def _times(self, at: At, names: Sequence[str]) -> tuple[Interval, ...]:
        found: list[Interval] = []
        for index, name in enumerate(names):
            self._used_intervals.add(name)
            if name in self._intervals:
                found.append(self._intervals[name])
            elif not any(one.name == name for one in self._file.time_intervals):
                problem = f"there is no time interval {name!r}"
                self._reader.wrong((*at, str(index)), "unknown_interval", problem, near(name, self._intervals))
        return tuple(found)

    def _tell_unused(self) -> None:
        escalated = {step.receiver for one in self._file.receivers for step in one.escalation}
        for index, one in enumerate(self._file.receivers):
            if one.name not in self._used | escalated:
                at = ("receivers", str(index), "name")
                problem = f"no route leads to receiver {one.name!r}"
                self._reader.unwise(at, "unused", problem, "name it in a route, or take it out")
        for index, interval in enumerate(self._file.time_intervals):
            if interval.name not in self._used_intervals:
                at = ("time_intervals", str(index), "name")
                self._reader.unwise(at, "unused", f"no route uses the times {interval.name!r}", "take them out")


def _labels(given: Sequence[str]) -> tuple[str, ...] | None:
    return None if "..." in given else tuple(dict.fromkeys(given))
