"""The AIS emulator as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from starlette.applications import Starlette
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
    from starlette.types import ASGIApp

    from service_emulators.jde.emulator import Emulator


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
    recorder, faults = Recorder(), FaultPlan()
    control = control_app(recorder, faults, emulator.switches, emulator.clock, RowRoutes(emulator).routes())
    return TrafficMiddleware(service, control, recorder, faults)
