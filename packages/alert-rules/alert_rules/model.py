"""The alert file as it is written, typed; names are Alertmanager's and Grafana's where those have one.

Durations are texts such as `30m`, `1h30m`, `2d` or `1w` (`alert_rules.durations`); times of day are `HH:MM`, and
intervals of them `HH:MM-HH:MM`, which may cross midnight. Expressions are read by `alert_rules.expressions`; texts with
`{{ }}` are Jinja2 (`alert_rules.texts`). What is checked beyond the types is in `alert_rules.checking`.
"""

from __future__ import annotations

import typing as t

import msgspec

Number: t.TypeAlias = int | float


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the file; a key that is none of its fields is an error."""


class NoData(_Part, frozen=True):
    """What is said when a rule's stream brings no row for too long.

    Attributes:
        after: Duration without a row after which the alert `NoData` fires; it resolves with the next row.
        labels: Its labels beside `alert`, `rule` and `stream`, by which it is routed; to operators, not to buyers.
        annotations: Its texts; `summary` has a default.
    """

    after: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Rule(_Part, frozen=True):
    """Which rows of a stream make an alert.

    Attributes:
        alert: Name of the alert; becomes the label `alert`.
        stream: Stream whose rows are looked at.
        kind: `event` tells once per identity and step; `state` fires and resolves.
        identity: Fields whose values make two rows the same alert.
        when: Expression over the row's fields; the row matches when it is true.
        steps: Thresholds, rising; the alert is told again only when a higher one is crossed.
        steps_of: Expression of the value that crosses them; only where `when` does not compare it with the first step.
        resolve_when: Of a state: expression by which it resolves; without it, when `when` is no longer true.
        for_: Of a state: how long `when` must hold before it fires.
        keep_firing_for: Of a state: how long it keeps firing after it would have resolved.
        labels: Labels beside `alert`; values are templates over the row.
        annotations: Texts for people; values are templates over the row. `summary` is what an SMS says.
        region: Default region of phone numbers without country code (`US`); else that of the file.
        initial: What the first run makes of rows that match already: `baseline` notes them, `send` tells them.
        storm_limit: More new alerts of this rule than that in one run are told as one summary; else that of the file.
        on_lost_answer: What becomes of a message whose sending cannot be cleared up: `hold` or `send_again`.
        no_data: What is said when the stream brings no row.
    """

    alert: str
    stream: str
    identity: list[str]
    when: str
    kind: t.Literal["event", "state"] = "event"
    steps: list[Number] = []
    steps_of: str | None = None
    resolve_when: str | None = None
    for_: str | None = msgspec.field(name="for", default=None)
    keep_firing_for: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    region: str | None = None
    initial: t.Literal["baseline", "send"] | None = None
    storm_limit: int | None = None
    on_lost_answer: t.Literal["hold", "send_again"] = "hold"
    no_data: NoData | None = None


class Route(_Part, frozen=True):
    """A node of the routing tree; what it does not say it has from its parent, as in Alertmanager.

    Attributes:
        receiver: Who is told.
        matchers: All must fit the alert's labels: `severity="critical"`, `team=~"sales|finance"`, `!=`, `!~`.
        continue_: Whether the next sibling is tried too.
        group_by: Labels whose equal values make one notification, at the root `[alert]`; `...` for all labels.
        group_wait: How long a new group waits for more: a duration, or `run`, as at the root, for the end of the run.
        group_interval: Least time between notifications of one group with something new in it; at the root `5m`.
        repeat_interval: Time after which what still fires is told again, at the root `24h`; `never` for not at all.
        mute_time_intervals: Names of intervals in which nothing goes out; it is kept, and told when they end.
        active_time_intervals: Names of the only intervals in which something goes out.
        routes: Children.
    """

    receiver: str | None = None
    matchers: list[str] = []
    continue_: bool = msgspec.field(name="continue", default=False)
    group_by: list[str] | None = None
    group_wait: str | None = None
    group_interval: str | None = None
    repeat_interval: str | None = None
    mute_time_intervals: list[str] = []
    active_time_intervals: list[str] = []
    routes: list[Route] = []


class Sms(_Part, frozen=True):
    """Text messages.

    Attributes:
        to: Numbers, or templates over the row that give one (`{{ approver_phone }}`); normalised to E.164.
        from_: Sender; else the setting of the target.
        messaging_service: SID of a Messaging Service; else the setting of the target.
        text: Template over the group (`alert_rules.texts`); the default lists the summaries.
        max_segments: Most segments of one message.
        shorten: How a longer one is shortened: `count` leaves alerts out and says how many, `cut` cuts the text.
        valid_for: Duration after which a message still queued is dropped (1s to 10h).
    """

    to: list[str]
    from_: str | None = msgspec.field(name="from", default=None)
    messaging_service: str | None = None
    text: str | None = None
    max_segments: int = 2
    shorten: t.Literal["count", "cut"] = "count"
    valid_for: str | None = None


class Email(_Part, frozen=True):
    """E-mail, with a plain and an HTML part.

    Attributes:
        to: Addresses, or templates over the row that give one.
        from_: Sender; else the setting of the target.
        reply_to: Address for answers.
        subject: Template over the group.
        text: Template of the plain part.
        html: Template of the HTML part; values are escaped.
    """

    to: list[str]
    from_: str | None = msgspec.field(name="from", default=None)
    reply_to: str | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None


class Voice(_Part, frozen=True):
    """A call that reads a text aloud.

    Attributes:
        to: Numbers, or templates over the row.
        from_: Caller; else the setting of the target.
        text: Template over the group.
        language: Language it is spoken in.
    """

    to: list[str]
    from_: str | None = msgspec.field(name="from", default=None)
    text: str | None = None
    language: str = "en-US"


class Digest(_Part, frozen=True):
    """Everything of the time between two moments in one message.

    Attributes:
        at: Time of day, `HH:MM`.
        days: Days: `mon-fri`, `daily`, or names with commas.
        location: Time zone of `at`; else that of the file.
    """

    at: str
    days: str = "daily"
    location: str | None = None


class Budget(_Part, frozen=True):
    """How many messages a receiver may send.

    Attributes:
        per_recipient: Messages to one recipient per duration: `6/1h`.
        per_day: Messages to all of them in 24 hours.
        on_exceed: What becomes of one too many: `digest` collects them, `hold` keeps them for a person.
    """

    per_recipient: str | None = None
    per_day: int | None = None
    on_exceed: t.Literal["digest", "hold"] = "digest"


class Escalation(_Part, frozen=True):
    """Who is told next when nobody acts.

    Attributes:
        after: Duration since the notification; with `on: undelivered`, since that became known.
        receiver: Who is told then.
        unless: What makes it needless.
        on: `firing`: the alert still fires; `undelivered`: the message did not arrive.
    """

    receiver: str
    after: str = "0m"
    unless: t.Literal["acknowledged", "never"] = "acknowledged"
    on: t.Literal["firing", "undelivered"] = "firing"


class Receiver(_Part, frozen=True):
    """Who is told, and how.

    Attributes:
        name: Name routes know it by.
        sms: Text messages.
        email: E-mail.
        voice: Calls.
        send_resolved: Whether the end of an alert is told.
        digest: Collect alerts and tell them at a time of day.
        budget: How many messages there may be.
        escalation: Who is told next.
    """

    name: str
    sms: Sms | None = None
    email: Email | None = None
    voice: Voice | None = None
    send_resolved: bool = True
    digest: Digest | None = None
    budget: Budget | None = None
    escalation: list[Escalation] = []


class InhibitRule(_Part, frozen=True):
    """An alert that makes others needless while it fires.

    Attributes:
        source_matchers: Which alerts silence others.
        target_matchers: Which are silenced.
        equal: Labels that both must have in common.
    """

    source_matchers: list[str]
    target_matchers: list[str]
    equal: list[str] = []


class TimeInterval(_Part, frozen=True):
    """Times; a moment is within when all parts that are given hold.

    Attributes:
        name: Name routes know it by.
        times: `HH:MM-HH:MM`; may cross midnight, and `24:00` is its end.
        weekdays: `monday`, `monday:friday`.
        days_of_month: `1`, `1:7`, `-1` for the last.
        months: `january`, `1:3`.
        years: `2026`, `2026:2028`.
        location: Time zone, such as `Europe/Berlin`; else that of the file.
    """

    name: str
    times: list[str] = []
    weekdays: list[str] = []
    days_of_month: list[str] = []
    months: list[str] = []
    years: list[str] = []
    location: str | None = None


class Silence(_Part, frozen=True):
    """No notification for some alerts for some time.

    Attributes:
        matchers: Which alerts.
        until: End, ISO 8601 with time zone.
        starts: Beginning; without it, at once.
        reason: Why; kept with each decision.
    """

    matchers: list[str]
    until: str
    starts: str | None = None
    reason: str = ""


class AlertFile(_Part, frozen=True):
    """A whole alert file.

    Attributes:
        rules: Which rows make an alert.
        route: Root of the routing tree; it must name a receiver and takes what no child takes.
        receivers: Who is told.
        inhibit_rules: Which alerts make others needless.
        time_intervals: Named times.
        silences: Silences kept in the file; others come by `alerts silence`.
        location: Time zone of all times that name none.
        region: Default region of phone numbers without country code.
        initial: What the first run makes of rows that match already, for rules that do not say.
        storm_limit: More new alerts of one rule in one run than that are told as one summary.
    """

    rules: list[Rule]
    route: Route
    receivers: list[Receiver]
    inhibit_rules: list[InhibitRule] = []
    time_intervals: list[TimeInterval] = []
    silences: list[Silence] = []
    location: str = "UTC"
    region: str | None = None
    initial: t.Literal["baseline", "send"] = "baseline"
    storm_limit: int = 25
