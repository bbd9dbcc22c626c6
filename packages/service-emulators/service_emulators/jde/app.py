"""The AIS emulator as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from service_emulators.control import control_app
from service_emulators.faults import FaultPlan
from service_emulators.jde.answers import error_answer
from service_emulators.jde.control_routes import RowRoutes
from service_emulators.jde.dataservice import DataService
from service_emulators.jde.errors import ServiceError
from service_emulators.jde.login import TokenServices
from service_emulators.traffic import Recorder, TrafficMiddleware

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service_emulators.jde.emulator import Emulator


_FIRST_VERSION = ("/jderest/tokenrequest", "/jderest/defaultconfig", "/jderest/dataservice")


def create_app(emulator: Emulator) -> ASGIApp:
    """Build the application: the service under ``/jderest``, the control interface under ``/_emulator``."""
    tokens, data = TokenServices(emulator), DataService(emulator)
    routes = [
        Route("/jderest/tokenrequest", tokens.request_token, methods=["POST"]),
        Route("/jderest/v2/tokenrequest", tokens.request_token, methods=["GET", "POST"]),
        Route("/jderest/tokenrequest/logout", tokens.log_out, methods=["POST"]),
        Route("/jderest/v2/tokenrequest/logout", tokens.log_out, methods=["POST"]),
        Route("/jderest/v2/tokenrequest/validate", tokens.validate, methods=["POST"]),
        Route("/jderest/defaultconfig", tokens.default_configuration, methods=["GET", "POST"]),
        Route("/jderest/v2/defaultconfig", tokens.default_configuration, methods=["GET", "POST"]),
        Route("/jderest/dataservice", data.post_v1, methods=["POST"]),
        Route("/jderest/v2/dataservice", data.post_v2, methods=["POST"]),
        Route("/jderest/v2/dataservice/next", data.next, methods=["GET", "POST"]),
        Route("/jderest/v2/dataservice/table/{name}", data.get_table, methods=["GET"]),
        Route("/jderest/v2/dataservice/view/{name}", data.get_view, methods=["GET"]),
    ]

    async def refuse(_request: Request, error: Exception) -> Response:
        if not isinstance(error, ServiceError):
            raise error
        return error_answer(emulator, error)

    async def refuse_by_database(_request: Request, error: Exception) -> Response:
        message = f"The database refused: {getattr(error, 'orig', error)}"
        return error_answer(emulator, ServiceError(500, message, "JDBException"))

    handlers = {ServiceError: refuse, sa.exc.SQLAlchemyError: refuse_by_database}
    service = Starlette(routes=routes, exception_handlers=handlers)
    recorder, faults = Recorder(), FaultPlan(sign_off=emulator.sessions.expire_all)
    control = control_app(recorder, faults, emulator.switches, emulator.clock, RowRoutes(emulator).routes())
    return TrafficMiddleware(_Release(service, emulator), control, recorder, faults)


class _Release:
    """The service of an old tools release, if switched so: it knows nothing below /jderest/v2."""

    def __init__(self, service: ASGIApp, emulator: Emulator) -> None:
        self._service = service
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._emulator.switches.v1_only and not scope["path"].startswith(_FIRST_VERSION):
            # The web server's own page: the application behind it never saw the request.
            await HTMLResponse("<html><body>Error 404--Not Found</body></html>", 404)(scope, receive, send)
            return
        await self._service(scope, receive, send)
