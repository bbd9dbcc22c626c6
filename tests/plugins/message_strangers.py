"""Twilio's and SendGrid's own Python libraries, unmodified but for the address, and a receiver for webhooks."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sendgrid import SendGridAPIClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

if TYPE_CHECKING:
    from service_emulators.testing import SendGridEmulator, TwilioEmulator


class _ToEmulator(TwilioHttpClient):
    """Leads requests for Twilio's hosts to the emulator."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=10)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        target = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, target, *args, **kwargs)


def twilio_library(emulator: TwilioEmulator) -> Client:
    """Return twilio-python's client, signed in to the emulated account."""
    facts = emulator.describe()
    return Client(facts["account_sid"], facts["auth_token"], http_client=_ToEmulator(emulator.url))


def sendgrid_library(emulator: SendGridEmulator, api_key: str | None = None) -> SendGridAPIClient:
    """Return sendgrid-python's client, signed in to the emulated account unless another key is given."""
    return SendGridAPIClient(api_key or emulator.api_key, host=emulator.url)


class Receiver:
    """A web server that keeps what it is told: path, headers and body."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
