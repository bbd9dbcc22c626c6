"""What the CRM emulators have in common while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.serving import serve

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from starlette.types import ASGIApp
    from typing_extensions import Self

    from service_emulators.database import Database


class RunningEmulator:
    """A server with its data; also a context manager that stops it.

    Attributes:
        url: base URL without a trailing slash.
    """

    def __init__(self, app: ASGIApp, database: Database, port: int, tls: tuple[Path, Path] | None = None) -> None:
        self._database = database
        try:
            self._served = serve(app, port=port, tls=tls)
        except OSError:
            database.close()
            raise
        self.url = self._served.url

    def stop(self) -> None:
        """Stops the server and closes the data."""
        self._served.stop()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
