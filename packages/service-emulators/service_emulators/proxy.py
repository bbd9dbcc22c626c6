"""A forward proxy for tests: plain requests and CONNECT tunnels, counted, with or without credentials."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_START_TIMEOUT_SECONDS = 20
_MOST_OF_A_HEAD = 65_536
_CHUNK = 65_536
_DROPPED = {"proxy-authorization", "proxy-connection", "connection"}


class ForwardProxy:
    """A running proxy on loopback; a context manager that stops it.

    Args:
        username: User it wants to see by Basic authentication; None lets everybody through.
        password: That user's password.

    Attributes:
        port: Its port.
        url: Its address without credentials.
        tunnels: How many tunnels were opened, by `host:port`.
        requests: How many plain requests went through, by `METHOD http://host:port/path`.
        refused: How many were turned away with 407.
        received: Bytes that came back from servers.
    """

    def __init__(self, *, username: str | None = None, password: str = "") -> None:
        self._credentials = None if username is None else f"{username}:{password}"
        self.tunnels: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.refused = self.received = 0
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="forward-proxy", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_SECONDS):
            raise RuntimeError(f"the proxy did not start within {_START_TIMEOUT_SECONDS} seconds")

    @property
    def url(self) -> str:
        """Its address without credentials."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url_with_credentials(self) -> str:
        """Its address with the credentials it wants to see."""
        return f"http://{self._credentials}@127.0.0.1:{self.port}" if self._credentials else self.url

    def stop(self) -> None:
        """Stop listening and drop all connections. May be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_START_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_MOST_OF_A_HEAD))
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A side that goes away ends the connection; nobody is left to tell.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            method, target, _ = first.split(" ", 2)
            headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            if not self._allowed(headers):
                self.refused += 1
                await _say(writer, "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="test"\r\n')
            elif method == "CONNECT":
                await self._tunnel(target, reader, writer)
            else:
                await self._forward(method, target, headers, reader, writer)
        writer.close()

    def _allowed(self, headers: list[tuple[str, str]]) -> bool:
        if self._credentials is None:
            return True
        wanted = "Basic " + base64.b64encode(self._credentials.encode()).decode()
        return any(name.lower() == "proxy-authorization" and value == wanted for name, value in headers)

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.rpartition(":")
        self.tunnels[target] += 1
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            await _say(writer, "502 Bad Gateway")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        onward = asyncio.ensure_future(_pipe(reader, back))
        await self._relay(there, writer)
        onward.cancel()
        back.close()

    async def _forward(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        address = urlsplit(target)
        if address.scheme != "http" or not address.hostname:
            await _say(writer, "400 Bad Request")
            return
        self.requests[f"{method} http://{address.netloc}{address.path}"] += 1
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        body = await reader.readexactly(length)
        try:
            there, back = await asyncio.open_connection(address.hostname, address.port or 80)
        except OSError:
            await _say(writer, "502 Bad Gateway")
            return
        # One request for one connection: the end of the answer is the end of the connection.
        kept = [f"{name}: {value}" for name, value in headers if name.lower() not in _DROPPED]
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])
        back.write(head.encode("latin-1") + body)
        await self._relay(there, writer)
        back.close()

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            self.received += len(chunk)
            sink.write(chunk)
            await sink.drain()


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        sink.write_eof() if sink.can_write_eof() else sink.close()


async def _say(writer: asyncio.StreamWriter, status: str, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1"))
    await writer.drain()
