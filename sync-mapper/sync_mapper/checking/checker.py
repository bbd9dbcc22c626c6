"""All checks of a mapping, one after the other."""

from __future__ import annotations

import typing as t

from sync_mapper.checking import structure, tables
from sync_mapper.checking.findings import in_order
from sync_mapper.checking.plan import is_null, plans
from sync_mapper.checking.streams import Output, Streams, unknown_sources

if t.TYPE_CHECKING:
    from sync_mapper.checking.catalog import Catalog
    from sync_mapper.checking.destination import Destination
    from sync_mapper.checking.findings import Finding
    from sync_mapper.checking.plan import StreamPlan
    from sync_mapper.checking.source import Source


def check(
    source: Source, catalog: Catalog | None = None, destination: Destination | None = None, *, unused: bool = False
) -> list[Finding]:
    """Return what is wrong with a mapping, by place.

    Args:
        source: The mapping.
        catalog: Streams of the tap; without it fields, types, nulls and keys cannot be checked.
        destination: Fields of the destination, if they are known; needs the catalog.
        unused: Whether to note the fields of mapped streams that no map reads.
    """
    structure.check(source)
    expressions = tables.expressions(source)
    known = tables.read(source, catalog)
    wanted = plans(source.mapping.stream_maps)
    names = frozenset(catalog.streams) if catalog is not None else frozenset[str]()
    streams = Streams(source, expressions, known, names)
    outputs: list[Output] = []
    for plan in wanted:
        matching = [it for name, it in catalog.streams.items() if plan.is_for(name)] if catalog is not None else []
        if not matching:
            streams.without_catalog(plan)
        outputs += [output for stream in matching if (output := streams.check(plan, stream)) is not None]
    if catalog is not None:
        unknown_sources(source, wanted, catalog)
        if not is_null(source.mapping.stream_maps.get("__else__", False)):
            outputs += _unmapped(catalog, wanted)
        if unused:
            _note_unused(source, streams, wanted, catalog)
    tables.check_use(source, streams.used)
    if destination is not None:
        destination.check(source, outputs)
    return in_order(source.findings)


def _unmapped(catalog: Catalog, wanted: t.Sequence[StreamPlan]) -> list[Output]:
    """Return the streams that go on as they are, because no map of their own says otherwise."""
    mapped = [plan for plan in wanted if plan.source_at == plan.at]
    return [
        Output.unchanged(stream)
        for stream in catalog.streams.values()
        if not any(plan.is_for(stream.name) for plan in mapped)
    ]


def _note_unused(source: Source, streams: Streams, wanted: t.Sequence[StreamPlan], catalog: Catalog) -> None:
    for name, read in streams.reads.items():
        left = [field for field in catalog.streams[name].properties if field not in read]
        at = next(plan.at for plan in wanted if plan.is_for(name) and not plan.removed)
        if left:
            source.note(at, "unread_field", f"no map reads these fields of `{name}`: {', '.join(left)}")
