"""One row at a time: create, read, update, upsert, delete (fact sheet section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.errors import payload, row_exists, version_differs
from service_emulators.dynamics.rows import Write
from service_emulators.dynamics.show import etag

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import Relation, Table
    from service_emulators.dynamics.store import Row
    from service_emulators.dynamics.urls import Predicate

_APPLIED = ("Preference-Applied", "return=representation")


class SingleApi:
    """Endpoints of one row."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        return {
            "POST /{set}": self._create,
            "GET /{set}/()": self._read,
            "PATCH /{set}/()": self._patch,
            "DELETE /{set}/()": self._delete,
            "PUT /{set}/()/{property}": self._set_property,
            "DELETE /{set}/()/{property}": self._clear_property,
        }

    def _create(self, call: Call) -> Reply:
        table = self._parts.finder.table(call.args["set"])
        row = self._parts.rows.create(table, call.json_object(table.set_name), Write.of(call))
        return self._written(call, table, row, f"{table.set_name}({row[table.id_column]})", created=True)

    def _read(self, call: Call) -> Reply:
        table = self._parts.finder.table(call.args["set"])
        call.user.need("Read", table)
        columns = self._parts.show.columns(table, call.select)
        row = self._parts.finder.get(table, call.predicates[0])
        tag = etag(row)
        known = call.headers.get("if-none-match")
        if known is not None and known == tag and table.info.optimistic and not call.annotations:
            return Reply(status=304, headers=(("ETag", known),))
        return Reply(self._shown(call, table, row, columns))

    def _patch(self, call: Call) -> Reply:
        table = self._parts.finder.table(call.args["set"])
        body = call.json_object(table.set_name)
        created, row = self.upsert(
            table,
            call.predicates[0],
            body,
            Write.of(call),
            if_match=call.headers.get("if-match"),
            if_none_match=call.headers.get("if-none-match"),
        )
        return self._written(call, table, row, f"{table.set_name}({call.predicates[0].text})", created=created)

    def upsert(
        self,
        table: Table,
        predicate: Predicate,
        body: dict[str, Any],
        write: Write,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> tuple[bool, Row]:
        """Changes the row an address names, or adds it.

        Columns of the key in the body are passed over when the row is there; on a create they win over the address,
        whose values stand in for those the body lacks.

        Args:
            table: the table.
            predicate: address of the row.
            body: as the API takes it.
            write: who does it.
            if_match: `*` or an ETag: the row must be there, and of that version.
            if_none_match: `*`: the row must not be there. Any other value says nothing about writes.

        Returns:
            Whether the row was added, and the row.

        Raises:
            ApiError: see the table of fact sheet section 4.
        """
        finder = self._parts.finder
        row = finder.find(table, predicate)
        row_id = finder.given_id(table, predicate)
        named: Row = {table.id_column: row_id} if row_id is not None else finder.key_values(table, predicate)
        if row is None:
            if if_match is not None:
                raise finder.missing(table, predicate)
            return True, self._parts.rows.create(table, {**self._as_body(table, named), **body}, write)
        if if_none_match == "*":
            raise row_exists()
        self._check_version(row, if_match)
        dropped = set(named) | {f"{relation.navigation}@odata.bind" for relation in self._relations(table, named)}
        rest = {name: value for name, value in body.items() if name not in dropped}
        return False, self._parts.rows.update(table, row, rest, write)

    def _delete(self, call: Call) -> Reply:
        table = self._parts.finder.table(call.args["set"])
        row = self._parts.finder.get(table, call.predicates[0])
        self._check_version(row, call.headers.get("if-match"))
        self._parts.rows.delete(table, row, Write.of(call))
        return Reply(status=204)

    def _set_property(self, call: Call) -> Reply:
        body = call.json_object(call.args["set"])
        if set(body) - {"@odata.context"} != {"value"}:
            raise payload(call.args["set"], "The body of a property must be an object with the one name 'value'.")
        return self._change_property(call, body["value"])

    def _clear_property(self, call: Call) -> Reply:
        return self._change_property(call, None)

    def _change_property(self, call: Call, value: Any) -> Reply:
        table = self._parts.finder.table(call.args["set"])
        row = self._parts.finder.get(table, call.predicates[0])
        self._check_version(row, call.headers.get("if-match"))
        self._parts.rows.update(table, row, {call.args["property"]: value}, Write.of(call))
        return Reply(status=204)

    @staticmethod
    def _check_version(row: Row, if_match: str | None) -> None:
        if if_match not in {None, "*", etag(row)}:
            raise version_differs()

    def _written(self, call: Call, table: Table, row: Row, path: str, *, created: bool) -> Reply:
        address = call.root + path
        if not call.representation:
            return Reply(status=204, headers=(("OData-EntityId", address), ("Location", address)))
        columns = self._parts.show.columns(table, call.select)
        shown = self._shown(call, table, row, columns)
        headers = [_APPLIED, ("OData-EntityId", address)]
        if "@odata.etag" in shown:
            headers.append(("ETag", shown["@odata.etag"]))
        if created:
            headers.append(("Location", address))
        return Reply(shown, 201 if created else 200, headers=tuple(headers))

    def _shown(self, call: Call, table: Table, row: Row, columns: list[Any]) -> dict[str, Any]:
        select = "" if call.select is None else f"({','.join(call.select)})"
        context = f"{call.root}$metadata#{table.set_name}{select}/$entity"
        return {"@odata.context": context, **self._parts.show.row(table, row, columns, call.annotations)}

    @staticmethod
    def _relations(table: Table, values: Row) -> list[Relation]:
        return [relation for name in values for relation in table.relations_of.get(name, ())]

    def _as_body(self, table: Table, values: Row) -> dict[str, Any]:
        """Returns values of a key as a body would give them."""
        body: dict[str, Any] = {}
        for name, value in values.items():
            if table.columns[name].is_lookup:
                relation = table.relations_of[name][0]
                target = self._parts.catalog.tables()[relation.target]
                body[f"{relation.navigation}@odata.bind"] = f"/{target.set_name}({value})"
            else:
                body[name] = value
        return body
