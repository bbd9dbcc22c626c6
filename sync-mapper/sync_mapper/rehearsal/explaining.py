"""One row through a mapping: which maps apply to it, and how each property comes about."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field

from sync_mapper import unmapped
from sync_mapper.rehearsal.inputs import Input, inputs_of, names_in

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_mapper.computed import ComputedStreamMap
    from sync_mapper.mapping_file import Mapping
    from sync_mapper.rehearsal.rehearsing import Record

FILTER = "__filter__"
_LONGEST_VALUE = 300
_INDENT = 4


@dataclass(frozen=True)
class Step:
    """A property of a map, or its filter.

    Attributes:
        name: Its name.
        where: File, line and name.
        expression: As it stands in the mapping.
        inputs: What it reads, with the values of this row.
        result: What comes out, null after an error.
        error: Why it fails; None if it does not.
        type: JSON type it is declared as, for people.
        then: What becomes of the expression's value, in the long form of a property.
    """

    name: str
    where: str
    expression: str
    inputs: list[Input] = field(default_factory=list)
    result: t.Any = None
    error: str | None = None
    type: str | None = None
    then: str | None = None


@dataclass(frozen=True)
class Explanation:
    """A row in one map.

    Attributes:
        map: Name of the map.
        where: File, line and name.
        stream: Stream the row goes on as; `_unmapped` if a property fails, None if the filter leaves it out.
        key: Key the row has after mapping; None if it cannot be computed.
        filter: The filter, None without one.
        properties: The properties in their order.
    """

    map: str
    where: str
    stream: str | None
    key: dict[str, t.Any] | None
    filter: Step | None
    properties: list[Step]


def explain(stream_map: ComputedStreamMap, mapping: Mapping, record: Record) -> Explanation:
    """Explain what a map makes of a row."""
    name = stream_map.map_name
    definition = mapping.stream_maps[name]
    explained = _Row(stream_map, mapping, record)
    filter_step = explained.step(FILTER, definition[FILTER]) if definition.get(FILTER) else None
    properties = [explained.step(one, text) for one, text in stream_map.expressions.items()]
    failed = any(step.error for step in ([filter_step] if filter_step else []) + properties)
    left_out = filter_step is not None and not filter_step.error and not filter_step.result
    stream = None if left_out else unmapped.STREAM if failed else stream_map.stream_alias
    key = stream_map.mapped_key(record)
    return Explanation(name, mapping.where(name), stream, key, filter_step, properties)


class _Row:
    def __init__(self, stream_map: ComputedStreamMap, mapping: Mapping, record: Record) -> None:
        self._map = stream_map
        self._mapping = mapping
        self._record = record
        declared = dict.fromkeys(stream_map.raw_schema.get("properties") or ())
        self._names = {**declared, **record, "record": record, "_": record, "config": stream_map.map_config}

    def step(self, name: str, expression: str) -> Step:
        names = {**self._names, "self": self._record[name]} if name in self._record else self._names
        definition = self._mapping.stream_maps[self._map.map_name].get(name)
        result, error = None, None
        try:
            result = (
                self._map.get_filter_result(self._record) if name == FILTER else self._map.compute(name, self._record)
            )
        except Exception as problem:  # noqa: BLE001 - an expression may raise anything; that is what is to be told
            error = unmapped.reason_of(problem)
        return Step(
            name=name,
            where=self._mapping.where(self._map.map_name, name),
            expression=expression,
            inputs=[*inputs_of(expression, names), *self._named(expression)],
            result=result,
            error=error,
            then=_then(definition) if isinstance(definition, dict) else None,
            type=None if name == FILTER else type_of(self._map.transformed_schema["properties"].get(name, {})),
        )

    def _named(self, expression: str) -> Iterator[Input]:
        """Return the named expressions that one uses, with those that they use."""
        used = names_in(expression)
        for name, text in reversed(self._mapping.expressions.items()):
            if name not in used:
                continue
            used |= names_in(text)
            try:
                value = self._map.named(name, self._record)
            except Exception as problem:  # noqa: BLE001 - as above
                value = f"FAILS: {unmapped.reason_of(problem)}"
            yield Input(name, value, text)
            yield from inputs_of(text, self._names)


def _then(definition: dict[str, t.Any]) -> str | None:
    parts = []
    if "lookup" in definition:
        parts.append(f"looked up in {definition['lookup']}")
    if definition.get("otherwise") is not None:
        parts.append(f"{_value(definition['otherwise'])} for a code that is not in it")
    if definition.get("when_null") is not None:
        parts.append(f"{_value(definition['when_null'])} in place of null")
    return ", ".join(parts) or None


def type_of(schema: dict[str, t.Any]) -> str:
    """Return the type a JSON Schema declares, in words."""
    types = schema.get("type")
    names = [types] if isinstance(types, str) else list(types or [])
    if schema.get("format"):
        names = [str(schema["format"]) if name == "string" else name for name in names]
    return " or ".join(names) or "any type"


def lines(stream: str, key: str, explanations: list[Explanation]) -> Iterator[str]:
    """Return the lines that tell people."""
    yield f"{stream} {key}"
    for one in explanations:
        yield ""
        yield f"{one.where}: {_verdict(one)}"
        yield f"  key: {_value(one.key) if one.key is not None else 'cannot be computed'}"
        if one.filter:
            yield from _step_lines(one.filter)
        else:
            yield "  no filter"
        for step in one.properties:
            yield from _step_lines(step)


def _verdict(one: Explanation) -> str:
    if one.stream is None:
        return "left out by its filter"
    if one.stream == unmapped.STREAM:
        failed = [step.name for step in [one.filter, *one.properties] if step and step.error]
        return f"goes on as {unmapped.STREAM}, because of {', '.join(failed)}"
    return f"goes on as {one.stream}"


def _step_lines(step: Step) -> Iterator[str]:
    outcome = f"FAILS: {step.error}" if step.error else _value(step.result)
    yield f"  {step.name}: {outcome}{f'  ({step.type})' if step.type else ''}"
    yield f"{' ' * _INDENT}= {' '.join(step.expression.split())}"
    for one in step.inputs:
        meaning = f", which is {' '.join(one.expression.split())}" if one.expression else ""
        yield f"{' ' * _INDENT}  {one.name} is {_value(one.value)}{meaning}"
    if step.then:
        yield f"{' ' * _INDENT}  then {step.then}"


def _value(value: t.Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


def as_json(stream: str, key: str, explanations: list[Explanation]) -> str:
    """Return the same as one JSON object."""
    told = {"stream": stream, "key": key, "maps": [asdict(one) for one in explanations]}
    return json.dumps(told, ensure_ascii=False, indent=2, default=str)
