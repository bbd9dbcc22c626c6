"""Why an alert is not told now: a silence, an alert that makes it needless, or the time of day."""

from __future__ import annotations

import typing as t

from alert_rules.compiled import NO_DATA, CompiledSilence
from alert_rules.intervals import any_contains
from alert_rules.matchers import fits_all, matcher
from alert_rules.records import Code

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledRoute
    from alert_rules.records import Instance, StoredSilence

ERASED: t.Final = "its values were erased; the next row of it brings them back"


class Quiet:
    """What is quiet at a moment.

    Args:
        compiled: The alert file.
        silences: Silences of people.
        firing: Gives the alerts that fire and may make others needless; asked only when it matters.
        now: The moment.
    """

    def __init__(
        self,
        compiled: Compiled,
        silences: Iterable[StoredSilence],
        firing: Callable[[], Sequence[Instance]],
        now: datetime,
    ) -> None:
        self._silences = [*compiled.silences, *(as_silence(one) for one in silences)]
        self._inhibitions = compiled.inhibitions
        self._firing = firing
        self._sources: dict[int, list[Instance]] = {}
        self._now = now

    def why(self, instance: Instance) -> tuple[Code, str] | None:
        """Return why an alert is told to nobody; None if it is told."""
        if instance.erased:
            return Code.HELD, ERASED
        for silence in self._silences:
            if silence.silences(instance.labels, self._now):
                reason = f" ({silence.reason})" if silence.reason else ""
                return Code.SILENCED, f"silenced until {silence.until:%Y-%m-%d %H:%M %Z}{reason}"
        for place, rule in enumerate(self._inhibitions):
            if not fits_all(rule.target, instance.labels):
                continue
            # As in Alertmanager: what fits both sides does not make others of its kind needless.
            both = fits_all(rule.source, instance.labels)
            for source in self._sources_of(place):
                if source.fingerprint == instance.fingerprint or (both and fits_all(rule.target, source.labels)):
                    continue
                if all(source.labels.get(name, "") == instance.labels.get(name, "") for name in rule.equal):
                    return Code.INHIBITED, f"needless while {source.summary!r} fires"
        return None

    def _sources_of(self, place: int) -> list[Instance]:
        if place not in self._sources:
            firing = self._firing()
            for number, rule in enumerate(self._inhibitions):
                self._sources[number] = [one for one in firing if fits_all(rule.source, one.labels)]
        return self._sources[place]


def rule_is_gone(compiled: Compiled, instance: Instance) -> bool:
    """Return whether the rule of an alert is no longer in the file: it makes nothing needless and says nothing again.

    It stays as it is for the case that the rule comes back.
    """
    if instance.rule != NO_DATA:
        return compiled.rule(instance.rule) is None
    rule = compiled.rule(str(instance.identity.get("rule")))
    return rule is None or rule.no_data is None


def is_state(compiled: Compiled, instance: Instance) -> bool:
    """Return whether an alert goes on until it is over, by a rule that is in the file."""
    if instance.rule == NO_DATA:
        return not rule_is_gone(compiled, instance)
    rule = compiled.rule(instance.rule)
    return rule is not None and rule.kind == "state"


def as_silence(stored: StoredSilence) -> CompiledSilence:
    """Return a silence of a person in the form of those of the file."""
    matchers = tuple(map(matcher, stored.matchers))
    by = f"{stored.reason}, by {stored.by}" if stored.reason else f"by {stored.by}"
    return CompiledSilence(stored.key, matchers, stored.starts, stored.until, by)


def muted(route: CompiledRoute, now: datetime) -> str | None:
    """Return why nothing goes out by a route at a moment; None if something does."""
    interval = any_contains(route.muted, now)
    if interval is not None:
        until = interval.ends_after(now)
        return f"quiet by {interval.name}" + (f" until {until:%Y-%m-%d %H:%M %Z}" if until is not None else "")
    if route.active and any_contains(route.active, now) is None:
        return f"outside {', '.join(one.name for one in route.active)}"
    return None
