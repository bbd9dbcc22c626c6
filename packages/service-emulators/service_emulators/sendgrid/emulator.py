"""Puts the SendGrid emulator together and runs it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from service_emulators.clock import EmulatorClock
from service_emulators.control import control_app
from service_emulators.due import DueWork
from service_emulators.faults import FaultPlan
from service_emulators.handed_out import hand_out
from service_emulators.message_client import SendGridControl
from service_emulators.running import RunningEmulator
from service_emulators.sendgrid.app import SendGridApp
from service_emulators.sendgrid.controls import MailboxControls
from service_emulators.sendgrid.events import Events
from service_emulators.sendgrid.lists import Activity, Batches, Suppressions
from service_emulators.sendgrid.mails import Mails
from service_emulators.sendgrid.settings import WebhookSettings
from service_emulators.sendgrid.signing import EventKey
from service_emulators.sendgrid.store import Store
from service_emulators.sendgrid.switches import SendGridSwitches
from service_emulators.traffic import Recorder, TrafficMiddleware

if TYPE_CHECKING:
    from pathlib import Path

FROM_EMAIL = "alerts@example.com"


class SendGridEmulator(RunningEmulator):
    """A running SendGrid account.

    Args:
        seed: decides the API key, the key of the Event Webhook and ids.
        path: SQLite file to keep the data in; None keeps it in memory.
        port: port to listen on; 0 lets the system choose.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.
        switches: initial switches by name (see `SendGridSwitches`).

    Attributes:
        url: service base; requests go to `{url}/v3/…`.
        api_key: key with full access.
        public_key: of the Event Webhook's signatures.
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
        self.switches = SendGridSwitches()
        self.switches.change(switches)
        digest = hashlib.sha256(f"{seed}/sendgrid api key".encode()).hexdigest()
        self.api_key = hand_out(f"SG.{digest[:22]}.{digest[21:64]}", "API key of SendGrid")
        self._key = EventKey(seed)
        self.public_key = self._key.public
        self.clock = EmulatorClock()
        self.store = Store(path)
        super().__init__(self._assemble(), self.store, port, tls)
        self.control = SendGridControl(self.url)

    def _assemble(self) -> TrafficMiddleware:
        store, switches, clock = self.store, self.switches, self.clock
        self._events = Events(store, switches, clock, self._key, self.seed)
        self._mails = Mails(store, switches, clock, self._events, self.seed)
        self._due = DueWork(clock, self._work)
        settings, suppressions = WebhookSettings(store, self._key), Suppressions(store, clock)
        batches, activity = Batches(store, clock), Activity(store, switches)
        webhooks = "/v3/user/webhooks/event/settings"
        app = SendGridApp(
            store,
            switches,
            clock,
            self.api_key,
            self._mails.advance,
            self._due,
            {
                "POST /v3/mail/send": self._mails.send,
                "POST /v3/mail/batch": batches.create,
                "GET /v3/mail/batch/{batch_id}": batches.fetch,
                "POST /v3/user/scheduled_sends": batches.stop,
                "GET /v3/user/scheduled_sends": batches.page,
                "GET /v3/user/scheduled_sends/{batch_id}": batches.stopped,
                "PATCH /v3/user/scheduled_sends/{batch_id}": batches.change,
                "DELETE /v3/user/scheduled_sends/{batch_id}": batches.resume,
                "GET /v3/suppression/{kind}": suppressions.page,
                "GET /v3/suppression/{kind}/{email}": suppressions.fetch,
                "DELETE /v3/suppression/{kind}/{email}": suppressions.remove,
                "POST /v3/asm/suppressions/global": suppressions.unsubscribe,
                "GET /v3/asm/suppressions/global/{email}": suppressions.unsubscribed,
                "DELETE /v3/asm/suppressions/global/{email}": suppressions.resubscribe,
                f"POST {webhooks}": settings.create,
                f"GET {webhooks}/all": settings.all,
                f"GET {webhooks}/{{id}}": settings.fetch,
                f"PATCH {webhooks}/{{id}}": settings.change,
                f"DELETE {webhooks}/{{id}}": settings.delete,
                f"GET {webhooks}/signed/{{id}}": settings.signed,
                f"PATCH {webhooks}/signed/{{id}}": settings.sign,
                "GET /v3/messages": activity.page,
            },
        )
        self._mailboxes = MailboxControls(store, clock, self._due, self._events)
        recorder, faults = Recorder(), FaultPlan()
        control = control_app(recorder, faults, switches, clock, self._mailboxes.routes(), self._due.wake)
        return TrafficMiddleware(app, control, recorder, faults, clock)

    def _work(self) -> float | None:
        while True:
            with self.store.lock:
                self._mails.advance()
                self.store.commit()
            if not self._events.make():
                break
        with self.store.lock:
            moments = (self._mails.next_at(), self._events.next_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def stop(self) -> None:
        """Stops what is due, the server, and closes the data."""
        self._due.stop()
        super().stop()

    def received(self, email: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Returns what mailboxes received, oldest first, by address."""
        return self._mailboxes.received(email)

    def describe(self) -> dict[str, Any]:
        """Returns what a client needs to know, as JSON data; credentials included."""
        return {
            "url": self.url,
            "api_key": self.api_key,
            "from_email": FROM_EMAIL,
            "event_public_key": self.public_key,
            "seed": self.seed,
        }
