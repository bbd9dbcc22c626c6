"""What is kept of alerts between runs. A ledger stores these; nothing here knows how."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from alert_rules.notifications import Channel


class Status(str, enum.Enum):
    """State of an alert; the names are Prometheus' where it has one."""

    BASELINE = "baseline"  # matched when its rule was new: noted, never told
    PENDING = "pending"  # matches, but not yet for long enough (`for`)
    FIRING = "firing"
    RESOLVED = "resolved"  # of a state: over


class Code(str, enum.Enum):
    """What was decided about a row, an alert or a notification, in one word; the text of a decision says the rest."""

    # about a row
    FIRED = "fired"
    PENDING = "pending"
    BASELINE = "baseline"
    STEP = "step"
    RESOLVED = "resolved"
    KEPT_FIRING = "kept_firing"
    NOT_NEW = "not_new"
    CANCELLED = "cancelled"
    OLDER_ROW = "older_row"
    HELD = "held"
    # about telling it
    NOTIFIED = "notified"
    REPEATED = "repeated"
    WAITING = "waiting"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    DIGESTED = "digested"
    STORM = "storm"
    OVER_BUDGET = "over_budget"
    NOT_TOLD = "not_told"
    ESCALATED = "escalated"
    NOT_ESCALATED = "not_escalated"
    NO_DATA = "no_data"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Instance:
    """One alert: a rule and an identity.

    Attributes:
        rule: Name of the rule.
        fingerprint: Hash of rule and identity.
        stream: Stream of its rows.
        source_key: Key of its newest row as JSON.
        identity: Fields that make it this alert.
        labels: Its labels, `alert` among them.
        annotations: Its texts.
        values: Fields of its newest row that recipients are made of.
        status: Its state.
        version: Number of its last change worth telling; 0 before the first.
        step: How many thresholds it has crossed.
        amount: Value that is compared with the thresholds, for the total of a summary.
        since: When it began to match.
        fired_at: When it fired.
        ending_since: When it stopped matching while `keep_firing_for` runs.
        resolved_at: When it resolved.
        seen_at: When its newest row came.
        acknowledged_at: When a person took it on.
        acknowledged_by: Who.
        row_at: When its newest row was read at the source, where that is known.
        erased: Whether its identity, labels, texts and values were erased from what is kept. It is told to nobody until
            a row brings them back.
    """

    rule: str
    fingerprint: str
    stream: str
    source_key: str
    identity: Mapping[str, t.Any]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    values: Mapping[str, t.Any]
    status: Status
    since: datetime
    seen_at: datetime
    version: int = 0
    step: int = 0
    amount: Decimal | None = None
    fired_at: datetime | None = None
    ending_since: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    row_at: datetime | None = None
    erased: bool = False

    @property
    def summary(self) -> str:
        """Its text in one line: the annotation `summary`, else its name and identity."""
        given = self.annotations.get("summary")
        return given or " ".join([self.rule, *(str(value) for value in self.identity.values() if value is not None)])


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why: the answer to "why did I get (not get) this?".

    Attributes:
        code: What was decided.
        text: Why, for people.
        rule: Name of the rule.
        fingerprint: The alert, or empty when there is none.
        stream: Stream of the row.
        source_key: Key of the row as JSON.
        receiver: Who is concerned; None for a decision about a row.
        notification: Key of the message that tells it.
        field: Field of the row that is the cause, if one is.
    """

    code: Code
    text: str
    rule: str
    fingerprint: str
    stream: str
    source_key: str
    receiver: str | None = None
    notification: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class RuleState:
    """What is kept of a rule.

    Attributes:
        rule: Its name.
        meaning: Hash of what decides which rows match, as it was last; another one makes the rule new.
        known_at: When it was first seen, or its meaning last changed.
        baselined_at: End of the first run with its stream; rows that match until then are noted and not told.
        last_row_at: When the last row of its stream came.
    """

    rule: str
    meaning: str
    known_at: datetime
    baselined_at: datetime | None = None
    last_row_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupLog:
    """What is kept of a group of a receiver: Alertmanager's notification log.

    Attributes:
        key: What it is known by; a hash of receiver, route and labels.
        receiver: Name of the receiver.
        route: Key of the route.
        labels: Labels and values of the group.
        notified_at: When something was last told of it.
        repeat_at: When what still fires is told again; None for never.
        told: Number of its notifications so far.
    """

    key: str
    receiver: str
    route: str
    labels: tuple[tuple[str, str], ...] = ()
    notified_at: datetime | None = None
    repeat_at: datetime | None = None
    told: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """An alert in a group, and what the receiver knows of it.

    Attributes:
        group: Key of the group.
        fingerprint: The alert.
        opened_at: Since when there is something to tell; None when there is nothing.
        run: Run that this came of and whose end it may wait for; None for none.
        told_version: Change that was last told; 0 for none.
        told_status: State that was told.
    """

    group: str
    fingerprint: str
    opened_at: datetime | None = None
    run: int | None = None
    told_version: int = 0
    told_status: Status | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """Something to tell one recipient later, together with the rest: a digest, or what went over a budget.

    Attributes:
        receiver: Name of the receiver.
        channel: How it is told.
        recipient: Number or address.
        fingerprint: The alert.
        route: Key of the route it came by, whose quiet times hold it.
        version: Change of the alert.
        status: State to tell.
        known: Whether the recipient was told of the alert before.
        due_at: When it goes out; None when a person has to let it go.
        why: `digested` or `over_budget`.
    """

    receiver: str
    channel: Channel
    recipient: str
    fingerprint: str
    route: str
    version: int
    status: Status
    known: bool
    due_at: datetime | None
    why: Code


@dataclass(frozen=True, slots=True)
class Escalating:
    """Somebody to be told when nobody has acted by then.

    Attributes:
        key: What it is known by.
        source: Receiver that was told first.
        receiver: Who is told next.
        due_at: When.
        unless_acknowledged: Whether an acknowledgement makes it needless.
        undelivered: Whether it is because the message did not arrive.
        members: Alerts and their changes.
    """

    key: str
    source: str
    receiver: str
    due_at: datetime
    unless_acknowledged: bool
    undelivered: bool
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class StoredSilence:
    """A silence that a person made.

    Attributes:
        key: What it is known by.
        matchers: As they are written.
        starts: Beginning.
        until: End.
        reason: Why.
        by: Who.
    """

    key: str
    matchers: tuple[str, ...]
    starts: datetime
    until: datetime
    reason: str
    by: str
