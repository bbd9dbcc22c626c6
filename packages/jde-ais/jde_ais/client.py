"""The client: one session on one AIS Server, safe to use from several threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from jde_ais.answers import Column, NextLink, Page, ServerConfig, UserInfo
    from jde_ais.query import BrowseRequest, Where
    from jde_ais.settings import AisSettings


class AisClient:
    """Reads tables and views through the data service of an AIS Server.

    Logs in at the first request, keeps one token for all threads, renews it before it expires, logs in again once
    when the server drops it, and logs out in `close`.
    """

    def __init__(
        self,
        settings: AisSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        session_factory: Callable[[], requests.Session] = requests.Session,
    ) -> None: ...

    def __enter__(self) -> AisClient: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def close(self) -> None:
        """Logs out and closes the connections; never raises, so that it hides no other error."""

    @property
    def user(self) -> UserInfo:
        """The signed-on user; logs in if that has not happened yet."""
        ...

    def server_config(self) -> ServerConfig:
        """The server's own settings; needs no log-in."""
        ...

    def columns(self, table: str, target_type: str = "table") -> list[Column]:
        """Discovers the columns of a table or view, read once per client."""
        ...

    def browse(self, request: BrowseRequest) -> Page:
        """Reads one page."""
        ...

    def next_page(self, link: NextLink) -> Page:
        """Reads the next page of an open result set."""
        ...

    def count(self, table: str, where: Where | None = None, target_type: str = "table") -> int:
        """Counts rows."""
        ...
