"""What the Twilio emulator adds to the control interface: phones, texts that come in, time, callbacks."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from service_emulators.control import ControlError, answer_json, read_json
from service_emulators.twilio.tables import RECEIVED

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.clock import EmulatorClock
    from service_emulators.due import DueWork
    from service_emulators.twilio.callbacks import Callbacks
    from service_emulators.twilio.inbound import Inbound
    from service_emulators.twilio.store import Store

_CALLBACKS = 1000


class _Phone(msgspec.Struct, forbid_unknown_fields=True):
    code: int | msgspec.UnsetType | None = msgspec.UNSET
    verified: bool | msgspec.UnsetType = msgspec.UNSET
    line_type: str | msgspec.UnsetType = msgspec.UNSET


class _Text(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    sender: str
    to: str
    body: str


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    seconds: float = 0.0


class PhoneControls:
    """Routes of the control interface.

    Args:
        store: the data.
        clock: moved by `/advance`.
        due: does what is due.
        callbacks: calls made.
        inbound: takes texts in.
    """

    def __init__(
        self, store: Store, clock: EmulatorClock, due: DueWork, callbacks: Callbacks, inbound: Inbound
    ) -> None:
        self._store = store
        self._clock = clock
        self._due = due
        self._callbacks = callbacks
        self._inbound = inbound

    def routes(self) -> list[Route]:
        """Returns the routes, without the prefix."""
        return [
            Route("/phones", self._phones, methods=["GET"]),
            Route("/phones/{number}", self._phone, methods=["GET"]),
            Route("/phones/{number}", self._set_phone, methods=["POST"]),
            Route("/inbound", self._take, methods=["POST"]),
            Route("/callbacks", self._calls, methods=["GET"]),
            Route("/advance", self._advance, methods=["POST"]),
        ]

    def received(self, number: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Returns what phones received, oldest first, by number."""
        where = [] if number is None else [RECEIVED.c.number == number]
        result: dict[str, list[dict[str, Any]]] = {}
        with self._store.lock:
            rows = self._store.rows(RECEIVED, *where, order=RECEIVED.c.id)
        for row in rows:
            at = datetime.fromtimestamp(row["at"], timezone.utc).isoformat(timespec="seconds")
            shown = {"at": at, "kind": row["kind"], "from": row["sender"], "text": row["text"], "sid": row["sid"]}
            result.setdefault(row["number"], []).append(shown)
        return result

    async def _phones(self, _request: Request) -> Response:
        await run_in_threadpool(self._due.drain)
        return answer_json(self.received())

    async def _phone(self, request: Request) -> Response:
        await run_in_threadpool(self._due.drain)
        number = request.path_params["number"]
        return answer_json(self.received(number).get(number, []))

    async def _set_phone(self, request: Request) -> Response:
        given = await read_json(request, _Phone)
        values = {
            name: value for name in _Phone.__struct_fields__ if (value := getattr(given, name)) is not msgspec.UNSET
        }
        with self._store.lock:
            row = self._store.set_phone(request.path_params["number"], **values)
            self._store.commit()
        return answer_json(row)

    async def _take(self, request: Request) -> Response:
        text = await read_json(request, _Text)
        try:
            with self._store.lock:
                sid = self._inbound.take(text.sender, text.to, text.body)
        except ValueError as error:
            raise ControlError(str(error)) from error
        await run_in_threadpool(self._due.drain)
        return answer_json({"sid": sid})

    async def _calls(self, _request: Request) -> Response:
        await run_in_threadpool(self._due.drain)
        return answer_json(self._callbacks.public(_CALLBACKS))

    async def _advance(self, request: Request) -> Response:
        self._clock.advance((await read_json(request, _Advance)).seconds)
        await run_in_threadpool(self._due.drain)
        return answer_json({"now": self._clock.now().isoformat()})
