"""The lines to the server, so that closing a client can cut those that wait for an answer."""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from urllib3 import ProxyManager


class Lines:
    """Open connections; once cut, only the thread that did it can use any.

    Attributes:
        closing: Set when they are cut.
    """

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._closer: int | None = None
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()

    @property
    def cut_off(self) -> bool:
        """Whether this thread may send nothing any more."""
        return self.closing.is_set() and threading.get_ident() != self._closer

    def cut(self) -> None:
        """Ends every wait for an answer, at once and for good."""
        self._closer = threading.get_ident()
        self.closing.set()
        with self._lock:
            lines = list(self._open)
        for line in lines:
            if line.sock is not None:
                with suppress(OSError):
                    # Of the plain socket: the thread that reads may be inside the TLS layer.
                    socket.socket.shutdown(line.sock, socket.SHUT_RDWR)

    def adapter(self, connections: int) -> HTTPAdapter:
        """An adapter for an HTTP session whose connections are known here."""
        pools = {"http": self._pool(HTTPConnectionPool), "https": self._pool(HTTPSConnectionPool)}

        class Adapter(HTTPAdapter):
            """Opens connections that can be cut, to the server or to a proxy."""

            def init_poolmanager(self, *args: Any, **options: Any) -> None:
                super().init_poolmanager(*args, **options)
                self.poolmanager.pool_classes_by_scheme = pools

            def proxy_manager_for(self, *args: Any, **options: Any) -> ProxyManager:
                manager: ProxyManager = super().proxy_manager_for(*args, **options)
                manager.pool_classes_by_scheme = pools
                return manager

        return Adapter(pool_connections=2, pool_maxsize=connections)

    def _pool(self, base: Any) -> Any:
        lines = self

        class Connection(base.ConnectionCls):  # type: ignore[misc]  # one of two classes of urllib3
            """Waits for an answer only as long as the lines are not cut."""

            def getresponse(self) -> Any:
                with lines._lock:
                    lines._open.add(self)
                if lines.cut_off:
                    msg = "the client is being closed"
                    raise ConnectionAbortedError(msg)
                return super().getresponse()

        return type(base.__name__, (base,), {"ConnectionCls": Connection})
