"""The alert file in the form the pipeline works with: everything read, inherited and looked up once."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from decimal import Decimal

from alert_rules.errors import BadRowError
from alert_rules.matchers import fits_all
from alert_rules.phones import e164, is_written_out, mail

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from alert_rules.expressions import Expression, Moment, Row
    from alert_rules.intervals import DigestTimes, Interval
    from alert_rules.matchers import Matcher
    from alert_rules.notifications import Channel
    from alert_rules.texts import Text

NO_DATA: t.Final = "NoData"
"""Name of the alert that says that a rule's stream brings no rows."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Thresholds of a rule.

    Attributes:
        thresholds: Rising.
        value: What crosses them.
        inclusive: Whether reaching one is crossing it.
    """

    thresholds: tuple[Decimal, ...]
    value: Expression
    inclusive: bool

    def reached(self, row: Row) -> int:
        """Return how many thresholds a row has crossed.

        Raises:
            BadRowError: Its value is no number.
        """
        value = self.value.value(row)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise BadRowError(f"the steps' value `{self.value.text}` is no number", "number(...) makes one of a text")
        if isinstance(value, Decimal) and not value.is_finite():
            raise BadRowError(f"the steps' value `{self.value.text}` is no finite number", "correct it at the source")
        return sum(value >= one if self.inclusive else value > one for one in self.thresholds)


@dataclass(frozen=True, slots=True)
class CompiledNoData:
    """What is said when a rule's stream brings no row.

    Attributes:
        after: Time without a row.
        labels: Labels of the alert `NoData`.
        annotations: Its texts, over `rule`, `stream`, `since` and `hours`.
    """

    after: timedelta
    labels: Mapping[str, str]
    annotations: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule; see `alert_rules.model.Rule` for what its parts mean.

    Attributes:
        name: Name of the alert.
        stream: Its stream.
        kind: `event` or `state`.
        identity: Fields that make two rows the same alert.
        when: Whether a row matches.
        resolve_when: Whether a state resolves; None for when `when` is no longer true.
        hold: How long `when` must hold (`for`).
        keep_firing_for: How long it keeps firing afterwards.
        steps: Thresholds, if there are any.
        labels: Labels beside `alert`.
        annotations: Texts for people.
        region: Default region of phone numbers.
        baseline: Whether rows that match at the first run are noted and not told.
        storm_limit: Most new alerts in one run that are told one by one.
        on_lost_answer: What becomes of messages that cannot be cleared up.
        no_data: What is said when the stream brings no row.
        meaning: Hash of what decides which rows match; a rule whose meaning changes is baselined anew.
        fields: Fields that its expressions and texts use.
    """

    name: str
    stream: str
    kind: t.Literal["event", "state"]
    identity: tuple[str, ...]
    when: Expression
    resolve_when: Expression | None
    hold: timedelta
    keep_firing_for: timedelta
    steps: Steps | None
    labels: Mapping[str, Text]
    annotations: Mapping[str, Text]
    region: str | None
    baseline: bool
    storm_limit: int
    on_lost_answer: t.Literal["hold", "send_again"]
    no_data: CompiledNoData | None
    meaning: str
    fields: frozenset[str]

    def matches(self, row: Row) -> bool:
        """Return whether a row makes an alert.

        Raises:
            BadRowError: The expression has no value for it.
        """
        return self.when.holds(row)

    def resolves(self, row: Row) -> bool:
        """Return whether a row ends the alert.

        Raises:
            BadRowError: The expression has no value for it.
        """
        return not self.matches(row) if self.resolve_when is None else self.resolve_when.holds(row)

    def labels_of(self, row: Row) -> dict[str, str]:
        """Return the labels of the alert a row makes; empty ones are left out, as in Prometheus.

        Raises:
            BadRowError: A text cannot be made of it.
        """
        made = {name: text.render(row) for name, text in self.labels.items()}
        return {"alert": self.name, **{name: value for name, value in made.items() if value}}

    def annotations_of(self, row: Row) -> dict[str, str]:
        """Return the texts of the alert a row makes.

        Raises:
            BadRowError: A text cannot be made of it.
        """
        return {name: text.render(row) for name, text in self.annotations.items()}


