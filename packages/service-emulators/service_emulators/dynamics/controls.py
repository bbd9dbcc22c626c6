"""What the Dataverse emulator adds to the control interface: rows as people change them, users, limits, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import Route

from service_emulators.control import ControlError, answer_json, read_json
from service_emulators.dynamics.errors import ApiError
from service_emulators.dynamics.rows import Write
from service_emulators.dynamics.users import ADMINISTRATOR, User
from service_emulators.traffic import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.dynamics.entra import Entra
    from service_emulators.dynamics.limits import Protection
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import Table
    from service_emulators.dynamics.store import Row


class _UserSetting(msgspec.Struct, forbid_unknown_fields=True):
    roles: list[str] = msgspec.field(default_factory=lambda: [ADMINISTRATOR])
    missing: list[str] = msgspec.field(default_factory=list)
    disabled: bool = False
    present: bool = True


class EnvironmentControls:
    """Routes under `/_emulator`.

    Args:
        parts: what requests work on.
        entra: the token endpoint.
        protection: the limits.
    """

    def __init__(self, parts: Parts, entra: Entra, protection: Protection) -> None:
        self._parts = parts
        self._store = parts.store
        self._entra = entra
        self._protection = protection
        self._person = User(parts.environment.user_id, "")

    def routes(self) -> list[Route]:
        """Returns the routes, without the prefix."""
        return [
            Route("/records/{set}", self._list, methods=["GET"]),
            Route("/records/{set}", self._create, methods=["POST"]),
            Route("/records/{set}/{id}", self._change, methods=["POST"]),
            Route("/records/{set}/{id}", self._delete, methods=["DELETE"]),
            Route("/user", self._set_user, methods=["POST"]),
            Route("/limits", self._limits, methods=["GET"]),
            Route("/limits/reset", self._reset_limits, methods=["POST"]),
            Route("/limits/forgive", self._forgive, methods=["POST"]),
            Route("/tokens/expire", self._expire_tokens, methods=["POST"]),
            Route("/secret/expire", self._expire_secret, methods=["POST"]),
        ]

    def all(self, table: Table, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns the rows of a table, all columns, in the order of their versions."""
        order = table.sql.c.versionnumber if "versionnumber" in table.sql.c else table.sql.c[table.id_column]
        rows = self._store.select(table, (), [order], limit)
        return [self._parts.show.row(table, row, self._parts.show.columns(table, None)) for row in rows]

    async def _list(self, request: Request) -> Response:
        raw = request.query_params.get("limit")
        if raw is not None and not raw.isdigit():
            raise ControlError("limit must be a whole number")
        with self._store.lock:
            return answer_json(self.all(self._table(request), None if raw is None else int(raw)))

    async def _create(self, request: Request) -> Response:
        body = await read_json(request, dict[str, Any])
        with self._store.lock:
            table = self._table(request)
            return self._write(table, lambda write: self._parts.rows.create(table, body, write))

    async def _change(self, request: Request) -> Response:
        body = await read_json(request, dict[str, Any])
        with self._store.lock:
            table, row = self._row(request)
            return self._write(table, lambda write: self._parts.rows.update(table, row, body, write))

    async def _delete(self, request: Request) -> Response:
        with self._store.lock:
            table, row = self._row(request)

            def delete(write: Write) -> Row | None:
                self._parts.rows.delete(table, row, write)
                return None

            return self._write(table, delete)

    def _write(self, table: Table, change: Callable[[Write], Row | None]) -> Response:
        try:
            with self._store.savepoint():
                row = change(Write(self._person, Tally()))
        except ApiError as error:
            raise ControlError(str(error)) from error
        self._store.commit()
        if row is None:
            return answer_json({})
        return answer_json(self._parts.show.row(table, row, self._parts.show.columns(table, None)))

    async def _set_user(self, request: Request) -> Response:
        setting = await read_json(request, _UserSetting)
        user = self._parts.user
        user.roles, user.missing = setting.roles, set(setting.missing)
        user.disabled, user.present = setting.disabled, setting.present
        return answer_json(msgspec.to_builtins(setting))

    async def _limits(self, _request: Request) -> Response:
        return answer_json(self._protection.seen())

    async def _reset_limits(self, _request: Request) -> Response:
        self._protection.reset()
        return answer_json(self._protection.seen())

    async def _forgive(self, _request: Request) -> Response:
        self._protection.forgive()
        return answer_json(self._protection.seen())

    async def _expire_tokens(self, _request: Request) -> Response:
        self._entra.expire_tokens()
        return answer_json({})

    async def _expire_secret(self, _request: Request) -> Response:
        for secret in self._entra.app.secrets:
            self._entra.app.secrets[secret] = self._parts.clock.seconds()
        return answer_json({})

    def _table(self, request: Request) -> Table:
        table = self._parts.catalog.by_set(request.path_params["set"])
        if table is None:
            names = ", ".join(found.set_name for found in self._parts.catalog.tables().values())
            raise ControlError(f"no such entity set; there are {names}")
        return table

    def _row(self, request: Request) -> tuple[Table, Row]:
        table = self._table(request)
        row = self._store.get(table, request.path_params["id"].lower())
        if row is None:
            raise ControlError(f"{table.set_name} has no row {request.path_params['id']}")
        return table, row
