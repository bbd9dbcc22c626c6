"""Running the listener: what the settings must have, the ledger, the server, and its end."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import socket
import threading
import typing as t
from urllib.parse import urlsplit

import uvicorn
from sqlalchemy import event
from sync_ledger.alerts.engine import AlertEngine
from sync_ledger.errors import ConfigError
from sync_ledger.ledger import open_engine

from target_twilio.connecting import alert_file, destination_of
from target_twilio.listening.app import Callers, Listener
from target_twilio.listening.signatures import SendGridSignature, TwilioSignature
from target_twilio.listening.telling import Telling

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

    Config = Mapping[str, t.Any]

PATIENCE_SECONDS: t.Final = 4
"""How long the ledger is waited for while others write it: Twilio then has time for another try."""

_GRACE_SECONDS: t.Final = 10
_MOST_CONNECTIONS: t.Final = 256
_BACKLOG: t.Final = 512
_TWILIO: t.Final = ("account_sid", "auth_token", "status_callback_url")
_SENDGRID: t.Final = "sendgrid_event_public_key"


class Server:
    """A listener that is bound to its address and can be run.

    Args:
        config: Settings of the target.
        host: Address to listen on.
        port: Port; 0 lets the system choose.
        telling: The log.

    Attributes:
        url: Where it listens.

    Raises:
        SyncError: A setting is missing or wrong, the alert file or the ledger cannot be used, the port is taken.
    """

    def __init__(self, config: Config, host: str, port: int, telling: Telling | None = None) -> None:
        self._telling = telling or Telling()
        self._callers = callers(config)
        compiled = alert_file(config)
        self._engine = _open(config["ledger_url"])
        destination = destination_of(config)
        listener = Listener(
            self._engine, destination, AlertEngine(self._engine, destination, compiled), self._callers, self._telling
        )
        try:
            self._socket = _bind(host, port)
        except ConfigError:
            self._engine.dispose()
            raise
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                listener.app(),
                lifespan="on",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # what a proxy says of the caller decides nothing here
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    def run(self) -> None:
        """Listen until SIGTERM or SIGINT comes, or `stop` is called; what has begun is brought to its end."""
        off = {name: one for name in ("twilio", "sendgrid") if isinstance(one := getattr(self._callers, name), str)}
        self._telling.say("listening", at=self.url, **{f"{name}_off": why for name, why in off.items()})
        try:
            with _ends_well():
                self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._engine.dispose()
        self._telling.say("stopped", **self._telling.counts)

    def stop(self) -> None:
        """Ask it to end; callable from any thread."""
        self._server.should_exit = True


def callers(config: Config) -> Callers:
    """Return who may call, by the settings.

    Raises:
        ConfigError: A setting is wrong, or so many are missing that nobody could call.
    """
    missing = [name for name in _TWILIO if not config.get(name)]
    key = config.get(_SENDGRID)
    address = _public(config.get("status_callback_url"))
    if address and missing:
        raise ConfigError(
            f"Setting {' and '.join(missing)} {_is(missing)} missing; Twilio signs its callbacks to "
            "status_callback_url with the auth token of the account"
        )
    if missing and not key:
        raise ConfigError(
            f"There is nothing to listen to: for Twilio, {' and '.join(missing)} {_is(missing)} missing; for SendGrid, "
            f"{_SENDGRID}"
        )
    twilio = f"setting {' and '.join(missing)} {_is(missing)} missing"
    return Callers(
        twilio=twilio if missing else TwilioSignature(str(config["auth_token"]), address),
        sendgrid=SendGridSignature(str(key)) if key else f"setting {_SENDGRID} is missing",
        address=address,
    )


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _public(address: str | None) -> str:
    """Return the public address without a slash at its end; nothing when there is none."""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(
            "Setting status_callback_url must be an http or https address without query and fragment, such as "
            "https://hooks.example.com/alerts"
        )
    if "_" in parts.hostname:
        raise ConfigError(
            f"Setting status_callback_url has an underscore in its host name {parts.hostname}; Twilio calls no such "
            "host, give another"
        )
    return address.rstrip("/")


def _open(url: str) -> Engine:
    """Open the ledger so that nobody waits long for it."""
    engine = open_engine(url)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "do_connect", _connect_soon)
    event.listen(engine, "connect", _wait_shortly)
    engine.dispose()  # the connection it was opened by knows nothing of that
    return engine


def _connect_soon(_dialect: object, _record: object, _arguments: object, options: dict[str, t.Any]) -> None:
    options.setdefault("connect_timeout", PATIENCE_SECONDS)


def _wait_shortly(connection: t.Any, _record: object) -> None:
    cursor = connection.cursor()
    if hasattr(connection, "pgconn"):
        cursor.execute(f"SET SESSION lock_timeout = {PATIENCE_SECONDS * 1_000}")
        connection.commit()
    else:
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1_000}")
    cursor.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        six = isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address)
        family = socket.AF_INET6 if six else socket.AF_INET
    except ValueError:
        family = socket.AF_INET  # a name
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"Cannot listen on {host}, port {port}: {words}; give another --host or --port") from None


@contextlib.contextmanager
def _ends_well() -> Iterator[None]:
    """Let a signal that ended the server in good order not end the process as well: uvicorn raises it once more."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
