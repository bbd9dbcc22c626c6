"""What people answer to texts: STOP and START, and that they take an alert on."""

from __future__ import annotations

import re
import typing as t

from sqlalchemy import select
from sync_ledger.ledger.sending_tables import message_events, messages
from sync_ledger.sending.journal import Said
from sync_ledger.sending.service import Delivery
from sync_ledger.sending.suppressions import Suppressions
from sync_ledger.sending.troubles import members_of

from target_twilio.listening.telling import masked

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sync_ledger.alerts.engine import AlertEngine
    from sync_ledger.sending.journal import Journal

    from target_twilio.listening.telling import Telling

STOP: t.Final = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
"""Texts that opt out, as Twilio knows them ("Customize users' opt-in and opt-out experience with Advanced Opt-Out")."""

START: t.Final = frozenset({"START", "UNSTOP", "YES"})
"""Texts that opt in again."""

TAKE_ON: t.Final = frozenset({"ACK", "ACKD", "ACKED", "ACKNOWLEDGE", "ACKNOWLEDGED", "OK", "OKAY"})
"""First words of texts that take alerts on."""

_LETTER: t.Final = "A"
"""Takes them on where it is the whole text: many a sentence begins with it."""

_PHONE: t.Final = ("sms", "voice")
"""Who says STOP wants no calls either."""

_LONGEST: t.Final = 200


class Replies:
    """Takes the texts of people in.

    Args:
        journal: The messages.
        alerts: The alerts.
        telling: The log.
    """

    def __init__(self, journal: Journal, alerts: AlertEngine, telling: Telling) -> None:
        self._journal = journal
        self._alerts = alerts
        self._telling = telling
        self._suppressions = Suppressions(journal.destination)

    def take(self, sid: str, person: str, text: str, opt_out: str | None) -> None:
        """Do what a text asks for, once: one that comes twice must not take on what was told in between.

        Args:
            sid: Its SID.
            person: Number it comes from.
            text: What it says.
            opt_out: What Twilio takes it for, where a Messaging Service has words of its own: STOP, START, HELP.
        """
        whole = re.sub(r"[\W_]+", "", text).upper()
        first = next(iter(re.findall(r"\w+", text)), "").upper()
        if opt_out == "STOP" or whole in STOP:
            self._once(sid, person, text, self._stop)
        elif opt_out == "START" or whole in START:
            self._once(sid, person, text, self._start)
        elif whole == _LETTER or first in TAKE_ON:
            self._take_on(sid, person, text)
        else:
            self._once(sid, person, text, self._ignore)

    def _once(self, sid: str, person: str, text: str, work: Callable[[Connection, str], None]) -> None:
        with self._journal.alone() as connection:
            row = self._answered(connection, person)
            if self._note(connection, row, sid, text):
                work(connection, person)

    def _stop(self, connection: Connection, person: str) -> None:
        moment = self._journal.clock()
        held = sum(
            self._suppressions.add(connection, channel, person, at=moment, why="answered STOP") for channel in _PHONE
        )
        self._telling.say("opted_out", recipient=masked(person), held=held)

    def _start(self, connection: Connection, person: str) -> None:
        moment = self._journal.clock()
        lifted = [self._suppressions.lift(connection, channel, person, at=moment) for channel in _PHONE]
        if any(lifted):
            self._telling.say("opted_in", recipient=masked(person))

    def _ignore(self, connection: Connection, person: str) -> None:
        del connection
        self._telling.say("reply_ignored", sender=masked(person))

    def _take_on(self, sid: str, person: str, text: str) -> None:
        with self._journal.engine.connect() as connection:
            row = self._answered(connection, person)
            told = members_of(connection, [row.id]).get(row.id, []) if row is not None else []
            heard = self._heard(connection, sid)
        if heard:
            return
        marks = {one.fingerprint for one in told}
        taken = self._alerts.acknowledge(f"the reply of {masked(person)}", self._journal.clock(), fingerprints=marks)
        # Afterwards: a reply that is noted has been done. Done twice in between, it does no harm.
        with self._journal.alone() as connection:
            self._note(connection, row, sid, text)
        self._telling.say("taken_on", sender=masked(person), alerts=len(taken))

    def _answered(self, connection: Connection, person: str) -> t.Any | None:
        """Return the newest message that went to a number; what waits cannot have been answered."""
        query = (
            select(messages.c.id, messages.c.status)
            .where(
                messages.c.destination == self._journal.destination,
                messages.c.channel.in_(_PHONE),
                messages.c.recipient == person,
                messages.c.claimed_at.is_not(None),
                messages.c.status.not_in((Delivery.WAITING.value, Delivery.FAILED.value)),
            )
            .order_by(messages.c.claimed_at.desc(), messages.c.id.desc())
            .limit(1)
        )
        return connection.execute(query).one_or_none()

    def _heard(self, connection: Connection, sid: str) -> bool:
        where = (message_events.c.destination == self._journal.destination, message_events.c.event_key == _mark(sid))
        return connection.execute(select(message_events.c.id).where(*where)).first() is not None

    def _note(self, connection: Connection, row: t.Any | None, sid: str, text: str) -> bool:
        """Keep a reply with the message it answers; return whether it is new. Words of strangers are not kept."""
        if row is None:
            said = Said("person", Delivery.SENT, text="a text came in", remote_id=sid, event_key=_mark(sid))
            return self._journal.note(connection, None, said, moved=False)
        words = f"replied: {text[:_LONGEST]}"
        said = Said("person", Delivery(row.status), text=words, remote_id=sid, event_key=_mark(sid))
        return self._journal.note(connection, row.id, said, moved=False)


def _mark(sid: str) -> str:
    return f"reply {sid}"
