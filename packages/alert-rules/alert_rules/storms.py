"""The storm brake: what would be many messages about one rule is one for each receiver."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from alert_rules.messages import Said
from alert_rules.records import Status
from alert_rules.telling import Telling

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from alert_rules.compiled import Compiled
    from alert_rules.grouping import Group, Pair
    from alert_rules.notifications import Purpose

_Word: t.TypeAlias = t.Literal["new", "more", "over", "again"]
"""What is said of an alert: that it is new, has crossed a step, is over, or still fires."""

_PURPOSES: t.Final[dict[_Word, Purpose]] = {"new": "storm", "more": "alert", "over": "resolved", "again": "repeat"}


@dataclass(frozen=True, slots=True)
class Storms:
    """What is told in one message, because there is too much of it.

    More new alerts of a rule than its `storm_limit` are one. Of what was told before, more than that many groups are:
    else the day after a storm that was one message would bring one for each of its alerts.

    Attributes:
        found: Rules and what is said of too many of their alerts.
    """

    found: frozenset[tuple[str, _Word]]

    @classmethod
    def of(cls, compiled: Compiled, due: Sequence[Group]) -> Storms:
        """Return what there is too much of in the groups that are told now."""
        counted: dict[tuple[str, _Word], set[str]] = {}
        for group in due:
            for pair, word in _words(group):
                of = pair[1].fingerprint if word == "new" else group.log.key
                counted.setdefault((pair[1].rule, word), set()).add(of)
        limits = {rule.name: rule.storm_limit for rule in compiled.rules}
        return cls(frozenset(one for one, some in counted.items() if one[0] in limits and len(some) > limits[one[0]]))

    def without(self, group: Group, pairs: Sequence[Pair]) -> list[Pair]:
        """Return those alerts of a group that are told by their group."""
        taken = {id(pair) for pair, word in _words(group) if (pair[1].rule, word) in self.found}
        return [pair for pair in pairs if id(pair) not in taken]

    def tellings(self, compiled: Compiled, due: Sequence[Group]) -> list[Telling]:
        """Return the messages in place of those of the groups, the greatest alerts first in each."""
        some: dict[tuple[str, str, _Word], dict[str, tuple[Said, bool]]] = {}
        turns: dict[tuple[str, str, _Word], int] = {}
        routes: dict[tuple[str, str, _Word], dict[str, str]] = {}
        for group in due:
            for pair, word in _words(group):
                if (pair[1].rule, word) in self.found:
                    key = (pair[1].rule, group.receiver.name, word)
                    some.setdefault(key, {})[pair[1].fingerprint] = said(pair)
                    # What a budget puts off must keep the quiet times of the routes it came by.
                    routes.setdefault(key, {})[pair[1].fingerprint] = group.log.route
                    turns[key] = turns.get(key, 0) + group.log.told
        made = []
        for (rule, name, word), alerts in sorted(some.items()):
            # Of those without amount, and of equal ones, in a fixed order.
            greatest = sorted(
                alerts.values(), key=lambda one: (-(one[0].instance.amount or 0), one[0].instance.fingerprint)
            )
            turn = str(turns[rule, name, word]) if word == "again" else ""
            labels = {"alert": rule}
            made.append(
                Telling(
                    compiled.receivers[name],
                    "",
                    f"storm:{rule}",
                    labels,
                    _PURPOSES[word],
                    greatest,
                    turn,
                    routes=routes[rule, name, word],
                )
            )
        return made


def said(pair: Pair) -> tuple[Said, bool]:
    """Return an alert as it is told now, and whether its receiver was told that it fires."""
    one, instance = pair
    return Said(instance, instance.status, instance.version), one.told_status is Status.FIRING


def _words(group: Group) -> list[tuple[Pair, _Word]]:
    """Return the alerts of a group and what is said of each; receivers with a digest get all in one message anyway."""
    if group.receiver.digest is not None:
        return []
    found: list[tuple[Pair, _Word]] = [(pair, "more" if pair[0].told_version else "new") for pair in group.news]
    found += [(pair, "over") for pair in group.resolved]
    found += [(pair, "again") for pair in group.again]
    return found
