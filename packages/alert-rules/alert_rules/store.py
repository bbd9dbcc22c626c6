"""What the pipeline needs kept between runs. A ledger does that; all calls are part of its caller's transaction."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from alert_rules.notifications import Notification
    from alert_rules.records import (
        Collected,
        Decision,
        Escalating,
        GroupLog,
        Instance,
        Membership,
        RuleState,
        StoredSilence,
    )


class Told(t.Protocol):
    """An alert a message told of."""

    @property
    def fingerprint(self) -> str:
        """The alert."""

    @property
    def version(self) -> int:
        """Which of its changes."""


class Failure(t.Protocol):
    """A message that did not arrive."""

    @property
    def key(self) -> str:
        """Its key."""

    @property
    def receiver(self) -> str:
        """Name of the receiver."""

    @property
    def at(self) -> datetime:
        """Since when that is so."""

    @property
    def members(self) -> Sequence[Told]:
        """What it told of."""


class AlertStore(t.Protocol):
    """What is kept of alerts, in the transaction that is open. All reads and writes take many at a time."""

    def rule_states(self) -> dict[str, RuleState]:
        """Return what is kept of the rules, by name."""

    def put_rule_states(self, states: Iterable[RuleState]) -> None:
        """Keep that."""

    def instances(self, fingerprints: Collection[str]) -> dict[str, Instance]:
        """Return alerts by fingerprint; what is not there is left out."""

    def put_instances(self, instances: Iterable[Instance]) -> None:
        """Keep alerts as they are now."""

    def timed(self) -> list[Instance]:
        """Return the alerts that time alone may change: pending ones, and those that keep firing for a while."""

    def firing(self) -> list[Instance]:
        """Return the alerts that fire."""

    def members(self, groups: Collection[str]) -> list[Membership]:
        """Return all members of some groups."""

    def members_of(self, fingerprints: Collection[str]) -> list[Membership]:
        """Return the memberships of some alerts."""

    def untold(self, fingerprints: Collection[str]) -> set[str]:
        """Return which of some alerts there is something to tell of, now or with what is collected."""

    def open_members(self) -> list[Membership]:
        """Return the members with something to tell."""

    def put_members(self, members: Iterable[Membership]) -> None:
        """Keep members as they are now."""

    def open_anew(self, members: Iterable[Membership]) -> None:
        """Keep members with something to tell; what they were told, and since when they wait, stays as it is."""

    def drop_members(self, members: Iterable[Membership]) -> None:
        """Forget members of which there is nothing more to tell."""

    def groups(self, keys: Collection[str]) -> dict[str, GroupLog]:
        """Return groups by key."""

    def groups_to_repeat(self, now: datetime) -> list[GroupLog]:
        """Return the groups whose time to be told again has come."""

    def put_groups(self, groups: Iterable[GroupLog]) -> None:
        """Keep groups as they are now."""

    def add_groups(self, groups: Iterable[GroupLog]) -> None:
        """Keep groups that are not there yet."""

    def collected(self, receivers: Collection[str]) -> list[Collected]:
        """Return all that is collected for some receivers."""

    def collected_due(self, now: datetime) -> list[Collected]:
        """Return what is collected and may go out."""

    def put_collected(self, items: Iterable[Collected]) -> None:
        """Keep what is collected."""

    def drop_collected(self, items: Iterable[Collected]) -> None:
        """Forget what has been told, or need not be any more."""

    def escalations_due(self, now: datetime) -> list[Escalating]:
        """Return whom it is time to tell."""

    def put_escalations(self, escalations: Iterable[Escalating]) -> None:
        """Keep whom to tell later; those that are there already stay as they are, done or not."""

    def end_escalations(self, keys: Collection[str]) -> None:
        """Note that these have been decided."""

    def failures(self) -> Sequence[Failure]:
        """Return messages that did not arrive, each once."""

    def silences(self, now: datetime) -> list[StoredSilence]:
        """Return the silences of people that are not over."""

    def told(self, instances: Collection[Instance]) -> set[tuple[str, str, int]]:
        """Return who has been told of some alerts, or is to be with what is collected: receiver, alert and change."""

    def sent_since(self, since: datetime) -> list[tuple[str, str, datetime]]:
        """Return the messages since then: receiver, recipient and when, oldest first."""

    def notify(self, notifications: Sequence[Notification]) -> None:
        """Put messages into the outbox; a key that is there already is left as it is."""

    def decide(self, decisions: Iterable[Decision], now: datetime, run: int | None) -> None:
        """Keep decisions; one that is there already is counted once more."""
