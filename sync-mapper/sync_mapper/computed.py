"""A stream map with expressions: the SDK's, with the additions of this mapper.

The SDK's evaluator evaluates everything; what is added is what it is given (declared fields that a row lacks as null,
named expressions, functions, code tables) and what is done with its result (long form).
"""

from __future__ import annotations

import ast
import copy
import functools
import importlib.util
import typing as t
from dataclasses import dataclass, field

from sync_mapper import computed_schema, declared, fields
from sync_mapper.analysis import Scope, analyse
from sync_mapper.code_tables import CodeTables
from sync_mapper.evaluator import Evaluator
from sync_mapper.functions import HELPERS
from sync_mapper.long_form import LongForm
from sync_mapper.names import Names
from sync_mapper.options import NULL_STRING, OPTIONS
from sync_mapper.results import CONTAINERS_AND_NUMBERS, refuse_endless
from sync_mapper.sdk_functions import functions
from sync_mapper.stream_map import StreamMap

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faker import Faker
    from singer_sdk.helpers._flattening import FlatteningOptions

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


class _Step(t.NamedTuple):
    """What a map does to one property.

    Attributes:
        name: The property.
        expression: Its expression; None to leave the property out.
        tree: The expression, parsed.
        form: Its long form, if it has one.
        uses_self: Whether it names the value the property has in the row.
    """

    name: str
    expression: str | None
    tree: ast.expr | None
    form: LongForm | None
    uses_self: bool


