"""A stream map with expressions: the SDK's, with the additions of this mapper.

The SDK's evaluator evaluates everything; what is added is what it is given (declared fields that a row lacks as null,
named expressions, functions, code tables) and what is done with its result (long form).
"""

from __future__ import annotations

import ast
import copy
import functools
import typing as t
from dataclasses import dataclass, field

import simpleeval  # type: ignore[import-untyped]
from singer_sdk import typing as th
from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import MAPPER_FILTER_OPTION, NULL_STRING, CustomStreamMap, _MapperEval

from sync_mapper import inferred_types
from sync_mapper.code_tables import CodeTables
from sync_mapper.functions import HELPERS
from sync_mapper.long_form import LongForm
from sync_mapper.names import Names

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from faker import Faker

ANY_TYPE: dict[str, t.Any] = {"type": ["string", "number", "integer", "boolean", "object", "array", "null"]}
"""Declared where the type of a result is not known: a target must not refuse a row for what nobody stated."""


@dataclass(frozen=True)
class Shared:
    """What all maps of a mapping have in common.

    Attributes:
        expressions: Named expressions, parsed; each sees those before it.
        tables: Code tables.
    """

    expressions: dict[str, ast.Expr] = field(default_factory=dict)
    tables: CodeTables = field(default_factory=CodeTables)


class _Evaluator(_MapperEval):  # type: ignore[misc]  # simpleeval is not typed
    """The SDK's evaluator, for which a function of ours is no value: a field a row lacks must not become one."""

    def _eval_name(self, node: ast.Name) -> t.Any:
        if node.id in HELPERS:
            try:
                return self.names[node.id]
            except KeyError:
                raise simpleeval.NameNotDefined(node.id, self.expr) from None
        return super()._eval_name(node)


