"""The control interface of an emulator, under `/_emulator`: counters, request log, faults, switches, clock.

It needs no credentials and therefore answers on loopback only. Requests to it are neither counted nor logged.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from service_emulators.faults import Fault
from service_emulators.traffic import CONTROL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service_emulators.clock import EmulatorClock
    from service_emulators.faults import FaultPlan
    from service_emulators.traffic import Recorder

_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_DEFAULT_REQUESTS = 100
T = TypeVar("T")


class ControlError(Exception):
    """A control request that cannot be carried out; answered with status 400 and its message."""


class Switches(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of a service's switches: a subclass names them, with types and defaults."""

    def change(self, values: dict[str, Any]) -> None:
        """Sets the named switches, all or none.

        Raises:
            ControlError: unknown name or a value of the wrong type.
        """
        try:
            changed = msgspec.convert({**msgspec.to_builtins(self), **values}, type(self))
        except msgspec.ValidationError as error:
            raise ControlError(str(error)) from error
        for name in values:
            setattr(self, name, getattr(changed, name))


async def read_json(request: Request, kind: type[T]) -> T:
    """Returns the request's JSON body as the given type.

    Raises:
        ControlError: the body is not JSON or not of that type.
    """
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise ControlError(str(error)) from error


def answer_json(value: Any, status: int = 200) -> Response:
    """Returns a JSON response."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


class _ClockSetting(msgspec.Struct, forbid_unknown_fields=True):
    now: str | None = None
    offset_seconds: float | None = None
    running: bool = False


class _Control:
    """The endpoints every emulator has."""

    def __init__(
        self,
        recorder: Recorder,
        faults: FaultPlan,
        switches: Switches,
        clock: EmulatorClock,
        on_switch: Callable[[], None] | None,
    ) -> None:
        self._recorder = recorder
        self._faults = faults
        self._switches = switches
        self._clock = clock
        self._on_switch = on_switch

    async def counters(self, _request: Request) -> Response:
        return answer_json(self._recorder.counters())

    async def reset_counters(self, _request: Request) -> Response:
        self._recorder.reset()
        return answer_json(self._recorder.counters())

    async def requests(self, request: Request) -> Response:
        try:
            limit = int(request.query_params.get("limit", _DEFAULT_REQUESTS))
        except ValueError as error:
            raise ControlError("limit must be a whole number") from error
        return answer_json(self._recorder.exchanges(limit))

    async def faults(self, _request: Request) -> Response:
        return answer_json(self._faults.all())

    async def add_fault(self, request: Request) -> Response:
        fault = await read_json(request, Fault)
        try:
            return answer_json(self._faults.add(fault))
        except ValueError as error:
            raise ControlError(str(error)) from error

    async def clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return answer_json([])

    async def switches(self, _request: Request) -> Response:
        return answer_json(self._switches)

    async def set_switches(self, request: Request) -> Response:
        self._switches.change(await read_json(request, dict[str, Any]))
        if self._on_switch is not None:
            self._on_switch()
        return answer_json(self._switches)

    async def clock(self, _request: Request) -> Response:
        return answer_json({"now": self._clock.now().isoformat()})

    async def set_clock(self, request: Request) -> Response:
        setting = await read_json(request, _ClockSetting)
        if setting.now is not None:
            try:
                self._clock.set(datetime.fromisoformat(setting.now.replace("Z", "+00:00")), running=setting.running)
            except ValueError as error:
                raise ControlError(str(error)) from error
        elif setting.offset_seconds is None:
            self._clock.set(None)
        if setting.offset_seconds is not None:
            self._clock.shift(setting.offset_seconds)
        return answer_json({"now": self._clock.now().isoformat()})


def control_app(
    recorder: Recorder,
    faults: FaultPlan,
    switches: Switches,
    clock: EmulatorClock,
    routes: Sequence[Route] = (),
    on_switch: Callable[[], None] | None = None,
) -> ASGIApp:
    """Builds the control application of one emulator.

    Args:
        recorder: counters and request log.
        faults: faults in force.
        switches: the service's switches; changed in place.
        clock: the emulator's clock.
        routes: what the service adds; paths without the prefix, for example `/rows/{table}`.
        on_switch: called after switches changed.
    """
    control = _Control(recorder, faults, switches, clock, on_switch)
    common = [
        Route("/counters", control.counters, methods=["GET"]),
        Route("/counters/reset", control.reset_counters, methods=["POST"]),
        Route("/requests", control.requests, methods=["GET"]),
        Route("/faults", control.faults, methods=["GET"]),
        Route("/faults", control.add_fault, methods=["POST"]),
        Route("/faults", control.clear_faults, methods=["DELETE"]),
        Route("/switches", control.switches, methods=["GET"]),
        Route("/switches", control.set_switches, methods=["POST"]),
        Route("/clock", control.clock, methods=["GET"]),
        Route("/clock", control.set_clock, methods=["POST"]),
    ]

    async def refuse(_request: Request, error: Exception) -> Response:
        return answer_json({"error": str(error)}, 400)

    app = Starlette(
        routes=[Mount(CONTROL_PREFIX, routes=[*common, *routes])],
        exception_handlers={ControlError: refuse},
    )

    async def loopback_only(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client is None or client[0] not in _LOOPBACK:
            await answer_json({"error": "the control interface answers on loopback only"}, 403)(scope, receive, send)
            return
        await app(scope, receive, send)

    return loopback_only
