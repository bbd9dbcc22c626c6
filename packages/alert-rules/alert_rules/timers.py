"""What time alone changes: `for` is over, `keep_firing_for` is over, a stream has brought no rows for too long."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from alert_rules.compiled import NO_DATA
from alert_rules.errors import BadRowError
from alert_rules.evaluating import in_time, resolved
from alert_rules.identity import fingerprint
from alert_rules.records import Code, Decision, Instance, Status
from alert_rules.taking import open_groups, rule_states

if t.TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledRule
    from alert_rules.records import RuleState
    from alert_rules.store import AlertStore


def advance(compiled: Compiled, store: AlertStore, now: datetime, run: int | None) -> None:
    """Let time pass for all alerts."""
    changed: list[Instance] = []
    decisions: list[Decision] = []
    for before in store.timed():
        found = in_time(compiled.rule(before.rule), before, now)
        if found is not None and found.instance is not None and found.decision is not None:
            changed.append(found.instance)
            decisions.append(found.decision)
    silent = [rule for rule in compiled.rules if rule.no_data is not None]
    if silent:
        states = rule_states(store, silent, now)
        known = store.instances([no_data_mark(rule.name) for rule in silent])
        for rule in silent:
            instance, decision = _no_data(rule, states[rule.name], known.get(no_data_mark(rule.name)), now)
            changed += [instance] if instance is not None else []
            decisions += [decision] if decision is not None else []
    store.put_instances(changed)
    # Nothing came with a run: there is no end of one to wait for.
    open_groups(compiled, store, changed, None)
    store.decide(decisions, now, run)


def end_baselines(compiled: Compiled, store: AlertStore, streams: Collection[str], now: datetime) -> None:
    """Note that a run has ended: what matches from now on is told, for the rules of the streams it had."""
    rules = [rule for rule in compiled.rules if rule.stream in streams]
    states = rule_states(store, rules, now).values()
    store.put_rule_states([replace(state, baselined_at=now) for state in states if state.baselined_at is None])


def no_data_mark(rule: str) -> str:
    """Return what the alert is known by that says that a rule's stream brings no rows."""
    return fingerprint(NO_DATA, {"rule": rule})


def _no_data(
    rule: CompiledRule, state: RuleState, before: Instance | None, now: datetime
) -> tuple[Instance | None, Decision | None]:
    given = rule.no_data
    if given is None:
        return None, None
    last = state.last_row_at or state.known_at
    fires = before is not None and before.status is Status.FIRING

    def decided(code: Code, text: str) -> Decision:
        return Decision(code, text, NO_DATA, no_data_mark(rule.name), rule.stream, "{}")

    if now - last < given.after:
        if before is None or not fires:
            return None, None
        return resolved(before, now), decided(Code.RESOLVED, f"stream {rule.stream} brings rows again")
    if fires:
        return None, None
    names = {
        "rule": rule.name,
        "stream": rule.stream,
        "since": last,
        "hours": int((now - last).total_seconds() // 3600),
    }
    annotations: dict[str, str] = {}
    for name, text in given.annotations.items():
        with contextlib.suppress(BadRowError):  # tried when the file was read; one that fails yet ends no run
            annotations[name] = text.render(names)
    annotations.setdefault("summary", f"No rows of {rule.stream} since {last:%Y-%m-%d %H:%M %Z} ({rule.name})")
    instance = Instance(
        rule=NO_DATA,
        fingerprint=no_data_mark(rule.name),
        stream=rule.stream,
        source_key="{}",
        identity={"rule": rule.name},
        labels={"alert": NO_DATA, "rule": rule.name, "stream": rule.stream, **given.labels},
        annotations=annotations,
        values={},
        status=Status.FIRING,
        since=last,
        seen_at=now,
        version=(before.version if before is not None else 0) + 1,
        fired_at=now,
    )
    return instance, decided(Code.NO_DATA, f"stream {rule.stream} has brought no row since {last:%Y-%m-%d %H:%M %Z}")
