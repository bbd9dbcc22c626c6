"""What the control interface of the AIS emulator adds: rows, tokens, result sets.

A person changing rows in JDE is ``/rows/{table}/update`` with ``stamp``: the audit columns move as a program would move
them. Without ``stamp`` it is a direct SQL load that leaves them stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from service_emulators.control import ControlError, answer_json, read_json
from service_emulators.jde.changes import Schedule, Scheduled, insert_rows, update_rows
from service_emulators.jde.store import RowError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.jde.emulator import Emulator


class _Update(msgspec.Struct, forbid_unknown_fields=True):
    where: dict[str, Any]
    changes: dict[str, Any] = msgspec.field(name="set")
    stamp: bool = True


class _Insert(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[dict[str, Any]]
    stamp: bool = True


class _Delete(msgspec.Struct, forbid_unknown_fields=True):
    where: dict[str, Any]


class RowRoutes:
    """Endpoints on the rows, tokens and result sets of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._schedule = Schedule(emulator)

    def routes(self) -> list[Route]:
        """Return the routes, without the control interface's prefix."""
        return [
            Route("/rows/{table}", self.read, methods=["GET"]),
            Route("/rows/{table}/update", self.update, methods=["POST"]),
            Route("/rows/{table}/insert", self.insert, methods=["POST"]),
            Route("/rows/{table}/delete", self.delete, methods=["POST"]),
            Route("/schedule", self.scheduled, methods=["GET"]),
            Route("/schedule", self.schedule, methods=["POST"]),
            Route("/sessions/expire", self.expire_sessions, methods=["POST"]),
            Route("/results/expire", self.expire_results, methods=["POST"]),
        ]

    async def read(self, request: Request) -> Response:
        """Return rows as people read them: right-trimmed text, ISO dates or null, numbers with decimals."""
        try:
            where = msgspec.json.decode(request.query_params.get("where", "{}"), type=dict[str, Any])
            limit = int(request.query_params["limit"]) if "limit" in request.query_params else None
            table = request.path_params["table"]
            return answer_json({"rows": await run_in_threadpool(self._emulator.store.read, table, where, limit)})
        except (ValueError, msgspec.DecodeError) as error:
            raise ControlError(str(error)) from error

    async def update(self, request: Request) -> Response:
        """Change the rows that match ``where`` (a list of values means any of them, null means blank)."""
        body, table = await read_json(request, _Update), request.path_params["table"]
        try:
            count = await run_in_threadpool(
                update_rows, self._emulator, table, body.where, body.changes, stamped=body.stamp
            )
            return answer_json({"rows": count})
        except RowError as error:
            raise ControlError(str(error)) from error

    async def insert(self, request: Request) -> Response:
        """Add rows."""
        body, table = await read_json(request, _Insert), request.path_params["table"]
        try:
            count = await run_in_threadpool(insert_rows, self._emulator, table, body.rows, stamped=body.stamp)
            return answer_json({"rows": count})
        except RowError as error:
            raise ControlError(str(error)) from error

    async def delete(self, request: Request) -> Response:
        """Delete the rows that match ``where``; JDE leaves no trace of them."""
        body, table = await read_json(request, _Delete), request.path_params["table"]
        try:
            return answer_json({"rows": await run_in_threadpool(self._emulator.store.delete, table, body.where)})
        except RowError as error:
            raise ControlError(str(error)) from error

    async def schedule(self, request: Request) -> Response:
        """Put a change off until so many data requests were read."""
        change = await read_json(request, Scheduled)
        self._schedule.add(change)
        return answer_json(change)

    async def scheduled(self, _request: Request) -> Response:
        """Return the changes put off, carried out or not."""
        return answer_json(self._schedule.changes)

    async def expire_sessions(self, _request: Request) -> Response:
        """Let all tokens die now."""
        return answer_json({"expired": self._emulator.sessions.expire_all()})

    async def expire_results(self, _request: Request) -> Response:
        """Let all open result sets die now."""
        return answer_json({"expired": self._emulator.result_sets.expire_all()})