class ComputedStreamMap(CustomStreamMap):
    """A stream map with expressions.

    Attributes:
        map_name: Its name in the mapping.
        evaluating: Property (or `__filter__`) whose expression was evaluated last; after an error, the one that failed.
        expressions: Property -> its expression.
        untyped: Properties whose type is neither stated nor to be seen in their expression.
    """

    def __init__(
        self, *, map_name: str, map_transform: dict[str, t.Any], shared: Shared | None = None, **kwargs: t.Any
    ) -> None:
        self.map_name = map_name
        self.evaluating: str | None = None
        self._shared = shared or Shared()
        self._definitions = map_transform
        self._forms = {name: LongForm.read(value) for name, value in map_transform.items() if isinstance(value, dict)}
        transform = {**map_transform, **{name: form.value for name, form in self._forms.items()}}
        self.expressions = {
            name: value
            for name, value in transform.items()
            if isinstance(value, str) and value != NULL_STRING and not name.startswith("__")
        }
        texts = [*self.expressions.values(), str(transform.get(MAPPER_FILTER_OPTION))]
        self._wants_fake = any("fake" in text for text in texts)
        # The SDK changes the schema it is given while it computes the new one.
        self._source = copy.deepcopy(kwargs["raw_schema"].get("properties") or {})
        self._absent = dict.fromkeys(self._source)
        self._unseen: set[str] = set()
        super().__init__(map_transform=transform, **kwargs)
        self.expr_evaluator = _Evaluator(functions=self.functions)
        declared = self.transformed_schema["properties"]
        for name, form in self._forms.items():
            if form.schema is not None and name in declared:
                declared[name] = form.schema
        self.untyped = [
            name
            for name, text in self.expressions.items()
            if text in self._unseen and (name not in self._forms or self._forms[name].schema is None)
        ]
        self._fields = {name: _fields(text, self._source) for name, text in self.expressions.items()}
        self._evaluators: dict[str, _Evaluator] = {}
        self._row: dict[str, t.Any] | None = None
        self._names = Names({}, {}, self._named)

    @property
    def functions(self) -> dict[str, Callable[..., t.Any]]:
        """Functions that expressions may call: the SDK's and ours."""
        own = {name: helper.function for name, helper in HELPERS.items() if helper.function is not None}
        return {**super().functions, **own, "lookup": self._shared.tables.lookup}

    def transform(self, record: dict[str, t.Any]) -> dict[str, t.Any] | None:
        """Map a row; None if the filter leaves it out."""
        self._row = None
        return super().transform(record)

    def compute(self, name: str, record: dict[str, t.Any]) -> t.Any:
        """Return one property of a row, evaluated alone; whatever its expression raises goes through."""
        self._row = None
        parsed = t.cast("ast.Expr", ast.parse(self.expressions[name]).body[0])
        return self._eval(self.expressions[name], parsed, record, name)

    def named(self, name: str, record: dict[str, t.Any]) -> t.Any:
        """Return a named expression of a row; whatever it raises goes through."""
        return self._names_of(record)[name]

    def mapped_key(self, record: dict[str, t.Any]) -> dict[str, t.Any] | None:
        """Return the key a row has after mapping, evaluated alone; None if the key itself cannot be computed."""
        names = self.transformed_key_properties or ()
        try:
            computed = self._key_map.transform(record) or {}
        except Exception:  # noqa: BLE001 - an expression may raise anything; then there is no key to tell
            return None
        return {name: computed.get(name) for name in names}

    @functools.cached_property
    def _key_map(self) -> ComputedStreamMap:
        names = self.transformed_key_properties or ()
        return ComputedStreamMap(
            map_name=self.map_name,
            map_transform={name: self._definitions[name] for name in names if name in self.expressions},
            shared=self._shared,
            stream_alias=self.stream_alias,
            map_config=self.map_config,
            faker_config=self.faker_config,
            raw_schema={"properties": copy.deepcopy(self._source)},
            key_properties=[],
            flattening_options=None,
            stream_name=self.stream_name,
        )

    def _eval(self, expr: str, expr_parsed: ast.Expr, record: dict[str, t.Any], property_name: str | None) -> t.Any:
        """Evaluate an expression: the SDK's way, with the names of a row made once instead of for each expression."""
        self.evaluating = property_name or MAPPER_FILTER_OPTION
        if self._row is not record:
            self._names = self._names_of(record)
            self._row = record
        names = self._names
        if property_name is not None:
            if property_name in self._absent or property_name in record:
                names["self"] = record.get(property_name)
            else:
                names.pop("self", None)
        form = self._forms.get(property_name) if property_name is not None else None
        try:
            value = self._value(expr, expr_parsed, names)
        except Exception:
            if form is None or form.when_null is None or not self._lacks(property_name, record):
                raise
            value = None
        return value if form is None else self._finish(form, value)

    def _value(self, expr: str, parsed: ast.Expr, names: Names) -> t.Any:
        node = parsed.value
        if isinstance(node, ast.Name) and dict.__contains__(names, node.id):
            return names[node.id]  # a mere renaming needs no evaluator
        self.expr_evaluator.names = names
        try:
            return self.expr_evaluator.eval(expr, previously_parsed=parsed)
        except (simpleeval.InvalidExpression, SyntaxError) as error:
            raise MapExpressionError(f"Failed to evaluate simpleeval expressions {expr}.") from error

    def _finish(self, form: LongForm, value: t.Any) -> t.Any:
        if value is not None and form.lookup is not None:
            value = self._shared.tables.lookup(form.lookup, value, form.otherwise)
        if value is None:
            value = form.when_null
        form.check(value)
        return value

    def _names_of(self, record: dict[str, t.Any]) -> Names:
        names = Names({**self._absent, **record}, self._shared.expressions, self._named)
        names["_"] = names["record"] = record
        names["config"] = self.map_config
        names["__stream_name__"] = self.stream_alias
        names["__original_stream_name__"] = self.stream_name
        if self.fake:
            names["fake"] = self.fake
        return names

    def _named(self, name: str, names: Names) -> t.Any:
        # Each has an evaluator of its own: one that is busy with a loop would show it the variables of that loop.
        evaluator = self._evaluators.get(name)
        if evaluator is None:
            evaluator = self._evaluators[name] = _Evaluator(functions=self.functions)
        evaluator.names = names
        return evaluator.eval(name, previously_parsed=self._shared.expressions[name])

    def _lacks(self, name: str | None, record: dict[str, t.Any]) -> bool:
        """Whether a property's expression failed where a field it names is null or missing."""
        return any(record.get(one) is None for one in self._fields.get(name or "", ()))

    def _eval_type(self, expr: str, default: th.JSONTypeHelper[t.Any] | None = None) -> th.JSONTypeHelper[t.Any]:
        fallback = default or th.StringType()
        declared = super()._eval_type(expr, fallback)
        types = inferred_types.infer(expr, self._source)
        better = inferred_types.widen(declared.to_dict(), types)
        if better:
            return th.CustomType(better)
        if types is None and declared is fallback and isinstance(fallback, th.StringType):
            self._unseen.add(expr)
            return th.CustomType(ANY_TYPE)
        return declared

    def _init_faker_instance(self) -> Faker | None:
        # The SDK loads Faker for every map when it is installed: 50 MB for nothing in most of them.
        return super()._init_faker_instance() if self._wants_fake else None


def _fields(expression: str, properties: dict[str, t.Any]) -> frozenset[str]:
    """Return the fields of the row that an expression names."""
    tree = ast.parse(expression)
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in properties)
