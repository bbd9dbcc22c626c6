"""What the Zoho CRM emulator adds to the control interface.

Records as a user of the web application changes them, modules as an administrator makes them, and what writes set off.
Nothing here costs credits or meets a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from service_emulators.control import ControlError, answer_json, read_json
from service_emulators.zoho.automation import TRIGGERS
from service_emulators.zoho.default_fields import CUSTOM_MODULE_TEXT, SYSTEM_FIELDS
from service_emulators.zoho.errors import ApiError, RowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.zoho.catalog import Module
    from service_emulators.zoho.limits import Credits
    from service_emulators.zoho.parts import Parts
    from service_emulators.zoho.store import Row


class OrgControls:
    """Routes under `/_emulator`."""

    def __init__(self, parts: Parts, credits_: Credits) -> None:
        self._parts = parts
        self._store = parts.store
        self._credits = credits_

    def routes(self) -> list[Route]:
        """Returns the routes, without the prefix."""
        return [
            Route("/records/{module}", self._list, methods=["GET"]),
            Route("/records/{module}", self._create, methods=["POST"]),
            Route("/records/{module}/{id:int}", self._change, methods=["POST"]),
            Route("/records/{module}/{id:int}", self._delete, methods=["DELETE"]),
            Route("/records/{module}/{id:int}/restore", self._restore, methods=["POST"]),
            Route("/modules", self._create_module, methods=["POST"]),
            Route("/modules/{module}", self._set_module, methods=["POST"]),
            Route("/automation", self._automation, methods=["GET"]),
            Route("/automation", self._reset_automation, methods=["DELETE"]),
            Route("/credits", self._show_credits, methods=["GET"]),
            Route("/tokens/expire", self._expire_tokens, methods=["POST"]),
            Route("/tokens/revoke", self._revoke_tokens, methods=["POST"]),
        ]

    def all(self, module: Module, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns the live records of a module, all fields, in the order of their ids."""
        rows = self._store.select(module.table, (), [module.table.c.id], limit)
        return self._parts.show.many(module, rows)

    async def _list(self, request: Request) -> Response:
        raw = request.query_params.get("limit")
        if raw is not None and not raw.isdigit():
            raise ControlError("limit must be a whole number")
        with self._store.lock:
            return answer_json(self.all(self._module(request), None if raw is None else int(raw)))

    async def _create(self, request: Request) -> Response:
        body = await read_json(request, dict[str, Any])
        user_id = self._parts.org.web_user_id
        with self._store.lock:
            module = self._module(request)
            return self._write(
                module, lambda: self._parts.records.create(module, body, user_id=user_id, triggers=TRIGGERS)
            )

    async def _change(self, request: Request) -> Response:
        body = await read_json(request, dict[str, Any])
        user_id = self._parts.org.web_user_id
        with self._store.lock:
            module, row = self._row(request)
            return self._write(
                module, lambda: self._parts.records.update(module, row, body, user_id=user_id, triggers=TRIGGERS)
            )

    async def _delete(self, request: Request) -> Response:
        with self._store.lock:
            module, row = self._row(request)

            def delete() -> Row | None:
                self._parts.records.delete(module, row, user_id=self._parts.org.web_user_id)
                return None

            return self._write(module, delete)

    async def _restore(self, request: Request) -> Response:
        record_id: int = request.path_params["id"]
        with self._store.lock:
            module = self._module(request)
            if not self._parts.records.restore(module, record_id):
                raise ControlError(f"the recycle bin holds no record {record_id} of {module.name}")
            return self._write(module, lambda: self._store.get(module.table, record_id))

    def _write(self, module: Module, change: Callable[[], Row | None]) -> Response:
        try:
            row = change()
        except (ApiError, RowError) as error:
            self._store.rollback()
            self._parts.changes.drop()
            raise ControlError(str(error)) from error
        self._store.commit()
        self._parts.changes.deliver()
        return answer_json({} if row is None else self._parts.show.many(module, [row])[0])

    async def _create_module(self, request: Request) -> Response:
        body = await read_json(request, dict[str, str])
        name = body.get("api_name", "")
        with self._store.lock:
            if not name.isidentifier() or name in self._parts.catalog.modules():
                raise ControlError("api_name must be a new name of letters, digits and underscores")
            self._parts.catalog.create_module(
                name,
                body.get("singular", name),
                SYSTEM_FIELDS + CUSTOM_MODULE_TEXT,
                display_field="Name",
                duplicate_field="Name",
                custom=True,
            )
            self._store.commit()
        return answer_json({"api_name": name})

    async def _set_module(self, request: Request) -> Response:
        body = await read_json(request, dict[str, bool])
        with self._store.lock:
            module = self._module(request)
            self._parts.catalog.set_hidden(module.name, hidden=body.get("hidden", False))
            self._store.commit()
            return answer_json({"api_name": module.name, "hidden": module.info.hidden})

    async def _automation(self, _request: Request) -> Response:
        return answer_json(self._parts.automation.runs())

    async def _reset_automation(self, _request: Request) -> Response:
        self._parts.automation.reset()
        return answer_json({})

    async def _show_credits(self, _request: Request) -> Response:
        return answer_json({"limit": self._credits.limit(), "used": self._credits.used()})

    async def _expire_tokens(self, _request: Request) -> Response:
        self._parts.accounts.expire_tokens()
        return answer_json({})

    async def _revoke_tokens(self, _request: Request) -> Response:
        self._parts.accounts.revoke()
        return answer_json({})

    def _module(self, request: Request) -> Module:
        modules = self._parts.catalog.modules()
        module = modules.get(request.path_params["module"])
        if module is None:
            raise ControlError(f"no such module; there are {', '.join(modules)}")
        return module

    def _row(self, request: Request) -> tuple[Module, Row]:
        module = self._module(request)
        row = self._store.get(module.table, request.path_params["id"])
        if row is None:
            raise ControlError(f"{module.name} has no record {request.path_params['id']}")
        return module, row
