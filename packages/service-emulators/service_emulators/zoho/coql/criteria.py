"""Criteria of a COQL query as SQL conditions, by the type of their column.

Which operators a type takes: "Kaizen #80" and "#81 COQL API" of Zoho's community; text areas take none ("Query API -
Limitations"). Text is compared without regard to case, as the vendor's database does. Nothing but a null test holds for
an empty column (undocumented; SQL's own rule). Lists of several values, tags and territories take null tests alone
here.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, func, not_, or_, select

from service_emulators.zoho.coql.syntax import Criterion, refused
from service_emulators.zoho.tables import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from service_emulators.zoho.coql.columns import Columns, Target
    from service_emulators.zoho.coql.syntax import Condition, Operator, Value

FOLD = "zoho_fold"
"""SQL function that takes the difference of case out of a text, beyond ASCII too."""

_NULLS = frozenset({"is null", "is not null"})
_EQUALITY = frozenset({"=", "!=", "in", "not in"}) | _NULLS
_ORDERED = _EQUALITY | {"<", ">", "<=", ">=", "between", "not between"}
_TEXT = _EQUALITY | {"like", "not like"}
_OPERATORS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("text", "email", "phone", "website", "picklist"), _TEXT),
    **dict.fromkeys(("integer", "bigint", "double", "currency", "percent", "autonumber"), _ORDERED),
    **dict.fromkeys(("date", "datetime"), _ORDERED),
    **dict.fromkeys(("lookup", "ownerlookup"), _EQUALITY),
    "boolean": frozenset({"="}) | _NULLS,
    "textarea": frozenset(),
}
_WHOLE = re.compile(r"-?\d{1,19}")
_LARGEST = 2**63 - 1
_DECIMAL = re.compile(r"-?\d{1,16}(?:\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def condition(node: Condition, columns: Columns, moment: Callable[[str], str | None]) -> ColumnElement[bool]:
    """Returns a condition as SQL.

    Args:
        node: the condition.
        columns: resolves names.
        moment: turns an ISO 8601 time with offset into the form it is stored in; None if it is none.

    Raises:
        ApiError: INVALID_QUERY, a column, operator or value does not fit.
    """
    if isinstance(node, Criterion):
        return _criterion(node, columns.find(node.column), moment)
    joined = (condition(node.left, columns, moment), condition(node.right, columns, moment))
    return and_(*joined) if node.operator == "and" else or_(*joined)


def _criterion(node: Criterion, target: Target, moment: Callable[[str], str | None]) -> ColumnElement[bool]:
    if node.operator not in _OPERATORS.get(target.data_type, _NULLS):
        raise refused("INVALID_QUERY", "invalid query formed", {"column_name": target.name})
    if node.operator in _NULLS:
        return target.sql.is_(None) if node.operator == "is null" else target.sql.is_not(None)
    if node.operator in {"like", "not like"}:
        found = _like(target, node.values[0])
        return found if node.operator == "like" else not_(found)
    return _compare(target, node.operator, [_value(target, value, moment) for value in node.values])


def _compare(target: Target, operator: Operator, values: list[Any]) -> ColumnElement[bool]:
    positive = cast("Operator", operator.removeprefix("not "))
    if positive == "between":
        inside = target.sql.between(*values)
        return inside if positive == operator else not_(inside)
    if isinstance(values[0], str) and target.data_type in {"text", "email", "phone", "website", "picklist"}:
        return _same_text(target, values, negated=operator in {"!=", "not in"})
    if positive == "in":
        return target.sql.in_(values) if positive == operator else target.sql.not_in(values)
    compare = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", ">": "__gt__", "<=": "__le__", ">=": "__ge__"}[operator]
    return cast("ColumnElement[bool]", getattr(target.sql, compare)(values[0]))


def _same_text(target: Target, values: list[str], *, negated: bool) -> ColumnElement[bool]:
    found = None if negated else _by_key(target, values)
    if found is not None:
        return found
    folded = _folded(target)
    wanted = [value.casefold() for value in values]
    return folded.not_in(wanted) if negated else folded.in_(wanted)


def _by_key(target: Target, values: list[str]) -> ColumnElement[bool] | None:
    """Returns the condition over the table of keys, which has an index; None for fields that are not in it."""
    field, module = target.field, target.module
    if field is None or module is None or field not in module.matched or field.case_sensitive:
        return None
    keys = select(KEYS.c.record_id).where(
        KEYS.c.module == module.name,
        KEYS.c.field == field.api_name,
        KEYS.c.value.in_([value.casefold() for value in values]),
    )
    return cast("ColumnElement[bool]", target.sql.table.c.id.in_(keys))


def _like(target: Target, value: Value) -> ColumnElement[bool]:
    """Takes `x%`, `%x` and `%x%`; a sign that is a wildcard in SQL alone is an ordinary one."""
    inner = value.text.removeprefix("%").removesuffix("%")
    if not value.quoted or not inner or "%" in inner:
        raise _unfit(target)
    pattern = inner.casefold().replace("\\", "\\\\").replace("_", "\\_")
    start = "%" if value.text.startswith("%") else ""
    end = "%" if value.text.endswith("%") else ""
    return _folded(target).like(f"{start}{pattern}{end}", escape="\\")


def _folded(target: Target) -> ColumnElement[Any]:
    return getattr(func, FOLD)(target.sql)  # type: ignore[no-any-return]  # functions are looked up by name


def _value(target: Target, value: Value, moment: Callable[[str], str | None]) -> Any:
    """Returns a written value as the column stores it."""
    text, kind = value.text, target.data_type
    found: Any = None
    if kind == "boolean":
        found = {"true": True, "false": False}.get(text.lower())
    elif kind in {"integer", "bigint", "lookup", "ownerlookup"}:
        found = int(text) if _WHOLE.fullmatch(text) and abs(int(text)) <= _LARGEST else None
    elif kind in {"double", "currency", "percent"}:
        found = float(text) if _DECIMAL.fullmatch(text) else None
    elif kind == "datetime":
        found = moment(text)
    elif kind == "date":
        found = text if _DATE.fullmatch(text) and _is_date(text) else None
    else:
        found = text
    if found is None:
        raise _unfit(target)
    return found


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _unfit(target: Target) -> Exception:
    message = "value given seems to be invalid for the column"
    return refused("INVALID_QUERY", message, {"column_name": target.name})