@dataclass(frozen=True, slots=True)
class CompiledChannel:
    """One way a receiver is told.

    Attributes:
        channel: Which.
        to: Recipients: fixed ones and texts over the row.
        sender: Sender it names.
        messaging_service: Messaging Service it names.
        text: Text over the group; plain part of a mail. None for the default.
        subject: Subject of a mail; None for the default.
        html: HTML part of a mail; None for the default.
        reply_to: Address for answers.
        language: Of a call.
        max_segments: Most segments of an SMS.
        shorten: How a longer one is shortened.
        valid_for: How long a message is worth sending.
    """

    channel: Channel
    to: tuple[Text, ...]
    sender: str | None = None
    messaging_service: str | None = None
    text: Text | None = None
    subject: Text | None = None
    html: Text | None = None
    reply_to: str | None = None
    language: str | None = None
    max_segments: int = 2
    shorten: t.Literal["count", "cut"] = "count"
    valid_for: timedelta | None = None

    @property
    def fields(self) -> frozenset[str]:
        """Fields of the row that its recipients are made of."""
        return frozenset().union(*(text.names for text in self.to))

    def recipients(self, values: Mapping[str, t.Any], region: str | None) -> list[str]:
        """Return whom it tells of an alert, each once.

        Args:
            values: Fields of the row.
            region: Default region of phone numbers.

        Raises:
            BadRowError: One is missing, or no number or address.
        """
        found: dict[str, None] = {}
        for text in self.to:
            given = text.render(values)
            names = ", ".join(sorted(text.names))
            if not given:
                problem = f"nobody to tell: {text.source} gives nothing for it"
                raise BadRowError(problem, "fill it in the address book", field=names)
            if text.fixed and self.channel != "email" and is_written_out(given):
                found[given] = None
                continue
            try:
                one = mail(given) if self.channel == "email" else e164(given, region, texts=self.channel == "sms")
            except BadRowError as error:
                where = f" ({names})" if names else ""
                raise BadRowError(f"{error}{where}", error.remedy, field=names or None) from None
            found[one] = None
        return list(found)


@dataclass(frozen=True, slots=True)
class CompiledBudget:
    """How many messages a receiver may send.

    Attributes:
        per_recipient: Messages to one recipient; None for any number.
        per_recipient_in: The time they are counted in.
        per_day: Messages to all recipients in 24 hours; None for any number.
        on_exceed: What becomes of one too many.
    """

    per_recipient: int | None
    per_recipient_in: timedelta
    per_day: int | None
    on_exceed: t.Literal["digest", "hold"]


@dataclass(frozen=True, slots=True)
class CompiledEscalation:
    """Who is told next.

    Attributes:
        receiver: Name of the receiver.
        after: Since the notification, or since it was known not to have arrived.
        unless_acknowledged: Whether an acknowledgement makes it needless.
        on: `firing` or `undelivered`.
    """

    receiver: str
    after: timedelta
    unless_acknowledged: bool
    on: t.Literal["firing", "undelivered"]