class ComputedStreamMap(StreamMap):
    """A stream map with expressions.

    Attributes:
        map_name: Its name in the mapping.
        evaluating: Property (or `__filter__`) whose expression was evaluated last; after an error, the one that failed.
        expressions: Property -> its expression.
        untyped: Properties whose type is neither stated nor to be seen in their expression.
    """

    def __init__(
        self,
        *,
        map_name: str,
        map_transform: dict[str, t.Any],
        stream_alias: str,
        stream_name: str,
        raw_schema: dict[str, t.Any],
        key_properties: Sequence[str] | None,
        map_config: dict[str, t.Any],
        faker_config: dict[str, t.Any],
        flattening_options: FlatteningOptions | None,
        shared: Shared | None = None,
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
            if isinstance(value, str) and value != NULL_STRING and name not in OPTIONS
        }
        texts = [*self.expressions.values(), str(transform.get("__filter__"))]
        self._source = copy.deepcopy(raw_schema.get("properties") or {})
        self._absent = dict.fromkeys(self._source)
        self._unseen: set[str] = set()
        super().__init__(stream_alias, {**raw_schema, "properties": self._source}, key_properties, flattening_options)
        self.stream_name = stream_name
        self.map_config = map_config
        self.faker_config = faker_config
        if "__key_properties__" in transform:
            self.transformed_key_properties = transform["__key_properties__"]
        self.transformed_schema = self.flatten_schema(
            computed_schema.compute(
                self.raw_schema,
                transform,
                stream=stream_alias,
                keys=self.transformed_key_properties,
                schema_of=self._schema_of,
            )
        )
        self.fake = self._faker() if any("fake" in text for text in texts) else None
        self._evaluator = Evaluator(self.functions)
        self._filter = _step("__filter__", transform.get("__filter__"), None)
        self._keeps_all = "__else__" not in transform
        self._steps = [
            _step(name, value, self._forms.get(name)) for name, value in transform.items() if name not in OPTIONS
        ]
        properties = self.transformed_schema["properties"]
        selves = self._selves()
        properties.update(selves)
        for name, form in self._forms.items():
            if name in properties:
                looked_up = self._shared.tables.texts(form.lookup) if form.lookup is not None else None
                properties[name] = form.schema or declared.schema_of(form, properties[name], looked_up)
        self.untyped = [
            name
            for name, text in self.expressions.items()
            if text in self._unseen and name not in selves and not (name in self._forms and self._forms[name].is_typed)
        ]
        named = self._shared.expressions
        known = fields.Possible(self._source, named)
        self._fields = {
            name: fields.read_by(ast.parse(text), name, known, named) for name, text in self.expressions.items()
        }
        self._evaluators: dict[str, Evaluator] = {}
        self._fixed: dict[str, t.Any] = {
            "config": self.map_config,
            "__stream_name__": self.stream_alias,
            "__original_stream_name__": self.stream_name,
            **({"fake": self.fake} if self.fake else {}),
        }

    @property
    def functions(self) -> dict[str, Callable[..., t.Any]]:
        """Functions that expressions may call: the SDK's and ours."""
        own = {name: helper.function for name, helper in HELPERS.items() if helper.function is not None}
        return {**functions(), **own, "lookup": self._shared.tables.lookup}

    def transform(self, record: dict[str, t.Any]) -> dict[str, t.Any] | None:
        """Map a row, as the SDK does, with the names of a row made once instead of for each expression.

        Returns:
            The row; None if the filter leaves it out, or nothing is left of it.
        """
        names = self._names_of(record)
        if self._filter.tree is not None and not self._evaluated(self._filter, record, names):
            return None
        result: dict[str, t.Any] = {}
        if self._keeps_all:
            result = record.copy()
        else:
            for name in self.transformed_key_properties or ():
                if name in record:
                    result[name] = record[name]
        for step in self._steps:
            if step.tree is None:
                result.pop(step.name, None)
            else:
                result[step.name] = self._evaluated(step, record, names)
        return self.flatten_record(result) if result else None

    def compute(self, name: str, record: dict[str, t.Any]) -> t.Any:
        """Return one property of a row, evaluated alone; whatever its expression raises goes through."""
        step = next(step for step in self._steps if step.name == name)
        return self._evaluated(step, record, self._names_of(record))

    def get_filter_result(self, record: dict[str, t.Any]) -> bool:
        """Whether the filter lets a row through."""
        return self._filter.tree is None or bool(self._evaluated(self._filter, record, self._names_of(record)))

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

    def _evaluated(self, step: _Step, record: dict[str, t.Any], names: Names) -> t.Any:
        self.evaluating = step.name
        tree, form = t.cast("ast.expr", step.tree), step.form
        if step.uses_self:
            if step.name in self._absent or step.name in record:
                names["self"] = record.get(step.name)
            else:
                names.pop("self", None)
        try:
            if isinstance(tree, ast.Name) and dict.__contains__(names, tree.id):
                value = names[tree.id]  # a mere renaming needs no evaluator
            else:
                value = self._evaluator.value(step.expression or "", tree, names)
        except Exception:
            if form is None or form.when_null is None or not self._lacks(step.name, record):
                raise
            value = None
        if type(value) in CONTAINERS_AND_NUMBERS and step.name != "__filter__":
            refuse_endless(value)
        return value if form is None else self._finish(form, value)

    def _finish(self, form: LongForm, value: t.Any) -> t.Any:
        if value is not None and form.lookup is not None:
            value = self._shared.tables.lookup(form.lookup, value, form.otherwise)
        if value is None:
            value = form.when_null
        form.check(value)
        return value

    def _names_of(self, record: dict[str, t.Any]) -> Names:
        names = Names(self._absent, self._shared.expressions, self._named)
        names.update(record)
        names.update(self._fixed)
        names["_"] = names["record"] = record
        return names

    def _named(self, name: str, names: Names) -> t.Any:
        # Each has an evaluator of its own: one that is busy with a loop would show it the variables of that loop.
        evaluator = self._evaluators.get(name)
        if evaluator is None:
            evaluator = self._evaluators[name] = Evaluator(self.functions)
        return evaluator.value(name, self._shared.expressions[name].value, names)

    def _lacks(self, name: str, record: dict[str, t.Any]) -> bool:
        """Whether a property's expression failed where a field it names is null or missing.

        A name that neither the schema nor the row has is likely a wrong one, which no constant must hide.
        """
        return any(record[one] is None if one in record else one in self._absent for one in self._fields[name])

    def _schema_of(self, expression: str, own: dict[str, t.Any] | None) -> dict[str, t.Any]:
        schema = analyse(expression, self._scope(own)).schema
        if schema is None:
            self._unseen.add(expression)
        return schema or ANY_TYPE

    def _selves(self) -> dict[str, dict[str, t.Any]]:
        """Return the schemas of properties made of their own value, which the SDK does not know under `__else__`."""
        found: dict[str, dict[str, t.Any]] = {}
        for step in self._steps:
            if step.uses_self and step.name in self._source and step.name in self.transformed_schema["properties"]:
                schema = analyse(step.expression or "", self._scope(self._source[step.name])).schema
                if schema is not None:
                    found[step.name] = schema
        return found

    def _scope(self, own: dict[str, t.Any] | None) -> Scope:
        """Return what the analysis may know; `own` is the schema the property has at the source."""
        return Scope(
            properties=self._source,
            config=self.map_config,
            expressions={name: ast.unparse(tree) for name, tree in self._shared.expressions.items()},
            tables=dict.fromkeys(self._shared.tables),
            own=own,
        )

    def _faker(self) -> Faker | None:
        """Return what `fake` is; it takes 50 MB, and is loaded for maps that name it."""
        if not importlib.util.find_spec("faker"):
            return None
        from faker import Faker  # noqa: PLC0415

        if (seed := self.faker_config.get("seed")) is not None:
            Faker.seed(seed)
        return Faker(self.faker_config.get("locale"))


def _step(name: str, definition: str | None, form: LongForm | None) -> _Step:
    if definition is None or definition == NULL_STRING:
        return _Step(name, None, None, None, uses_self=False)
    tree = ast.parse(definition.strip(), mode="eval").body
    uses_self = any(isinstance(node, ast.Name) and node.id == "self" for node in ast.walk(tree))
    return _Step(name, definition, tree, form, uses_self)
