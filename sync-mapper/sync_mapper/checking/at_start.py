"""The checks at the start of a run: what cannot work stops it before a row goes on, the rest is warned of once."""

from __future__ import annotations

import typing as t

import yaml

from sync_mapper.checking import tables
from sync_mapper.checking.catalog import CatalogStream
from sync_mapper.checking.findings import Severity, in_order
from sync_mapper.checking.places import Places
from sync_mapper.checking.plan import plans
from sync_mapper.checking.source import Source
from sync_mapper.checking.streams import Streams
from sync_mapper.errors import MappingError
from sync_mapper.mapping_file import KEYS, find

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping as Names
    from collections.abc import Sequence

    from sync_mapper.checking.destination import Destination
    from sync_mapper.checking.findings import Finding
    from sync_mapper.mapping_file import Mapping


class StartChecks:
    """Checks the maps of a stream when its SCHEMA comes.

    Args:
        mapping: The mapping in use.
        file: Mapping file as the setting names it, if any.
        inline: What settings say beside the file.
        destination_snapshot: Snapshot of the destination's fields, if any.
        logger: Where warnings go.

    Raises:
        DestinationError: If the snapshot cannot be read.
    """

    def __init__(
        self,
        mapping: Mapping,
        logger: logging.Logger,
        *,
        file: str | None = None,
        inline: Mapping | None = None,
        destination_snapshot: str | None = None,
    ) -> None:
        self._source = Source(mapping, file, _places(file, inline) if file else None)
        self._logger = logger
        self._told: set[Finding] = set()
        self._destination: Destination | None = None
        if destination_snapshot:
            from sync_mapper.checking import destination  # noqa: PLC0415 - most runs do without

            self._destination = destination.read(str(find(destination_snapshot, "destination_snapshot")))
        self._plans = plans(mapping.stream_maps)
        self._streams = Streams(self._source, tables.expressions(self._source), tables.read(self._source, None))

    def check(self, stream: str, schema: Names[str, t.Any], key_properties: Sequence[str] | None) -> None:
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


def _places(file: str, inline: Mapping | None) -> Places | None:
    """Return where everything stands in the file, but for what settings took the place of."""
    text = find(file).read_text(encoding="utf-8")
    places = Places.of(text, yaml.compose(text, yaml.SafeLoader))
    for section in KEYS if inline is not None else ():
        for name in getattr(inline, section):
            places.forget((section, str(name)))
    return places
