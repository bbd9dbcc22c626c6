"""Sending what is due and asking how far the rest is, by both services."""

from __future__ import annotations

import logging
import typing as t
from collections import Counter
from datetime import timedelta

from service_calls import Tally
from sqlalchemy import func, select
from sync_ledger.adapter import Usage
from sync_ledger.errors import ServiceError
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.sending.courier import Courier, Pace
from sync_ledger.sending.journal import Journal
from sync_ledger.sending.reading import sent_before
from sync_ledger.sending.service import Delivery, Later
from sync_ledger.sending.statuses import Statuses

from target_twilio.connecting import destination_of, sendgrid_mail, twilio_messages
from target_twilio.refusals import Outspoken
from target_twilio.services import SENDGRID, TWILIO, missing

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from service_calls import Service
    from sqlalchemy import Engine
    from sync_ledger.sending.service import Answer, MessageService, Outgoing, Seen

logger = logging.getLogger("sync_ledger")

_DAY: t.Final = timedelta(hours=24)
_HOUR: t.Final = 3_600.0


class Sending:
    """Sends the messages of one account.

    Args:
        engine: The ledger's database.
        config: Settings of the target.
    """

    def __init__(self, engine: Engine, config: Mapping[str, t.Any]) -> None:
        self._engine = engine
        self._config = config
        self._tally = Tally()
        self.journal = Journal(engine, destination_of(config))
        texts, mail = twilio_messages(config, self._tally), sendgrid_mail(config, self._tally)
        self._services: tuple[tuple[Service, MessageService | None, Sequence[str], str], ...] = (
            (TWILIO, texts and Outspoken(texts, TWILIO.name), ("sms", "voice"), "account_sid and auth_token"),
            (SENDGRID, mail and Outspoken(mail, SENDGRID.name), ("email",), "sendgrid_api_key"),
        )

    @property
    def usage(self) -> Usage:
        """What was sent so far."""
        return Usage(*self._tally.sent)

    def deliver(self, run_id: int) -> dict[Delivery, int]:
        """Send all that is due; return what came of the calls.

        One service that cannot send does not keep the other from it.

        Raises:
            ServiceError: A service cannot send at all; what was not sent waits in the ledger.
        """
        told: Counter[Delivery] = Counter()
        failures: list[ServiceError] = []
        pace = Pace(self._config["max_concurrency"], timedelta(seconds=self._config["delivery_seconds"]))
        for name, service, channels, settings in self._services:
            try:
                if service is not None:
                    limited = _Limited(service, self._engine, self.journal.destination, self._config["daily_limit"])
                    told.update(Courier(self.journal, run_id, limited, pace=pace).deliver())
                elif self._waiting(channels):
                    raise missing(name, settings, " and ".join(channels))
            except ServiceError as error:
                failures.append(error)
        for other in failures[1:]:
            logger.error("%s", other)
        if failures:
            raise failures[0]
        return dict(told)

    def follow(self) -> int:
        """Ask how far messages are; return how many have moved. That a service cannot be asked is only told."""
        moved = 0
        for _, service, _, _ in self._services:
            if service is None:
                continue
            try:
                moved += Statuses(self.journal).follow(service)
            except ServiceError as error:
                logger.warning("How far messages are cannot be asked now: %s", error)
        return moved

    def close(self) -> None:
        """Close the connections."""
        for _, service, _, _ in self._services:
            if service is not None:
                service.close()

    def _waiting(self, channels: Sequence[str]) -> int:
        query = (
            select(func.count())
            .select_from(messages)
            .where(
                messages.c.destination == self.journal.destination,
                messages.c.channel.in_(channels),
                messages.c.status == Delivery.WAITING.value,
                messages.c.due_at <= now(),
            )
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


class _Limited:
    """A service of which only so many messages are asked in 24 hours.

    Args:
        service: The service.
        engine: The ledger's database.
        destination: The account.
        limit: Messages in 24 hours, over all channels.
    """

    def __init__(self, service: MessageService, engine: Engine, destination: str, limit: int) -> None:
        self._service = service
        self._engine = engine
        self._destination = destination
        self._limit = limit
        self.channels = service.channels
        self.per_second = service.per_second

    def send(self, message: Outgoing) -> Answer:
        """Send a message if the limit allows."""
        with self._engine.connect() as connection:
            channels = ("sms", "voice", "email")
            begun = sent_before(connection, self._destination, message.key, now() - _DAY, channels)
        if begun >= self._limit:
            text = f"the daily limit of {self._limit} messages is used up (setting daily_limit)"
            return Later("daily_limit", text, _HOUR)
        return self._service.send(message)

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
        """Ask the service."""
        return self._service.find(message, since)

    def status(self, remote_id: str, channel: str) -> Seen | None:
        """Ask the service."""
        return self._service.status(remote_id, channel)

    def close(self) -> None:
        """Close the service's connections."""
        self._service.close()
