"""`GET /{module}/search`: an index that lags, and an `equals` that is none (fact sheet section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, cast, func, or_

from service_emulators.zoho.calls import MAX_PER_PAGE, Reply, Route
from service_emulators.zoho.catalog import TEXT_TYPES
from service_emulators.zoho.criteria import Criterion, parse_criteria
from service_emulators.zoho.errors import ApiError, invalid, missing_parameter
from service_emulators.zoho.reading import readable, wanted_fields
from service_emulators.zoho.show import columns_of
from service_emulators.zoho.store import WRITTEN_AT
from service_emulators.zoho.times import parse_time

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.catalog import Field, Module
    from service_emulators.zoho.criteria import Group
    from service_emulators.zoho.parts import Parts

MAX_ROWS = 2_000
_WAYS = ("criteria", "email", "phone", "word")
_KNOWN = frozenset({*_WAYS, "fields", "page", "per_page", "sort_by", "sort_order", "converted", "approved", "type"})


class SearchApi:
    """Searches see a record once its last write is old enough; before, not even as it was."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._catalog = parts.catalog
        self._switches = parts.switches
        self._clock = parts.clock
        self._show = parts.show

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""
        scopes = ("ZohoCRM.modules.{module}.READ", "ZohoSearch.securesearch.READ")
        return {"GET /crm/v8/{module}/search": Route(self._search, scopes, 1, limited=True)}

    def _search(self, call: Call) -> Reply:
        module = readable(self._catalog.find(call.args["module"]))
        for name in call.query:
            if name not in _KNOWN:
                raise invalid({"param_name": name}, "the parameter given seems to be invalid")
        names = wanted_fields(call, module)
        per_page, page = call.integer("per_page", MAX_PER_PAGE, MAX_PER_PAGE), call.integer("page", 1)
        if page * per_page > MAX_ROWS:
            raise ApiError(400, "LIMIT_REACHED", "a search gives 2000 records at most", {"limit": MAX_ROWS})
        table = module.table
        due = self._clock.seconds() - self._switches.search_lag_ms / 1000
        where = [self._condition(module, call), table.c[WRITTEN_AT] <= due]
        columns = columns_of(module, module.fields if names is None else names)
        order = [table.c.id.desc()]
        rows = self._store.select(table, where, order, per_page + 1, (page - 1) * per_page, columns)
        if not rows:
            return Reply(status=204)
        shown = rows[:per_page]
        more = len(rows) > per_page
        info = {"per_page": per_page, "count": len(shown), "page": page, "sort_by": "id", "sort_order": "desc"}
        return Reply({"data": self._show.many(module, shown, names), "info": {**info, "more_records": more}})

    def _condition(self, module: Module, call: Call) -> ColumnElement[bool]:
        ways = [name for name in _WAYS if call.query.get(name)]
        if not ways:
            raise missing_parameter("criteria")
        if len(ways) > 1:
            details = {"ambiguity_due_to": [{"param_name": name} for name in ways]}
            raise ApiError(400, "AMBIGUITY_DURING_PROCESSING", "ambiguity while processing the request", details)
        way, text = ways[0], call.query[ways[0]]
        if way == "criteria":
            return self._group(module, parse_criteria(text))
        kinds = TEXT_TYPES if way == "word" else {way}
        columns = [module.table.c[name] for name, field in module.fields.items() if field.data_type in kinds]
        return or_(*(contains(column, text) for column in columns)) if columns else module.table.c.id.is_(None)

    def _group(self, module: Module, node: Group | Criterion) -> ColumnElement[bool]:
        if isinstance(node, Criterion):
            return self._compare(module, node)
        parts = [self._group(module, part) for part in node.parts]
        return and_(*parts) if node.operator == "and" else or_(*parts)

    def _compare(self, module: Module, criterion: Criterion) -> ColumnElement[bool]:
        field = module.fields.get(criterion.field)
        if field is None:
            details = {"param_name": "criteria", "api_name": criterion.field}
            raise invalid(details, "the field api name given seems to be invalid")
        column = module.table.c[field.api_name]
        values = [_value(field, raw) for raw in criterion.values]
        first = values[0]
        is_text = isinstance(first, str) and field.data_type not in {"date", "datetime"}
        operator = criterion.operator
        if operator == "equals":
            return contains(column, first) if is_text else column == first
        if operator == "not_equal":
            return or_(column.is_(None), ~contains(column, first) if is_text else column != first)
        if operator == "starts_with":
            return func.lower(func.substr(cast(column, String), 1, len(str(first)))) == str(first).lower()
        if operator == "in":
            return or_(*(contains(column, value) if is_text else column == value for value in values))
        if operator == "between":
            if len(values) != 2:  # noqa: PLR2004 - from and to
                raise invalid({"param_name": "criteria"}, "between takes two values")
            return column.between(values[0], values[1])
        compared: ColumnElement[bool] = {
            "greater_than": column > first,
            "greater_equal": column >= first,
            "less_than": column < first,
            "less_equal": column <= first,
        }[operator]
        return compared


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Returns the condition that a column has a text somewhere in it, in whatever case."""
    return func.instr(func.lower(cast(column, String)), text.lower()) > 0


def _value(field: Field, raw: str) -> Any:
    """Returns a value of a criterion as the column holds it."""
    kind = field.data_type
    try:
        if kind in {"integer", "bigint", "lookup", "ownerlookup", "userlookup"}:
            return int(raw)
        if kind in {"double", "currency", "percent"}:
            return float(raw)
    except ValueError as error:
        raise invalid({"param_name": "criteria", "api_name": field.api_name}) from error
    if kind == "boolean":
        return raw.lower() == "true"
    if kind == "datetime":
        moment = parse_time(raw)
        if moment is None:
            raise invalid({"param_name": "criteria", "api_name": field.api_name})
        return moment
    return raw
