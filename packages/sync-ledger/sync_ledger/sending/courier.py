"""The courier takes messages out of the outbox and to the service: claim, send, note; never twice."""

from __future__ import annotations

import logging
import time
import typing as t
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta

from sync_ledger.errors import ServiceError
from sync_ledger.ledger.runs import Runs
from sync_ledger.sending.answering import Answers
from sync_ledger.sending.claiming import Claim, Claims, Pause
from sync_ledger.sending.clearing import Clearing, Looking
from sync_ledger.sending.service import Lost

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import datetime

    from sync_ledger.sending.journal import Journal
    from sync_ledger.sending.service import Delivery, MessageService

logger = logging.getLogger("sync_ledger")

_TELL_EVERY = timedelta(seconds=10)
_LOOK_EVERY = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a courier does at once and how long it stays.

    Attributes:
        threads: Calls at the same time.
        patience: How long it waits in all for what is due soon: messages the service takes later, answers to be
            cleared up. What is due then is left to the next one.
        looking: How lost answers are cleared up.
    """

    threads: int = 4
    patience: timedelta = timedelta(minutes=1)
    looking: Looking = field(default_factory=Looking)


class Courier:
    """Sends what is due, by one service.

    Args:
        journal: The messages.
        run_id: The run it works for; its claims become unknown when that ends.
        service: How to send.
        pace: How much at once.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        journal: Journal,
        run_id: int,
        service: MessageService,
        *,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal = journal
        self._service = service
        self._pace = pace or Pace()
        self._sleep = sleep
        self._run_id = run_id
        self._runs = Runs(journal.engine, journal.destination)
        self._claims = Claims(journal, run_id, service.channels)
        self._answers = Answers(journal)
        self._clearing = Clearing(journal, service, self._pace.looking)

    def deliver(self) -> dict[Delivery, int]:
        """Send all that is due, and clear up what was sent without an answer; return what came of the calls.

        Raises:
            ServiceError: If nothing can be sent at all; what was not sent waits as before.
        """
        self._claims.abandon()
        moment = self._journal.clock()
        state = _Round(look_at=moment, tell_at=moment + _TELL_EVERY, patience=self._pace.patience)
        with ThreadPoolExecutor(self._pace.threads, thread_name_prefix="courier") as pool:
            try:
                while self._step(state, pool):
                    self._tell(state)
            finally:
                wait(state.calls)  # what was sent is noted, whatever ends the delivery
        if state.tally:
            logger.info("Messages: %s", _summary(state.tally))
        return state.tally

    def _step(self, state: _Round, pool: ThreadPoolExecutor) -> bool:
        """Begin one call, or wait for what comes next; return whether there is more to do."""
        state.gather()
        moment = self._journal.clock()
        if moment >= state.look_at:
            self._clearing.look()
            state.look_at = moment + _LOOK_EVERY
        if len(state.calls) >= self._pace.threads:
            wait(state.calls, return_when=FIRST_COMPLETED)
            return True
        taken = self._claims.take(self._service.per_second)
        if isinstance(taken, Claim):
            state.calls.add(pool.submit(self._send, taken))
        elif isinstance(taken, Pause):
            self._sleep(taken.seconds)
        elif state.calls:
            wait(state.calls, return_when=FIRST_COMPLETED)
        else:
            return self._rest(state, moment)
        return True

    def _rest(self, state: _Round, moment: datetime) -> bool:
        """Sleep until something is due, if that is soon; return whether it is."""
        due = self._claims.next_due()
        if due is None or due - moment > state.patience:
            return False
        if due > moment:
            state.patience -= due - moment
            self._sleep((due - moment).total_seconds())
        state.look_at = moment
        return True

    def _send(self, claim: Claim) -> Delivery:
        """Make the call of a claim and note its answer; return what the message is now."""
        try:
            answer = self._service.send(claim)
        except ServiceError as error:
            self._answers.put_back(claim, str(error))
            raise
        except BaseException as error:
            # A fault in the middle of a call: nobody knows how far it came.
            self._answers.note(claim, Lost(f"the call was broken off ({type(error).__name__})"))
            raise
        return self._answers.note(claim, answer)

    def _tell(self, state: _Round) -> None:
        """Tell of the progress now and then, and give a sign of life, so that no other host takes the run for dead."""
        moment = self._journal.clock()
        if moment >= state.tell_at:
            state.tell_at = moment + _TELL_EVERY
            self._runs.beat(self._run_id)
            logger.info("Messages: %s; %d waiting", _summary(state.tally) or "none yet", self._claims.waiting())


@dataclass
class _Round:
    """One delivery.

    Attributes:
        look_at: When lost answers are looked for next.
        tell_at: When its progress is told next.
        patience: How long it may still wait.
        calls: Calls under way.
        tally: What came of the others.
    """

    look_at: datetime
    tell_at: datetime
    patience: timedelta
    calls: set[Future[Delivery]] = field(default_factory=set)
    tally: dict[Delivery, int] = field(default_factory=dict)

    def gather(self) -> None:
        """Count the calls that have ended; raise what one of them has raised."""
        ended = {call for call in self.calls if call.done()}
        self.calls -= ended
        for call in ended:
            status = call.result()
            self.tally[status] = self.tally.get(status, 0) + 1


def _summary(tally: dict[Delivery, int]) -> str:
    return ", ".join(f"{number} {status.value}" for status, number in tally.items())
