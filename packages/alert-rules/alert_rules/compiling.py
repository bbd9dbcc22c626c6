"""From the alert file as it is written to the form the pipeline works with; all that is wrong is found in one go."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import typing as t
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial

from alert_rules import compiled as form
from alert_rules.compiling_receivers import ReceiverCompiler
from alert_rules.compiling_routes import RouteCompiler
from alert_rules.durations import duration
from alert_rules.errors import BadRowError, RulesError
from alert_rules.expressions import Moment, expression
from alert_rules.intervals import interval
from alert_rules.loading import read
from alert_rules.matchers import matcher
from alert_rules.naming import NAME, check_labels, check_names
from alert_rules.phones import region
from alert_rules.reading import Reader
from alert_rules.texts import text
from alert_rules.zones import zone

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yaml_places import At

    from alert_rules.expressions import Expression
    from alert_rules.intervals import Interval
    from alert_rules.loading import Loaded
    from alert_rules.matchers import Matcher
    from alert_rules.model import NoData, Rule
    from alert_rules.places import Problem
    from alert_rules.texts import Text

_NO_DATA_SUMMARY: t.Final = "No row of {{ stream }} since {{ since }}, on which rule {{ rule }} rests"
_NO_DATA_VALUES: t.Final = frozenset({"rule", "stream", "since", "hours"})
_OPERATORS: t.Final = {ast.GtE: True, ast.Gt: False}


def compile_files(given: str | Sequence[str]) -> form.Compiled:
    """Read alert files and return them in the form the pipeline works with.

    Raises:
        RulesError: They cannot be used; each problem is a line with file, line, column and remedy.
    """
    loaded = read(given)
    compiled, problems = compile_loaded(loaded)
    errors = [problem for problem in problems if problem.error]
    if compiled is None or errors:
        raise RulesError(*map(loaded.origins.told, errors))
    return compiled


def compile_loaded(loaded: Loaded) -> tuple[form.Compiled | None, list[Problem]]:
    """Return alert files in the form the pipeline works with, and what is wrong or unwise about them.

    What cannot be used is left out of the form; it is None where nothing can be made of it at all.
    """
    return _Compiler(loaded).compile()


class _Compiler:
    def __init__(self, loaded: Loaded) -> None:
        self._file = loaded.file
        self._hash = loaded.hash
        self._reader = reader = Reader()
        own = reader.read(("location",), lambda: zone(self._file.location))
        self._zone = own or timezone.utc
        self._location = self._file.location if own is not None else "UTC"
        self._moment = Moment(self._zone)
        self._region = self._region_of(("region",), self._file.region)

    def compile(self) -> tuple[form.Compiled | None, list[Problem]]:
        intervals = self._intervals()
        receivers = ReceiverCompiler(self._file, self._reader, self._location).compile()
        check_names(self._file, self._reader)
        self._check_storm_limit(("storm_limit",), self._file.storm_limit)
        rules = [rule for index, one in enumerate(self._file.rules) if (rule := self._rule(one, index)) is not None]
        route = RouteCompiler(self._file, self._reader, receivers, intervals).compile()
        inhibitions = [self._inhibition(index) for index in range(len(self._file.inhibit_rules))]
        silences = [one for index in range(len(self._file.silences)) if (one := self._silence(index)) is not None]
        check_labels(self._file, self._reader)
        problems = self._reader.problems
        if route is None or any(problem.error for problem in problems):
            return None, problems
        made = form.Compiled(
            rules=tuple(rules),
            route=route,
            receivers=receivers,
            inhibitions=tuple(inhibitions),
            silences=tuple(silences),
            moment=self._moment,
            hash=self._hash,
        )
        return made, problems

    def _region_of(self, at: At, code: str | None) -> str | None:
        return None if code is None else self._reader.read(at, lambda: region(code))

    def _intervals(self) -> dict[str, Interval]:
        found: dict[str, Interval] = {}
        for index, given in enumerate(self._file.time_intervals):
            at = ("time_intervals", str(index))
            made = self._reader.read(at, partial(interval, given, self._location))
            if given.name in found:
                self._reader.wrong((*at, "name"), "twice", f"there are two time intervals {given.name!r}", "rename one")
            if made is not None:
                found[given.name] = made
        return found

    # -- rules -------------------------------------------------------------------------------------------------

    def _rule(self, rule: Rule, index: int) -> form.CompiledRule | None:
        at = ("rules", str(index))
        when = self._expression((*at, "when"), rule.when)
        resolve_when = self._expression((*at, "resolve_when"), rule.resolve_when)
        hold = self._duration((*at, "for"), rule.for_)
        keep_firing_for = self._duration((*at, "keep_firing_for"), rule.keep_firing_for)
        labels, annotations = (
            self._texts((*at, "labels"), rule.labels),
            self._texts((*at, "annotations"), rule.annotations),
        )
        steps = self._steps(rule, at, when)
        self._check_rule(rule, at)
        if when is None or not rule.identity:
            return None
        names = [one.names for one in (when, resolve_when, steps.value if steps else None) if one is not None]
        fields = frozenset(rule.identity).union(
            *names, *(one.names for one in (*labels.values(), *annotations.values()))
        )
        return form.CompiledRule(
            name=rule.alert,
            stream=rule.stream,
            kind=rule.kind,
            identity=tuple(rule.identity),
            when=when,
            resolve_when=resolve_when,
            hold=hold,
            keep_firing_for=keep_firing_for,
            steps=steps,
            labels=labels,
            annotations=annotations,
            region=self._region_of((*at, "region"), rule.region) if rule.region else self._region,
            baseline=(rule.initial or self._file.initial) == "baseline",
            storm_limit=self._file.storm_limit if rule.storm_limit is None else rule.storm_limit,
            on_lost_answer=rule.on_lost_answer,
            no_data=self._no_data((*at, "no_data"), rule.no_data),
            meaning=_meaning(rule),
            fields=fields,
        )

    def _check_rule(self, rule: Rule, at: At) -> None:
        wrong = self._reader.wrong
        if not rule.identity:
            wrong((*at, "identity"), "missing", "`identity` names no field", "name the fields of the row's key")
        if rule.kind == "event":
            for key, value in (
                ("for", rule.for_),
                ("keep_firing_for", rule.keep_firing_for),
                ("resolve_when", rule.resolve_when),
            ):
                if value is not None:
                    remedy = "make it `kind: state`, or take it out"
                    wrong(
                        (*at, key), "not_for_events", f"`{key}` has no meaning for an event, which never ends", remedy
                    )
        for key in ("labels", "annotations"):
            for name in getattr(rule, key):
                if not NAME.match(name):
                    wrong((*at, key, name), "bad_name", f"{name!r} cannot be a name", "use letters, digits and _")
        for name in ("alert", "step"):
            if name in rule.labels:
                wrong((*at, "labels", name), "taken", f"the label `{name}` is set by the rule itself", "rename it")
        if rule.storm_limit is not None:
            self._check_storm_limit((*at, "storm_limit"), rule.storm_limit)

    def _check_storm_limit(self, at: At, limit: int) -> None:
        if limit < 1:
            self._reader.wrong(at, "too_small", "`storm_limit` must be 1 or more", "give how many are told one by one")

    def _steps(self, rule: Rule, at: At, when: Expression | None) -> form.Steps | None:
        if not rule.steps:
            if rule.steps_of is not None:
                self._reader.wrong(
                    (*at, "steps_of"), "unused", "`steps_of` without `steps`", "add steps, or take it out"
                )
            return None
        thresholds = tuple(Decimal(str(step)) for step in rule.steps)
        if not all(one.is_finite() for one in thresholds):
            self._reader.wrong((*at, "steps"), "bad_value", "a step is no finite number", "write numbers")
            return None
        if any(low >= high for low, high in itertools.pairwise(thresholds)):
            self._reader.wrong((*at, "steps"), "not_rising", "`steps` do not rise", "write the lowest first")
        if rule.steps_of is not None:
            value = self._expression((*at, "steps_of"), rule.steps_of)
            inclusive = _comparison(when, thresholds[0])[1] if when is not None else True
            return form.Steps(thresholds, value, inclusive) if value is not None else None
        if when is None:
            return None
        compared, inclusive = _comparison(when, thresholds[0])
        if compared is None:
            problem = f"`when` compares nothing with the first step, {rule.steps[0]}"
            self._reader.wrong((*at, "steps"), "no_value", problem, "say what crosses the steps: `steps_of: amount`")
            return None
        value = self._expression((*at, "when"), compared)
        return form.Steps(thresholds, value, inclusive) if value is not None else None

    def _no_data(self, at: At, given: NoData | None) -> form.CompiledNoData | None:
        if given is None:
            return None
        texts = {"summary": _NO_DATA_SUMMARY, **given.annotations}
        annotations = self._texts((*at, "annotations"), texts)
        for name, one in annotations.items():
            for unknown in sorted(one.names - _NO_DATA_VALUES):
                remedy = f"there are {', '.join(sorted(_NO_DATA_VALUES))}"
                problem = f"{unknown!r} is not there when no row came"
                self._reader.wrong((*at, "annotations", name), "unknown_field", problem, remedy)
            if one.names <= _NO_DATA_VALUES:
                self._try((*at, "annotations", name), one)
        after = self._duration((*at, "after"), given.after)
        return form.CompiledNoData(after, dict(given.labels), annotations)

    def _try(self, at: At, text: Text) -> None:
        """Note that a text about missing rows cannot be made: its values are always of the same kinds."""
        try:
            text.render({"rule": "Rule", "stream": "stream", "since": self._moment.now, "hours": 26})
        except BadRowError as error:
            self._reader.wrong(at, "bad_value", str(error), error.remedy)

    # -- the rest ----------------------------------------------------------------------------------------------

    def _inhibition(self, index: int) -> form.CompiledInhibition:
        given, at = self._file.inhibit_rules[index], ("inhibit_rules", str(index))
        for key in ("source_matchers", "target_matchers"):
            if not getattr(given, key):
                self._reader.wrong((*at, key), "missing", f"`{key}` is empty", "an empty one would fit every alert")
        source = self._matchers((*at, "source_matchers"), given.source_matchers)
        target = self._matchers((*at, "target_matchers"), given.target_matchers)
        return form.CompiledInhibition(source, target, tuple(given.equal))

    def _silence(self, index: int) -> form.CompiledSilence | None:
        given, at = self._file.silences[index], ("silences", str(index))
        matchers = self._matchers((*at, "matchers"), given.matchers)
        if not given.matchers:
            self._reader.wrong((*at, "matchers"), "missing", "`matchers` is empty", "it would silence every alert")
        until, starts = self._moment_of((*at, "until"), given.until), self._moment_of((*at, "starts"), given.starts)
        if until is None:
            return None
        if starts is not None and until <= starts:
            problem = "the silence ends before it begins"
            self._reader.wrong((*at, "until"), "out_of_range", problem, "give a later end")
        said = json.dumps([given.matchers, given.until, given.starts])
        key = f"file:{hashlib.sha256(said.encode()).hexdigest()[:12]}"
        return form.CompiledSilence(key, matchers, starts, until, given.reason)

    def _moment_of(self, at: At, given: str | None) -> datetime | None:
        if given is None:
            return None
        try:
            found = datetime.fromisoformat(given.replace("Z", "+00:00") if given.endswith("Z") else given)
        except ValueError:
            self._reader.wrong(at, "bad_time", f"{given!r} is no time", 'write it like "2026-01-31T18:00:00+01:00"')
            return None
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)

    # -- parts -------------------------------------------------------------------------------------------------

    def _expression(self, at: At, given: str | None) -> Expression | None:
        return None if given is None else self._reader.read(at, lambda: expression(given, self._moment))

    def _duration(self, at: At, given: str | None) -> timedelta:
        return timedelta(0) if given is None else self._reader.read(at, lambda: duration(given)) or timedelta(0)

    def _texts(self, at: At, given: Mapping[str, str]) -> dict[str, Text]:
        found = {name: self._reader.read((*at, name), partial(text, one)) for name, one in given.items()}
        return {name: one for name, one in found.items() if one is not None}

    def _matchers(self, at: At, given: Sequence[str]) -> tuple[Matcher, ...]:
        found = [self._reader.read((*at, str(index)), partial(matcher, one)) for index, one in enumerate(given)]
        return tuple(one for one in found if one is not None)


def _comparison(when: Expression, first: Decimal) -> tuple[str | None, bool]:
    """Return what `when` compares with the first step, and whether reaching the step is enough.

    None when nothing is, or more than one thing.
    """
    found: list[tuple[str, bool]] = []
    for node in ast.walk(when.tree):
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            continue
        left, operation, right = node.left, type(node.ops[0]), node.comparators[0]
        mirrored = {ast.LtE: ast.GtE, ast.Lt: ast.Gt}.get(operation)
        if mirrored is not None and _is(left, first):
            left, operation, right = right, mirrored, left
        if operation in _OPERATORS and _is(right, first):
            found.append((ast.unparse(left), _OPERATORS[operation]))
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else (None, True)


def _is(node: ast.expr, number: Decimal) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, (int, float)) and not isinstance(value, bool) and Decimal(str(value)) == number


def _meaning(rule: Rule) -> str:
    """Return the hash of what decides which rows match; names of people and texts do not."""
    said = [rule.stream, rule.kind, rule.identity, rule.when, rule.resolve_when, [str(one) for one in rule.steps]]
    return hashlib.sha256(json.dumps([*said, rule.steps_of]).encode()).hexdigest()[:16]
