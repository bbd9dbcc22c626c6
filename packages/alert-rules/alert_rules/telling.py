"""Telling receivers: each recipient its message, or what is collected for later, within the budget."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field, replace

from alert_rules.budgets import Budgets
from alert_rules.errors import BadRowError
from alert_rules.messages import Letter, Said
from alert_rules.quieting import ERASED, is_state, muted
from alert_rules.records import Code, Collected, Decision, Escalating, Status

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledChannel, CompiledEscalation, CompiledReceiver, CompiledRoute
    from alert_rules.notifications import Channel, Notification, Purpose
    from alert_rules.quieting import Quiet
    from alert_rules.records import Instance
    from alert_rules.store import AlertStore

_CODES: t.Final[Mapping[str, Code]] = {
    "repeat": Code.REPEATED,
    "storm": Code.STORM,
    "escalation": Code.ESCALATED,
}


_Key: t.TypeAlias = "tuple[str, Channel, str, str]"
"""Receiver, channel, recipient and alert."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a receiver is to be told.

    Attributes:
        receiver: The receiver.
        route: Key of the route it came by.
        group_key: Its group.
        group: Labels of the group.
        purpose: Why.
        said: The alerts; of each, whether the receiver was told of it before.
        turn: Number of the repeat, or of the escalation.
        released: Whether a person let it go, whatever the budget says.
        routes: Keys of the routes alerts came by, where one message has them of several: fingerprint -> key.
    """

    receiver: CompiledReceiver
    route: str
    group_key: str
    group: Mapping[str, str]
    purpose: Purpose
    said: Sequence[tuple[Said, bool]]
    turn: str = ""
    released: bool = False
    routes: Mapping[str, str] = field(default_factory=dict)


class Teller:
    """Makes messages of what is to be told, and remembers why of whatever is not.

    Args:
        compiled: The alert file.
        store: What is kept.
        now: The present moment.
    """

    def __init__(self, compiled: Compiled, store: AlertStore, now: datetime) -> None:
        self._compiled = compiled
        self._store = store
        self._now = now
        self._budgets = Budgets(compiled, store, now)
        later = [one.name for one in compiled.receivers.values() if one.digest is not None or one.budget is not None]
        kept = store.collected(later) if later else []
        self._collected = {(one.receiver, one.channel, one.recipient, one.fingerprint): one for one in kept}
        self._put: dict[_Key, Collected] = {}
        self._dropped: dict[_Key, Collected] = {}
        self._fixed: dict[tuple[int, str | None], list[str]] = {}
        self._escalations: list[Escalating] = []
        self.notifications: list[Notification] = []
        self.decisions: list[Decision] = []
        self.without_receiver: dict[str, Instance] = {}

    def tell(self, one: Telling) -> None:
        """Tell a receiver, or collect it."""
        for channel, recipient, said in self._by_recipient(one):
            digest = one.receiver.digest
            if digest is not None and one.purpose != "escalation":
                due = digest.next_after(self._now)
                why = f"in the digest of {due:%Y-%m-%d %H:%M %Z}"
                self._collect(one, channel, recipient, said, due, Code.DIGESTED, why)
                continue
            left = self._without_collected(one, channel, recipient, said)
            if left:
                self._send(one, channel, recipient, left)

    def tell_collected(self, routes: Mapping[tuple[str, str], CompiledRoute], quiet: Quiet) -> None:
        """Send what was collected and is due, one message for each recipient.

        Args:
            routes: The routes by receiver and key, for their quiet times.
            quiet: Says what is told to nobody now.
        """
        due: dict[tuple[str, Channel, str], list[Collected]] = {}
        for item in self._store.collected_due(self._now):
            route = routes.get((item.receiver, item.route))
            if (route is None or not muted(route, self._now)) and self._key(item) not in self._dropped:
                due.setdefault((item.receiver, item.channel, item.recipient), []).append(item)
        instances = self._store.instances({item.fingerprint for items in due.values() for item in items})
        due = {key: left for key, items in due.items() if (left := self._with_values(items, instances))}
        due = {key: left for key, items in due.items() if (left := self._unsilenced(items, instances, quiet))}
        for (name, kind, recipient), items in self._still_meant(due, instances).items():
            receiver = self._compiled.receivers.get(name)
            channel = next((one for one in receiver.channels if one.channel == kind), None) if receiver else None
            said = [(Said(instances[one.fingerprint], one.status, one.version), one.known) for one in items]
            self._drop(items)
            if receiver is None or channel is None:
                for told, _ in said:
                    self.decide(told, Code.NOT_TOLD, "the receiver is no longer in the file", name)
                    if told.status is Status.FIRING:
                        self.without_receiver[told.instance.fingerprint] = told.instance
                continue
            turn = min(item.due_at for item in items if item.due_at is not None).isoformat()
            # What waits for a person is due only once one has let it go; the same budget must not keep it again.
            waited = receiver.budget is not None and receiver.budget.on_exceed == "hold"
            released = waited and any(one.why is Code.OVER_BUDGET for one in items)
            ways = {item.fingerprint: item.route for item in items}
            telling = Telling(
                receiver, items[0].route, f"digest:{name}", {}, "digest", said, turn, released=released, routes=ways
            )
            self._send(telling, channel, recipient, said)

    def _still_meant(
        self, due: Mapping[tuple[str, Channel, str], list[Collected]], instances: Mapping[str, Instance]
    ) -> dict[tuple[str, Channel, str], list[Collected]]:
        """Return what is due by those who are to be told now: whom the file or a row names may have changed."""
        kept = {self._key(item) for items in due.values() for item in items} | set(self._collected)
        found: dict[tuple[str, Channel, str], list[Collected]] = {}
        for (name, kind, recipient), items in due.items():
            for item in items:
                said = Said(instances[item.fingerprint], item.status, item.version)
                meant = self._meant(name, kind, said)
                to = [recipient] if meant is None or recipient in meant else meant
                new = [one for one in to if one == recipient or (name, kind, one, item.fingerprint) not in kept]
                for one in new:
                    found.setdefault((name, kind, one), []).append(item)
                if not new:
                    self.decide(said, Code.NOT_TOLD, f"{recipient} is no longer told", name)
                    self._drop([item])
        return found

    def _meant(self, receiver: str, kind: Channel, said: Said) -> list[str] | None:
        """Return whom a receiver tells of an alert by now; None where that cannot be said."""
        known = self._compiled.receivers.get(receiver)
        channel = next((one for one in known.channels if one.channel == kind), None) if known is not None else None
        try:
            return self._recipients(channel, said) if channel is not None else None
        except BadRowError:
            return None

    def forget(self, receiver: str, fingerprint: str) -> None:
        """Forget what is collected of an alert that is over and told no more."""
        kept = self._collected.values()
        self._drop([one for one in kept if (one.receiver, one.fingerprint) == (receiver, fingerprint)])

    def finish(self) -> None:
        """Keep what was decided."""
        gone = [item for key, item in self._dropped.items() if key not in self._put]
        self._store.drop_collected(gone)
        self._store.put_collected(self._put.values())
        self.keep_escalations()
        self._store.notify(self.notifications)

    def keep_escalations(self) -> None:
        """Keep whom to tell later; what is due at once is told with this flush if it is kept before."""
        self._store.put_escalations(self._escalations)
        self._escalations = []

    def decide(self, said: Said, code: Code, text: str, receiver: str | None = None, key: str | None = None) -> None:
        """Note why an alert is told or not."""
        one = said.instance
        self.decisions.append(
            Decision(code, text, one.rule, one.fingerprint, one.stream, one.source_key, receiver, key)
        )

    def _with_values(self, items: Sequence[Collected], instances: Mapping[str, Instance]) -> list[Collected]:
        """Return what can be told; what has lost its values waits for a row, and is forgotten once it is over."""
        left = []
        for item in items:
            instance = instances[item.fingerprint]
            if not instance.erased:
                left.append(item)
                continue
            self.decide(Said(instance, item.status, item.version), Code.HELD, ERASED, item.receiver)
            if instance.status is Status.RESOLVED:
                self._drop([item])
        return left

    def _unsilenced(
        self, items: Sequence[Collected], instances: Mapping[str, Instance], quiet: Quiet
    ) -> list[Collected]:
        """Return what is told now; of what is silenced, a state that fires is told once it is silenced no more."""
        left = []
        for item in items:
            instance = instances[item.fingerprint]
            why = quiet.why(instance)
            if why is None:
                left.append(item)
                continue
            self.decide(Said(instance, item.status, item.version), *why, item.receiver)
            receiver = self._compiled.receivers.get(item.receiver)
            if instance.status is not Status.FIRING or not is_state(self._compiled, instance):
                self._drop([item])
            elif receiver is not None and receiver.digest is not None:
                self._put[self._key(item)] = replace(item, due_at=receiver.digest.next_after(self._now))
        return left

    def _by_recipient(self, one: Telling) -> list[tuple[CompiledChannel, str, list[tuple[Said, bool]]]]:
        found: dict[tuple[int, str], tuple[CompiledChannel, str, list[tuple[Said, bool]]]] = {}
        for said, known in one.said:
            for place, channel in enumerate(one.receiver.channels):
                try:
                    recipients = self._recipients(channel, said)
                except BadRowError as error:
                    self.decide(said, Code.HELD, str(error), one.receiver.name)
                    continue
                for recipient in recipients:
                    found.setdefault((place, recipient), (channel, recipient, []))[2].append((said, known))
        return list(found.values())

    def _recipients(self, channel: CompiledChannel, said: Said) -> list[str]:
        rule = self._compiled.rule(said.instance.rule)
        region = rule.region if rule is not None else None
        if channel.fields:
            return channel.recipients(said.instance.values, region)
        key = (id(channel), region)
        if key not in self._fixed:
            self._fixed[key] = channel.recipients({}, region)
        return self._fixed[key]

    def _send(
        self,
        one: Telling,
        channel: CompiledChannel,
        recipient: str,
        said: Sequence[tuple[Said, bool]],
    ) -> None:
        receiver = one.receiver
        full = None if one.released else self._budgets.full(receiver, recipient)
        if full is not None and receiver.budget is not None:
            room, limit = full
            due = room if receiver.digest is None else receiver.digest.next_after(self._now)
            hold = receiver.budget.on_exceed == "hold"
            then = "kept for a person" if hold else f"in one message at {due:%Y-%m-%d %H:%M %Z}"
            why = f"more than {limit}: {then}"
            self._collect(one, channel, recipient, said, None if hold else due, Code.OVER_BUDGET, why)
            return
        shown = [told for told, _ in said]
        again = any(
            (rule := self._compiled.rule(told.instance.rule)) and rule.on_lost_answer == "hold" for told in shown
        )
        lost: t.Literal["hold", "send_again"] = "hold" if again else "send_again"
        letter = Letter(receiver.name, channel, recipient, one.purpose, one.group_key, one.group, shown, one.turn, lost)
        notification, trouble = _worded(letter, self._now)
        self._budgets.count(receiver.name, recipient)
        self.notifications.append(notification)
        code = _CODES.get(one.purpose, Code.NOTIFIED)
        text = f"{one.purpose} to {recipient} by {channel.channel}{trouble}"
        for told in shown:
            self.decide(told, code, text, receiver.name, notification.key)
        if one.purpose not in {"escalation", "repeat"}:
            self._escalate_later(receiver, shown)

    def _escalate_later(self, receiver: CompiledReceiver, said: Sequence[Said]) -> None:
        members = tuple(sorted((one.instance.fingerprint, one.version) for one in said if one.status is Status.FIRING))
        for place, step in enumerate(receiver.escalation if members else ()):
            if step.on == "firing":
                self.escalate(receiver.name, step, members, self._now + step.after, str(place))

    def escalate(
        self, source: str, step: CompiledEscalation, members: tuple[tuple[str, int], ...], due_at: datetime, why: str
    ) -> None:
        """Note who is told at a moment unless somebody acts before; the same twice is once."""
        told = json.dumps([source, step.receiver, step.on, why, members])
        self._escalations.append(
            Escalating(
                key=hashlib.sha256(told.encode()).hexdigest()[:40],
                source=source,
                receiver=step.receiver,
                due_at=due_at,
                unless_acknowledged=step.unless_acknowledged,
                undelivered=step.on == "undelivered",
                members=members,
            )
        )

    def _collect(
        self,
        one: Telling,
        channel: CompiledChannel,
        recipient: str,
        said: Sequence[tuple[Said, bool]],
        due_at: datetime | None,
        why: Code,
        text: str,
    ) -> None:
        for told, known in self._without_collected(one, channel, recipient, said):
            key = (one.receiver.name, channel.channel, recipient, told.instance.fingerprint)
            route = one.routes.get(told.instance.fingerprint, one.route)
            self._put[key] = Collected(*key, route, told.version, told.status, known, due_at, why)
            self.decide(told, why, text, one.receiver.name)

    def _without_collected(
        self, one: Telling, channel: CompiledChannel, recipient: str, said: Sequence[tuple[Said, bool]]
    ) -> list[tuple[Said, bool]]:
        """Return what is left to tell when what was collected of the same alerts is taken back.

        The end of an alert whose beginning is still collected is not told: nobody knows of it.
        """
        left = []
        for told, known in said:
            key = (one.receiver.name, channel.channel, recipient, told.instance.fingerprint)
            kept = self._collected.pop(key, None)
            if kept is not None:
                self._dropped[key] = kept
                if told.status is Status.RESOLVED and not kept.known:
                    self.decide(told, Code.NOT_TOLD, "it was over before it was told", one.receiver.name)
                    continue
            left.append((told, known if kept is None else kept.known))
        return left

    @staticmethod
    def _key(item: Collected) -> _Key:
        return item.receiver, item.channel, item.recipient, item.fingerprint

    def _drop(self, items: Sequence[Collected]) -> None:
        for item in items:
            self._collected.pop(self._key(item), None)
            self._dropped[self._key(item)] = item


def _worded(letter: Letter, now: datetime) -> tuple[Notification, str]:
    """Return a letter put into words, in those by default where the receiver's own cannot be made, and why these."""
    try:
        return letter.notification(now), ""
    except BadRowError as error:
        plain = replace(letter, channel=replace(letter.channel, text=None, subject=None, html=None))
        return plain.notification(now), f", in the words by default: {error}"
