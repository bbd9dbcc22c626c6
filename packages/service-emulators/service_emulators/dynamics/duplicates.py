"""What the service may refuse a row for besides what is in it: duplicates by rules, and custom logic.

Duplicate detection is off unless a request asks for it (fact sheet section 6). Custom logic stands for a synchronous
plug-in of the environment, whose refusal no client can foresee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import Route

from service_emulators.control import ControlError, answer_json, read_json
from service_emulators.dynamics.errors import ApiError, custom_logic

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.dynamics.calls import Call, Reply
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.rows import Write
    from service_emulators.dynamics.schema.model import Table
    from service_emulators.dynamics.store import Row


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    set: str
    columns: list[str]


class DuplicatesApi:
    """Looks at each row before it is written; rules are made by the control interface.

    Args:
        parts: what requests work on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rules: list[tuple[str, tuple[str, ...]]] = []
        parts.rows.checks.append(self._check_duplicates)
        parts.rows.checks.append(self._check_logic)

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns no routes: it answers nothing by itself."""
        return {}

    def control_routes(self) -> list[Route]:
        """Returns the routes of the control interface, without the prefix."""
        return [
            Route("/duplicate_rules", self._add, methods=["POST"]),
            Route("/duplicate_rules", self._clear, methods=["DELETE"]),
        ]

    async def _add(self, request: Request) -> Response:
        rule = await read_json(request, _Rule)
        with self._parts.store.lock:
            table = self._parts.catalog.by_set(rule.set)
            if table is None or not rule.columns or not set(rule.columns) <= set(table.sql.c.keys()):
                raise ControlError("no such entity set, or no such columns in it")
            self._rules.append((table.name, tuple(rule.columns)))
        return answer_json({})

    async def _clear(self, _request: Request) -> Response:
        self._rules.clear()
        return answer_json({})

    def _check_duplicates(self, table: Table, row: Row, before: Row | None, write: Write) -> None:
        if not write.detect_duplicates or not table.info.duplicates:
            return
        for name, columns in self._rules:
            values = [row.get(column) for column in columns]
            if name != table.name or any(value is None for value in values):
                continue
            same: list[Any] = [table.sql.c[column] == value for column, value in zip(columns, values, strict=True)]
            own = row.get(table.id_column) if before is None else before[table.id_column]
            if own is not None:
                same.append(table.sql.c[table.id_column] != own)
            if self._parts.store.count_rows(table, same):
                raise ApiError(
                    self._parts.switches.duplicate_status,
                    "0x80040333",
                    "A record was not created or updated because a duplicate of the current record already exists.",
                )

    def _check_logic(self, table: Table, row: Row, _before: Row | None, _write: Write) -> None:
        refused = self._parts.switches.logic_refuses
        if refused and refused in str(row.get(table.info.name_column) or ""):
            raise custom_logic(f"The {table.name} is refused by the rules of this company.")
