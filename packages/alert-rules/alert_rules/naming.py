"""Names of rules and receivers, and labels that routes and inhibitions name: one that no rule has tells nobody."""

from __future__ import annotations

import re
import typing as t

from alert_rules.compiled import NO_DATA
from alert_rules.errors import BadValueError
from alert_rules.matchers import matcher
from alert_rules.reading import near

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yaml_places import At

    from alert_rules.model import AlertFile, Route
    from alert_rules.reading import Reader

NAME: t.Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
"""Names of alerts and labels."""

_LONGEST: t.Final = 200
"""Characters of a name that every ledger keeps."""

_ALWAYS: t.Final = ("alert", "step", "rule", "stream")
"""Labels that rules and the alert of missing rows have by themselves."""


def check_names(file: AlertFile, reader: Reader) -> None:
    """Note names of rules, streams and receivers that cannot be.

    Args:
        file: The alert file.
        reader: Notes what is wrong.
    """
    seen: set[str] = set()
    for index, rule in enumerate(file.rules):
        at: At = ("rules", str(index), "alert")
        if rule.alert in seen:
            reader.wrong(at, "twice", f"there are two rules {rule.alert!r}", "give each a name of its own")
        seen.add(rule.alert)
        if not NAME.match(rule.alert) or rule.alert == NO_DATA:
            remedy = "use letters, digits and _, such as HighValueOrder; NoData is taken"
            reader.wrong(at, "bad_name", f"{rule.alert!r} cannot be the name of an alert", remedy)
        _check_length(at, rule.alert, reader)
        _check_length((*at[:-1], "stream"), rule.stream, reader)
    for index, receiver in enumerate(file.receivers):
        _check_length(("receivers", str(index), "name"), receiver.name, reader)


def _check_length(at: At, name: str, reader: Reader) -> None:
    if not 0 < len(name) <= _LONGEST:
        problem = f"`{at[-1]}` has {len(name)} characters"
        reader.wrong(at, "bad_name", problem, f"give it 1 to {_LONGEST}")


def check_labels(file: AlertFile, reader: Reader) -> None:
    """Note labels that no rule has.

    Args:
        file: The alert file.
        reader: Notes what is unwise.
    """
    known = set(_ALWAYS).union(*(rule.labels for rule in file.rules))
    known = known.union(*(rule.no_data.labels for rule in file.rules if rule.no_data is not None))
    named = list(_of_route(file.route, ("route",)))
    for index, one in enumerate(file.inhibit_rules):
        rule = ("inhibit_rules", str(index))
        named += _of_matchers(one.source_matchers, (*rule, "source_matchers"))
        named += _of_matchers(one.target_matchers, (*rule, "target_matchers"))
        named += [((*rule, "equal", str(place)), name) for place, name in enumerate(one.equal)]
    for at, name in named:
        if name not in known:
            reader.unwise(at, "unknown_label", f"no rule has the label {name!r}", near(name, sorted(known)))


def _of_route(route: Route, at: At) -> Iterator[tuple[At, str]]:
    for place, name in enumerate(route.group_by or ()):
        if name != "...":
            yield (*at, "group_by", str(place)), name
    yield from _of_matchers(route.matchers, (*at, "matchers"))
    for index, child in enumerate(route.routes):
        yield from _of_route(child, (*at, "routes", str(index)))


def _of_matchers(given: Sequence[str], at: At) -> Iterator[tuple[At, str]]:
    for place, text in enumerate(given):
        try:
            yield (*at, str(place)), matcher(text).name
        except BadValueError:
            continue  # told where it is compiled
