"""Telling somebody else: when nobody acts on an alert, or when the message did not arrive."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from alert_rules.messages import Said
from alert_rules.records import Code, Status
from alert_rules.telling import Telling

if t.TYPE_CHECKING:
    from datetime import datetime

    from alert_rules.compiled import Compiled
    from alert_rules.quieting import Quiet
    from alert_rules.records import Escalating, Instance
    from alert_rules.store import AlertStore
    from alert_rules.telling import Teller


def take_failures(compiled: Compiled, store: AlertStore, teller: Teller) -> None:
    """Note whom to tell of messages that did not arrive."""
    for failure in store.failures():
        receiver = compiled.receivers.get(failure.receiver)
        members = tuple(sorted((one.fingerprint, one.version) for one in failure.members))
        for step in receiver.escalation if receiver is not None else ():
            if step.on == "undelivered":
                teller.escalate(failure.receiver, step, members, failure.at + step.after, failure.key)
    teller.keep_escalations()


def escalate(compiled: Compiled, store: AlertStore, teller: Teller, quiet: Quiet, now: datetime) -> None:
    """Tell those whose time has come of what nobody has acted on."""
    due = store.escalations_due(now)
    instances = store.instances({mark for one in due for mark, _ in one.members})
    for one in due:
        said = []
        for mark, version in one.members:
            instance = instances.get(mark)
            if instance is None:
                continue
            told = Said(instance, Status.FIRING, version)
            why = _needless(compiled, one, instance, quiet)
            if why is not None:
                teller.decide(told, Code.NOT_ESCALATED, f"not passed on from {one.source}: {why}", one.receiver)
            else:
                said.append((told, True))
        receiver = compiled.receivers.get(one.receiver)
        if receiver is None:
            for told, _ in said:
                teller.decide(told, Code.NOT_ESCALATED, "the receiver is no longer in the file", one.receiver)
        elif said:
            teller.tell(Telling(receiver, "", f"escalation:{one.source}", {}, "escalation", said, one.key))
    store.end_escalations([one.key for one in due])


def _needless(compiled: Compiled, one: Escalating, instance: Instance, quiet: Quiet) -> str | None:
    told_at = _told_at(compiled, one)
    if instance.status is not Status.FIRING or (told_at is not None and instance.since > told_at):
        return "it is over"  # and may have begun anew, which is passed on in its own time
    if one.unless_acknowledged and instance.acknowledged_at is not None:
        return f"acknowledged by {instance.acknowledged_by}"
    why = quiet.why(instance)
    return why[1] if why is not None else None


def _told_at(compiled: Compiled, one: Escalating) -> datetime | None:
    """Return the latest moment at which what is passed on can have been told; None if the file says it no more."""
    receiver = compiled.receivers.get(one.source)
    after = [
        step.after
        for step in (receiver.escalation if receiver is not None else ())
        if step.receiver == one.receiver and (step.on == "undelivered") == one.undelivered
    ]
    return one.due_at - min(after) if after and one.due_at is not None else None


def acknowledged(instance: Instance, by: str, now: datetime) -> Instance:
    """Return an alert that a person has taken on; who did so first stays."""
    if instance.acknowledged_at is not None:
        return instance
    return replace(instance, acknowledged_at=now, acknowledged_by=by)
