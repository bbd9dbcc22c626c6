"""The checks at the start of a run: what cannot work stops it before a row goes on, the rest is warned of once."""

from __future__ import annotations

import typing as t

from sync_mapper.checking import tables
from sync_mapper.checking.catalog import CatalogStream
from sync_mapper.checking.findings import Severity, in_order
from sync_mapper.checking.plan import plans
from sync_mapper.checking.streams import Streams
from sync_mapper.errors import MappingError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence

    from sync_mapper.checking.destination import Destination
    from sync_mapper.checking.findings import Finding
    from sync_mapper.checking.source import Source


class StartChecks:
    """Checks the maps of a stream when its SCHEMA comes."""

    def __init__(self, source: Source, logger: logging.Logger, destination_snapshot: str | None = None) -> None:
        self._source = source
        self._logger = logger
        self._told: set[Finding] = set()
        self._destination: Destination | None = None
        if destination_snapshot:
            from sync_mapper.checking import destination  # noqa: PLC0415 - most runs do without

            self._destination = destination.read(destination_snapshot)
        self._plans = plans(source.mapping.stream_maps)
        self._streams = Streams(source, tables.expressions(source), tables.read(source, None))

    def check(self, stream: str, schema: Mapping[str, t.Any], key_properties: Sequence[str] | None) -> None:
        """Check all maps of a stream.

        Raises:
            MappingError: With everything that cannot work.
        """
        known = CatalogStream.of(stream, schema, key_properties)
        self._streams.names |= {stream}
        wanted = [plan for plan in self._plans if plan.is_for(stream)]
        outputs = [output for plan in wanted if (output := self._streams.check(plan, known)) is not None]
        if self._destination is not None:
            self._destination.check(self._source, outputs)
        found = [finding for finding in in_order(self._source.findings) if finding not in self._told]
        self._source.findings.clear()
        self._told.update(found)
        errors = [str(finding) for finding in found if finding.severity is Severity.ERROR]
        if errors:
            raise MappingError(*errors)
        for finding in found:
            self._logger.warning("%s", finding)
