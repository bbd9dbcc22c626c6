"""CreateMultiple, UpdateMultiple, UpsertMultiple: all or nothing on standard tables (fact sheet section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.errors import ApiError, custom_logic, no_such_segment, payload, unexpected
from service_emulators.dynamics.rows import Write
from service_emulators.dynamics.single import SingleApi
from service_emulators.dynamics.urls import Predicate, parse, relative

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import Table

_NAMESPACE = "Microsoft.Dynamics.CRM."
_ID = "@odata.id"
_TYPE = "@odata.type"

Target = dict[str, Any]


class MultipleApi:
    """The bulk messages.

    Args:
        parts: what requests work on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._single = SingleApi(parts)

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        path = f"POST /{{set}}/{_NAMESPACE}"
        return {
            f"{path}CreateMultiple": self._create,
            f"{path}UpdateMultiple": self._update,
            f"{path}UpsertMultiple": self._upsert,
        }

    def _create(self, call: Call) -> Reply:
        table, targets = self._targets(call, "CreateMultiple")
        write = Write.of(call)
        ids = [self._parts.rows.create(table, _body(target), write)[table.id_column] for target in targets]
        context = f"{call.root}$metadata#{_NAMESPACE}CreateMultipleResponse"
        return Reply({"@odata.context": context, "Ids": ids})

    def _update(self, call: Call) -> Reply:
        table, targets = self._targets(call, "UpdateMultiple")
        write, done = Write.of(call), set()
        for target in targets:
            predicate = self._predicate(table, target)
            row = self._parts.finder.get(table, predicate)
            if row[table.id_column] in done:
                continue  # documents: of several with one key only the first is applied, silently
            done.add(row[table.id_column])
            named = set() if predicate.guid else set(predicate.pairs())
            body = {name: value for name, value in _body(target).items() if name not in named}
            self._parts.rows.update(table, row, body, write)
        return Reply(status=204)

    def _upsert(self, call: Call) -> Reply:
        table, targets = self._targets(call, "UpsertMultiple")
        write, done = Write.of(call), set()
        for target in targets:
            predicate = self._predicate(table, target)
            body = {name: value for name, value in _body(target).items() if name != table.id_column}
            twice = predicate.guid is None and set(predicate.pairs()) & body.keys()
            if twice and self._parts.finder.find(table, predicate) is None:
                raise unexpected()  # key columns both in the address and in the body, on the create path
            _, row = self._single.upsert(table, predicate, body, write)
            if row[table.id_column] in done:
                raise unexpected()  # the same row twice, by whatever name
            done.add(row[table.id_column])
        return Reply(status=204)

    def _targets(self, call: Call, message: str) -> tuple[Table, list[Target]]:
        table = self._parts.finder.table(call.args["set"])
        if not self._parts.environment.has_message(table, message):
            raise no_such_segment(f"{_NAMESPACE}{message}")
        targets = call.json_object(table.set_name).get("Targets")
        if not isinstance(targets, list) or not targets:
            raise payload(table.set_name, "'Targets' must be a list of records.")
        for target in targets:
            kind = target.get(_TYPE) if isinstance(target, dict) else None
            if not isinstance(kind, str) or kind.lstrip("#") != f"{_NAMESPACE}{table.name}":
                raise payload(
                    table.set_name,
                    f"Each record of 'Targets' needs the {_TYPE} '{_NAMESPACE}{table.name}'; there is {kind!r}.",
                )
        if call.origin.partial is not None:
            raise custom_logic("A fault of the emulator.")
        return table, targets

    def _predicate(self, table: Table, target: Target) -> Predicate:
        given = target.get(_ID)
        if given is None:
            row_id = target.get(table.id_column)
            if row_id is None:
                raise payload(table.set_name, f"A record of 'Targets' has neither {_ID} nor {table.id_column}.")
            return Predicate(str(row_id))
        address = parse(relative(given)).row if isinstance(given, str) else None
        if address is None or address[0] != table.set_name:
            raise ApiError(400, "0x80048d19", f"Resource not found for the segment '{given}'.")
        return address[1]


def _body(target: Target) -> Target:
    """Returns what is written of a record."""
    return {name: value for name, value in target.items() if name not in {_ID, _TYPE}}
