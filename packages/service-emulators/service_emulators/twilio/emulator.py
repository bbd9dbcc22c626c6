"""Puts the Twilio emulator together and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.clock import EmulatorClock
from service_emulators.control import control_app
from service_emulators.due import DueWork
from service_emulators.faults import FaultPlan
from service_emulators.message_client import TwilioControl
from service_emulators.running import RunningEmulator
from service_emulators.traffic import Recorder, TrafficMiddleware
from service_emulators.twilio.app import TwilioApp
from service_emulators.twilio.callbacks import Callbacks
from service_emulators.twilio.calls import Calls
from service_emulators.twilio.controls import PhoneControls
from service_emulators.twilio.identity import Identity
from service_emulators.twilio.inbound import Inbound
from service_emulators.twilio.life import Life
from service_emulators.twilio.lists import MessageLists
from service_emulators.twilio.lookups import Lookups
from service_emulators.twilio.messages import Messages
from service_emulators.twilio.seed import populate
from service_emulators.twilio.store import Store
from service_emulators.twilio.switches import TwilioSwitches

if TYPE_CHECKING:
    from pathlib import Path


class TwilioEmulator(RunningEmulator):
    """A running Twilio account.

    Args:
        seed: decides credentials and SIDs.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.
        switches: initial switches by name (see `TwilioSwitches`).

    Attributes:
        url: service base; requests go to `{url}/2010-04-01/…` and `{url}/v2/PhoneNumbers/…`.
        identity: account, keys, Messaging Service.
        switches: live switches.
        store: the data.
        clock: the clock.
        control: client of the control interface.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        path: Path | None = None,
        port: int = 0,
        tls: tuple[Path, Path] | None = None,
        **switches: Any,
    ) -> None:
        self.seed = seed
        self.switches = TwilioSwitches()
        self.switches.change(switches)
        self.identity = Identity(seed)
        self.clock = EmulatorClock()
        self.store = Store(path)
        populate(self.store, seed, self.identity.messaging_service_sid)
        super().__init__(self._assemble(), self.store, port, tls)
        self.control = TwilioControl(self.url)

    def _assemble(self) -> TrafficMiddleware:
        store, switches, clock, identity = self.store, self.switches, self.clock, self.identity
        self._callbacks = Callbacks(store, switches, clock, identity.auth_token)
        self._life = Life(store, switches, clock, self._callbacks, identity.account_sid)
        messages = Messages(store, switches, clock, self._life, identity)
        self._calls = Calls(store, switches, clock, self._callbacks, identity)
        self._due = DueWork(clock, self._work)
        app = TwilioApp(
            store,
            switches,
            identity,
            self._advance,
            self._due,
            {
                "POST /Messages": messages.create,
                "GET /Messages": MessageLists(store, messages).page,
                "GET /Messages/{sid}": messages.fetch,
                "POST /Messages/{sid}": messages.change,
                "DELETE /Messages/{sid}": messages.delete,
                "POST /Calls": self._calls.create,
                "GET /Calls": self._calls.page,
                "GET /Calls/{sid}": self._calls.fetch,
                "POST /Calls/{sid}": self._calls.change,
                "GET /v2/PhoneNumbers/{number}": Lookups(store).fetch,
            },
        )
        inbound = Inbound(store, switches, clock, self._callbacks, identity)
        self._phones = PhoneControls(store, clock, self._due, self._callbacks, inbound)
        recorder, faults = Recorder(), FaultPlan()
        control = control_app(recorder, faults, switches, clock, self._phones.routes(), self._due.wake)
        return TrafficMiddleware(app, control, recorder, faults, clock)

    def _advance(self) -> None:
        self._life.advance()
        self._calls.advance()

    def _work(self) -> float | None:
        while True:
            with self.store.lock:
                self._advance()
                self.store.commit()
            if not self._callbacks.make():
                break
        with self.store.lock:
            moments = (self._life.next_at(), self._calls.next_at(), self._callbacks.next_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def stop(self) -> None:
        """Stops what is due, the server, and closes the data."""
        self._due.stop()
        super().stop()

    def received(self, number: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Returns what phones received, oldest first, by number."""
        return self._phones.received(number)

    def describe(self) -> dict[str, Any]:
        """Returns what a client needs to know, as JSON data; credentials included."""
        identity = self.identity
        return {
            "url": self.url,
            "account_sid": identity.account_sid,
            "auth_token": identity.auth_token,
            "api_key_sid": identity.api_key_sid,
            "api_key_secret": identity.api_key_secret,
            "test_account_sid": identity.test_account_sid,
            "test_auth_token": identity.test_auth_token,
            "from_number": identity.from_number,
            "messaging_service_sid": identity.messaging_service_sid,
            "seed": self.seed,
        }
