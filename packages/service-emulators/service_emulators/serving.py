"""Runs an ASGI application as a real HTTP server on loopback, in a background thread.

The protocol class hands the connection to the application, because some faults (a reset, a body cut short) cannot be
expressed in ASGI: they need the transport itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path
    from types import TracebackType

    from starlette.types import ASGIApp
    from typing_extensions import Self

CONNECTION_EXTENSION = "emulator.connection"
_START_TIMEOUT_SECONDS = 20
_GRACE_SECONDS = 0.1
"""How long requests in progress may go on at the end; the server that nobody hears from any more cancels them then."""


class EmulatorProtocol(HttpToolsProtocol):
    """Uvicorn's httptools protocol that lets the application reach the connection it is serving."""

    def on_message_begin(self) -> None:
        """Adds the transport to the scope of each request."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION_EXTENSION: {"transport": self.transport}}


def drop_connection(scope: MutableMapping[str, Any], *, reset: bool) -> None:
    """Closes the connection of a request without an answer.

    Args:
        scope: ASGI scope of the request.
        reset: True sends a TCP reset, what a crashed proxy or a dropped NAT entry looks like; False closes in order
            after everything written so far has left, so that the client sees a short body.
    """
    transport: asyncio.Transport = scope["extensions"][CONNECTION_EXTENSION]["transport"]
    if not reset:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):  # the peer may have gone first; then there is nothing left to reset
            # Lingering for zero seconds makes close() send RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Server(uvicorn.Server):
    """Uvicorn server that says when it is ready, and ends at once when another thread asks for it.

    Uvicorn's own loop looks for that every tenth of a second and then waits another one for its connections: tests
    start and stop hundreds of servers.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)  # sets the headers all answers have, which have no date here and therefore stay
        await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # lets the handlers learn that their connections are gone
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_GRACE_SECONDS)

    def end(self) -> None:
        """Stop serving and drop all connections; callable from any thread."""
        self.should_exit = True  # for a server that has not come to its loop yet
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop closed between the two lines: nothing left to end
                self._loop.call_soon_threadsafe(self._end.set)


class Served:
    """A running server; also a context manager that stops it.

    Attributes:
        url: base URL without a trailing slash.
    """

    def __init__(
        self, server: _Server, thread: threading.Thread, listener: socket.socket, scheme: str, host: str
    ) -> None:
        self._server = server
        self._thread = thread
        self._listener = listener
        self.port = int(listener.getsockname()[1])
        self.url = f"{scheme}://{host}:{self.port}"

    def stop(self) -> None:
        """Stops listening, drops open connections and waits for the thread. May be called twice."""
        if not self._thread.is_alive():
            return
        self._server.end()
        self._thread.join(timeout=_START_TIMEOUT_SECONDS)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 0, tls: tuple[Path, Path] | None = None) -> Served:
    """Starts a server and returns when it accepts requests.

    Args:
        app: ASGI application.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose a free one.
        tls: files of the certificate chain and of its key, both PEM; plain HTTP without them.

    Returns:
        The running server.

    Raises:
        OSError: the address is taken or not ours, or a file of `tls` can not be read as what it should be.
        RuntimeError: the server did not start in time.
    """
    certificate, key = tls or (None, None)
    if tls is not None:
        # Tried here: the server's thread could not tell.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*tls)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    server = _Server(
        uvicorn.Config(
            app,
            http=EmulatorProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",  # starts and stops are no news to those whose process it is
            access_log=False,
            server_header=False,
            date_header=False,  # the service has a clock of its own
            timeout_keep_alive=120,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name=f"emulator-{listener.getsockname()[1]}", daemon=True
    )
    thread.start()
    if not server.ready.wait(_START_TIMEOUT_SECONDS):
        server.end()
        raise RuntimeError(f"the emulator on {host} did not start within {_START_TIMEOUT_SECONDS} seconds")
    return Served(server, thread, listener, "https" if tls else "http", host)
