"""Twilio's status callbacks: how far a text or a call is."""

from __future__ import annotations

import typing as t

from sqlalchemy import or_, select
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.sending.statuses import Statuses

from target_twilio.listening.bodies import word
from target_twilio.listening.telling import NOT_REACHED
from target_twilio.twilio.codes import remedy
from target_twilio.twilio.messages import CALL_STATUSES, STATUSES

if t.TYPE_CHECKING:
    from sync_ledger.sending.journal import Journal
    from sync_ledger.sending.service import Delivery

    from target_twilio.listening.bodies import Parameters
    from target_twilio.listening.telling import Telling


class Callbacks:
    """Moves texts and calls on.

    Args:
        journal: The messages.
        telling: The log.
    """

    def __init__(self, journal: Journal, telling: Telling) -> None:
        self._journal = journal
        self._telling = telling

    def text(self, sid: str, key: str | None, form: Parameters) -> None:
        """Note how far a text is.

        Args:
            sid: Its SID.
            key: Our key of it, from the address that was called.
            form: What Twilio says of it.
        """
        status = STATUSES.get(form.get("MessageStatus", ""))
        code = word(form.get("ErrorCode"))
        self._note(sid, key, status, code=code, text=word(form.get("ErrorMessage")))

    def call(self, sid: str, key: str | None, form: Parameters) -> None:
        """Note how far a call is; parameters as those of `text`."""
        said = form.get("CallStatus", "")
        status = CALL_STATUSES.get(said)
        self._note(sid, key, status, text=f"the call ended with {said}" if status in NOT_REACHED else None)

    def _note(
        self, sid: str, key: str | None, status: Delivery | None, *, code: str | None = None, text: str | None = None
    ) -> None:
        if status is None:
            return  # a status that came after this was written says nothing we could use
        advice = remedy(code) if code else None
        moved = Statuses(self._journal).note(status, remote_id=sid, key=key, code=code, text=text, remedy=advice)
        self._telling.count("moved" if moved else "unmoved")
        if moved and status in NOT_REACHED:
            self._telling.not_delivered(key or sid, status, code=code, remedy=advice)
        if not moved and not self._known(sid, key):
            # No error: Twilio would only say it again, and a callback may overtake the answer that names its message.
            self._telling.once("unknown_message", message=key or sid)

    def _known(self, sid: str, key: str | None) -> bool:
        meant = or_(messages.c.remote_id == sid, messages.c.key == key)
        query = select(messages.c.id).where(messages.c.destination == self._journal.destination, meant).limit(1)
        with self._journal.engine.connect() as connection:
            return connection.execute(query).first() is not None
