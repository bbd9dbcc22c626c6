"""Lists of rows by entity set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.errors import bad_query
from service_emulators.dynamics.queries.filters import condition
from service_emulators.dynamics.queries.options import MOST, Options
from service_emulators.dynamics.queries.paging import Cookie, after, next_link, values_of
from service_emulators.dynamics.queries.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import Relation, Table
    from service_emulators.dynamics.store import Row


class ListApi:
    """Endpoints of lists."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tracking = Tracking(parts)

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        return {"GET /{set}": self._list, "GET /{set}/$count": self._count}

    def _list(self, call: Call) -> Reply:
        table = self._table(call)
        options = Options.of(call, table)
        if options.track or options.delta_token is not None:
            applied = (("Preference-Applied", "odata.track-changes"),) if options.track else ()
            return Reply(self._tracking.page(call, table, options), headers=applied)
        return Reply(self._page(call, table, options))

    def _count(self, call: Call) -> Reply:
        table = self._table(call)
        options = Options.of(call, table)
        if options.delta_token is not None:
            number = self._tracking.count(table, options.delta_token)
        else:
            number = self._parts.store.count_rows(table, self._where(table, options))
        return Reply(str(min(number, MOST)).encode(), content_type="text/plain")

    def _table(self, call: Call) -> Table:
        table = self._parts.finder.table(call.args["set"])
        call.user.need("Read", table)
        return table

    def _where(self, table: Table, options: Options) -> list[ColumnElement[bool]]:
        if options.filter is None:
            return []
        return [condition(options.filter, table, self._parts.catalog.tables(), options.aliases)]

    def _page(self, call: Call, table: Table, options: Options) -> dict[str, Any]:
        columns = self._parts.show.columns(table, call.select)
        where = self._where(table, options)
        order = [(table.sql.c[column.name], descending) for column, descending in options.order]
        if table.id_column not in {column.name for column, _ in options.order}:
            order.append((table.sql.c[table.id_column], False))
        cookie = Cookie.read(options.skip_token) if options.skip_token else None
        shown = where if cookie is None else [*where, after(order, cookie.values)]
        size = options.page_size if options.top is None else min(options.top, options.page_size)
        sorted_by = [column.desc() if descending else column.asc() for column, descending in order]
        rows = self._parts.store.select(table, shown, sorted_by, size + 1)
        more = len(rows) > size and options.top is None
        rows = rows[:size]
        select = "" if call.select is None else f"({','.join(call.select)})"
        body: dict[str, Any] = {"@odata.context": f"{call.root}$metadata#{table.set_name}{select}"}
        if options.count:
            number = self._parts.store.count_rows(table, where)
            body["@odata.count"] = min(number, MOST)
            if call.annotations == "*":
                body["@Microsoft.Dynamics.CRM.totalrecordcount"] = min(number, MOST)
                body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = number > MOST
        body["value"] = [
            {**self._parts.show.row(table, row, columns, call.annotations), **self._expanded(call, table, row, options)}
            for row in rows
        ]
        if more:
            token = Cookie((cookie.page if cookie else 1) + 1, values_of(order, rows[-1])).token()
            body["@odata.nextLink"] = next_link(call.root, call.path, call.raw_query, token)
        return body

    def _expanded(self, call: Call, table: Table, row: Row, options: Options) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, select in options.expand.items():
            relation = table.relations.get(name)
            if relation is not None:
                found[name] = self._parent(call, relation, row.get(relation.column), select)
            else:
                found[name] = self._children(call, table, name, row[table.id_column], select)
        return found

    def _parent(self, call: Call, relation: Relation, row_id: str | None, select: list[str] | None) -> Any:
        target = self._parts.catalog.tables().get(relation.target)
        row = None if target is None or row_id is None else self._parts.store.get(target, row_id)
        if target is None or row is None:
            return None
        call.user.need("Read", target)
        return self._parts.show.row(target, row, self._parts.show.columns(target, select), call.annotations)

    def _children(self, call: Call, table: Table, name: str, row_id: str, select: list[str] | None) -> list[Any]:
        for other in self._parts.catalog.tables().values():
            for relation in other.relations.values():
                if relation.target == table.name and relation.inverse == name:
                    call.user.need("Read", other)
                    columns = self._parts.show.columns(other, select)
                    here = [other.sql.c[relation.column] == row_id]
                    rows = self._parts.store.select(other, here, [other.sql.c[other.id_column]], MOST)
                    return [self._parts.show.row(other, row, columns, call.annotations) for row in rows]
        raise bad_query(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table.name}'.")
