"""Maps against the tap's catalog: streams, fields, keys, types and nulls."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from sync_mapper.analysis import Scope, analyse
from sync_mapper.analysis.calls import looked_up
from sync_mapper.analysis.shapes import Shape, from_schema, join, of_value, to_schema
from sync_mapper.checking import keys
from sync_mapper.checking.keys import nearest

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_mapper.analysis import Analysis, Problem
    from sync_mapper.checking.catalog import Catalog, CatalogStream
    from sync_mapper.checking.findings import At
    from sync_mapper.checking.plan import Property, StreamPlan
    from sync_mapper.checking.source import Source
    from sync_mapper.checking.tables import Tables


@dataclass(frozen=True)
class Output:
    """A stream that goes on.

    Attributes:
        name: Its name.
        plan: The map it comes from; None if it passes as it is.
        keys: Its key properties.
        computed: Shapes of the properties its map computes.
        passed: Shapes of the properties that pass as they are.
    """

    name: str
    plan: StreamPlan | None
    keys: tuple[str, ...]
    computed: Mapping[str, Shape]
    passed: Mapping[str, Shape]

    @classmethod
    def unchanged(cls, stream: CatalogStream) -> Output:
        """Return a stream that passes as it is."""
        shapes = {name: from_schema(schema) for name, schema in stream.properties.items()}
        return cls(stream.name, None, stream.key_properties, {}, shapes)


@dataclass
class Streams:
    """Checks the maps of a mapping, stream by stream.

    Attributes:
        source: The mapping.
        expressions: Its named expressions.
        tables: Its code tables.
        names: Names of all streams of the tap.
        used: Named expressions and code tables that a map uses.
        reads: Stream of the tap -> its fields that a map reads.
    """

    source: Source
    expressions: Mapping[str, str]
    tables: Tables
    names: frozenset[str] = frozenset()
    used: set[tuple[str, str]] = field(default_factory=set)
    reads: dict[str, set[str]] = field(default_factory=dict)

    def without_catalog(self, plan: StreamPlan) -> None:
        """Find what is wrong with a map whatever the source is."""
        keys.check_alone(self.source, plan, self._analyses(plan, None), self.expressions)

    def check(self, plan: StreamPlan, stream: CatalogStream) -> Output | None:
        """Find what is wrong with a map for a stream of the tap; return what goes on."""
        if plan.removed:
            return None
        self._check_names(plan, stream)
        computed = self._analyses(plan, stream)
        left_out = {*computed, *plan.dropped}
        passed: dict[str, Shape] = {}
        if not plan.only_named:
            passed = {name: from_schema(it) for name, it in stream.properties.items() if name not in left_out}
            self.reads.setdefault(stream.name, set()).update(passed, plan.dropped)
        key = stream.key_properties if plan.keys is None else plan.keys
        keys.check(self.source, plan, key, {**passed, **computed})
        return Output(plan.name or stream.name, plan, key, computed, passed)

    def _check_names(self, plan: StreamPlan, stream: CatalogStream) -> None:
        for name in self.expressions:
            if name in stream.properties:
                message = f"`{name}` is also a field of stream `{stream.name}`, so that its name has two meanings"
                self.source.add(("expressions", name), "ambiguous_name", message, "give the expression another name")
        for name, at in plan.dropped.items():
            if name not in stream.properties and not plan.is_pattern:
                remedy = nearest(name, stream.properties) or "take the line out"
                message = f"stream `{stream.name}` has no field `{name}` to leave out"
                self.source.add(at, "unused_field", message, remedy, error=False)

    def _scope(self, plan: StreamPlan, stream: CatalogStream | None, own: str) -> Scope:
        # A stream that declares no property at all may have any.
        properties = stream.properties or None if stream is not None else None
        return Scope(
            properties=properties,
            config=self.source.mapping.stream_map_config,
            expressions=self.expressions,
            tables=self.tables,
            own=(properties or {}).get(own),
            computed=frozenset(plan.properties),
            streams=self.names,
            condition=plan.filter,
            is_open=stream is not None and stream.is_open,
        )

    def _analyses(self, plan: StreamPlan, stream: CatalogStream | None) -> dict[str, Shape]:
        if plan.filter is not None:
            at = (*plan.at, "__filter__")
            self._tell(
                at,
                analyse(plan.filter, replace(self._scope(plan, stream, ""), condition=None)),
                plan,
                stream,
                leaving={"untyped"},
            )
        return {name: self._property(plan, stream, name, it) for name, it in plan.properties.items()}

    def _property(self, plan: StreamPlan, stream: CatalogStream | None, name: str, it: Property) -> Shape:
        analysis = analyse(it.value, self._scope(plan, stream, name))
        leaving = {"untyped"} if it.schema is not None or it.lookup is not None else set[str]()
        # Where a field is null and the expression fails for it, the constant is taken.
        kept = [problem for problem in analysis.problems if it.when_null is None or problem.field is None]
        analysis = replace(analysis, problems=tuple(map(_with_default, kept)))
        self._tell(it.value_at, analysis, plan, stream, leaving=leaving)
        shape = analysis.shape
        if it.lookup is not None:
            self.used.add(("table", it.lookup))
            shape = looked_up(self.tables.get(it.lookup), shape, of_value(it.otherwise))
        if it.when_null is not None:
            shape = join(shape.present(), of_value(it.when_null))
        return self._stated(it, shape)

    def _stated(self, it: Property, shape: Shape) -> Shape:
        """Return the shape with the type that is stated for it, and tell if the two cannot both be right."""
        if it.schema is None:
            return shape
        stated, found = to_schema(from_schema(it.schema)), to_schema(shape)
        if stated is not None and found is not None:
            wanted, given = ({*schema["type"]} - {"null"} for schema in (stated, found))
            wanted |= {"integer"} if "number" in wanted else set()
            if given and not given & wanted:
                message = f"`type` says {' or '.join(sorted(wanted))}, but the value is {' or '.join(sorted(given))}"
                remedy = "convert the value, or correct `type`"
                self.source.add((*it.at, "type"), "wrong_stated_type", message, remedy, error=False)
                return shape
        declared = from_schema(it.schema)
        return Shape(
            **{**vars(declared), "nullable": shape.nullable, "constants": shape.constants, "exact": shape.exact}
        )

    def _tell(
        self, at: At, analysis: Analysis, plan: StreamPlan, stream: CatalogStream | None, *, leaving: set[str]
    ) -> None:
        self.used |= analysis.names
        if stream is not None:
            self.reads.setdefault(stream.name, set()).update(analysis.uses)
        where = f" (stream `{stream.name}`)" if stream is not None and plan.is_pattern else ""
        told = [(at, problem) for problem in analysis.problems]
        told += [(("expressions", name), it) for name, problems in analysis.inside.items() for it in problems]
        for place, it in told:
            if it.is_note:
                self.source.note(place, it.code, it.message + where, it.remedy, offset=it.column)
            elif it.code not in leaving:
                self.source.add(place, it.code, it.message + where, it.remedy, error=it.is_error, offset=it.column)


def _with_default(problem: Problem) -> Problem:
    """Return a problem of a property with the remedy that only properties have."""
    if problem.code != "null_unsafe" or problem.field is None:
        return problem
    return replace(problem, remedy=f"{problem.remedy}; or give the property `when_null`")


def unknown_sources(source: Source, plans: list[StreamPlan], catalog: Catalog) -> None:
    """Find maps that no stream of the tap comes for, with the streams that were likely meant."""
    claimed = {name for name in catalog.streams for plan in plans if plan.is_for(name)}
    free = [name for name in catalog.streams if name not in claimed]
    for plan in plans:
        if any(plan.is_for(name) for name in catalog.streams):
            continue
        deselected = [name for name in catalog.deselected if plan.is_for(name)]
        if deselected:
            if not plan.removed:
                message = f"the catalog says that stream `{deselected[0]}` is not sent"
                _unknown_source(source, plan, message, "select it in the tap, or take the map out")
            continue
        near = nearest(plan.source, free) or nearest(plan.source, catalog.streams)
        if plan.removed and not near:
            continue  # to leave out what does not come does no harm
        remedy = near or f"the tap has {_listed(catalog.streams)}"
        _unknown_source(source, plan, f"the tap has no stream `{plan.source}`", remedy)


def _unknown_source(source: Source, plan: StreamPlan, message: str, remedy: str) -> None:
    offset = None if plan.source_at == plan.at else 0
    source.add(plan.source_at, "unknown_stream", message, remedy, error=not plan.removed, offset=offset)


_SHOWN = 15


def _listed(names: Mapping[str, t.Any]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