@dataclass(frozen=True, slots=True)
class CompiledReceiver:
    """Who is told, and how.

    Attributes:
        name: Its name.
        channels: Ways it is told.
        send_resolved: Whether the end of an alert is told.
        digest: When what was collected goes out; None if nothing is collected.
        budget: How many messages there may be.
        escalation: Who is told next, in order.
    """

    name: str
    channels: tuple[CompiledChannel, ...]
    send_resolved: bool = True
    digest: DigestTimes | None = None
    budget: CompiledBudget | None = None
    escalation: tuple[CompiledEscalation, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Fields of the row that its recipients are made of."""
        return frozenset().union(*(channel.fields for channel in self.channels))


@dataclass(frozen=True, slots=True)
class CompiledRoute:
    """A node of the routing tree, with what it has from its parents.

    Attributes:
        key: What groups of this node are known by: the matchers from the root down to it, as in Alertmanager.
        receiver: Name of the receiver.
        matchers: Conditions.
        goes_on: Whether the next sibling is tried too.
        group_by: Labels of a group; None for all labels.
        group_wait: How long a new group waits; None for the end of the run.
        group_interval: Least time between notifications of a group.
        repeat_interval: Time after which what still fires is told again; None for never.
        muted: Times in which nothing goes out.
        active: The only times in which something goes out; none for always.
        routes: Children.
    """

    key: str
    receiver: str
    matchers: tuple[Matcher, ...]
    goes_on: bool
    group_by: tuple[str, ...] | None
    group_wait: timedelta | None
    group_interval: timedelta
    repeat_interval: timedelta | None
    muted: tuple[Interval, ...]
    active: tuple[Interval, ...]
    routes: tuple[CompiledRoute, ...] = ()

    def matching(self, labels: Mapping[str, str]) -> Iterator[CompiledRoute]:
        """Give the nodes that take an alert: children before their parent, as in Alertmanager."""
        if not fits_all(self.matchers, labels):
            return
        taken = False
        for route in self.routes:
            for found in route.matching(labels):
                taken = True
                yield found
            if taken and fits_all(route.matchers, labels) and not route.goes_on:
                return
        if not taken:
            yield self

    def group_of(self, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return labels and values of the group an alert belongs to."""
        names = sorted(labels) if self.group_by is None else self.group_by
        return tuple((name, labels.get(name, "")) for name in names)


@dataclass(frozen=True, slots=True)
class CompiledInhibition:
    """An alert that makes others needless.

    Attributes:
        source: Which alerts silence others.
        target: Which are silenced.
        equal: Labels that both must have in common.
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledSilence:
    """A silence of the file or of a person.

    Attributes:
        key: What it is known by.
        matchers: Which alerts.
        starts: Beginning; None for always.
        until: End.
        reason: Why.
    """

    key: str
    matchers: tuple[Matcher, ...]
    starts: datetime | None
    until: datetime
    reason: str

    def silences(self, labels: Mapping[str, str], moment: datetime) -> bool:
        """Return whether it silences an alert at a moment."""
        return (
            (self.starts is None or self.starts <= moment) and moment < self.until and fits_all(self.matchers, labels)
        )


@dataclass(frozen=True, slots=True)
class Compiled:
    """A whole alert file.

    Attributes:
        rules: Its rules, in their order.
        route: Root of the routing tree.
        receivers: By name.
        inhibitions: Alerts that make others needless.
        silences: Silences of the file.
        moment: Clock of its expressions; the pipeline sets `now` before it evaluates.
        hash: Hash of the file's content.
    """

    rules: tuple[CompiledRule, ...]
    route: CompiledRoute
    receivers: Mapping[str, CompiledReceiver]
    inhibitions: tuple[CompiledInhibition, ...]
    silences: tuple[CompiledSilence, ...]
    moment: Moment
    hash: str
    _of_stream: dict[str, tuple[CompiledRule, ...]] = field(default_factory=dict, compare=False, repr=False)

    def rules_of(self, stream: str) -> tuple[CompiledRule, ...]:
        """Return the rules that look at a stream."""
        if stream not in self._of_stream:
            self._of_stream[stream] = tuple(rule for rule in self.rules if rule.stream == stream)
        return self._of_stream[stream]

    def rule(self, name: str) -> CompiledRule | None:
        """Return a rule by its name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def routes_of(self, labels: Mapping[str, str]) -> tuple[CompiledRoute, ...]:
        """Return the nodes of the routing tree that take an alert."""
        return tuple(self.route.matching(labels))
