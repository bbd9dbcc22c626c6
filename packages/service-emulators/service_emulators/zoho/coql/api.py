"""`POST /crm/v8/coql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service_emulators.zoho.calls import Reply, Route
from service_emulators.zoho.coql.columns import Columns
from service_emulators.zoho.coql.criteria import FOLD, condition
from service_emulators.zoho.coql.parser import parse
from service_emulators.zoho.coql.syntax import refused
from service_emulators.zoho.errors import ApiError
from service_emulators.zoho.times import parse_time

if TYPE_CHECKING:
    from sqlalchemy import Select

    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.coql.columns import Target
    from service_emulators.zoho.coql.syntax import Query
    from service_emulators.zoho.parts import Parts

_SCOPE = "ZohoCRM.coql.READ"
_UNSORTABLE = frozenset({"textarea", "multiselectpicklist", "tag", "territories"})


class CoqlApi:
    """Answers queries.

    Not emulated: aggregates, grouping and aliases, which are syntax errors, and `include_meta`.

    Args:
        parts: parts of the org.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        connection: Any = parts.store.connection.connection.driver_connection
        connection.create_function(FOLD, 1, _fold, deterministic=True)

    def routes(self) -> dict[str, Route]:
        """Returns the endpoint."""
        return {"POST /crm/v8/coql": Route(self._answer, (_SCOPE,), _cost, limited=True)}

    def _answer(self, call: Call) -> Reply:
        query = parse(_text(call))
        module = self._parts.catalog.find(query.module)
        if module is None:
            raise refused("INVALID_QUERY", "module given seems to be invalid", {"module": query.module})
        call.need(f"ZohoCRM.modules.{query.module}.READ")
        columns = Columns(self._parts.catalog, module)
        targets = [columns.find(name) for name in dict.fromkeys((*query.columns, "id"))]
        statement = _statement(query, columns, targets)
        rows = self._parts.store.connection.execute(statement).all()
        if not rows:
            return Reply(status=204)
        most = min(query.limit, self._parts.switches.coql_rows)
        data = [
            {target.name: self._shown(target, value) for target, value in zip(targets, row, strict=True)}
            for row in rows[:most]
        ]
        return Reply({"data": data, "info": {"count": len(data), "more_records": len(rows) > most}})

    def _shown(self, target: Target, value: Any) -> Any:
        """Returns a stored value as answers show it; of a related record or user its id alone."""
        if value is None:
            return None
        if target.data_type in {"lookup", "ownerlookup"}:
            return str(value) if target.name.rpartition(".")[2] == "id" else {"id": str(value)}
        return value if target.field is None else self._parts.show.value(target.field, value, {})


def _statement(query: Query, columns: Columns, targets: list[Target]) -> Select[Any]:
    where = condition(query.where, columns, parse_time)
    order: list[Any] = []
    for name, descending in query.order:
        target = columns.find(name)
        if target.data_type in _UNSORTABLE:
            details = {"column_name": name, "clause": "order by"}
            raise refused("INVALID_QUERY", "column given seems to be invalid", details)
        order.append(target.sql.desc() if descending else target.sql.asc())
    order.append(columns.find("id").sql)  # the service's own order, and what keeps pages apart
    statement = select(*(target.sql.label(f"c{number}") for number, target in enumerate(targets)))
    return (
        statement.select_from(columns.source).where(where).order_by(*order).limit(query.limit + 1).offset(query.offset)
    )


def _text(call: Call) -> str:
    body = call.json_object({"select_query"})
    text = body.get("select_query")
    if text is None:
        raise refused("MANDATORY_NOT_FOUND", "required field not found", {"api_name": "select_query"})
    if not isinstance(text, str):
        details = {"expected_data_type": "string", "api_name": "select_query", "json_path": "$.select_query"}
        raise refused("INVALID_DATA", "invalid data", details)
    return text


def _cost(call: Call) -> int:
    try:
        return parse(_text(call)).credits
    except ApiError:
        return 1


def _fold(value: object) -> str | None:
    return None if value is None else str(value).casefold()
