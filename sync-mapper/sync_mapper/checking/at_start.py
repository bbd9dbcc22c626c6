"""The checks at the start of a run: what cannot work stops it before a row goes on, the rest is warned of once.

What a schema says of rows need not be true of them: where only the schema speaks against a map, the run goes on with a
warning, as it would with the SDK's own mapper, and each row is judged by what it holds.
"""

from __future__ import annotations

import dataclasses
import typing as t

from yaml_places import Places

from sync_mapper.checking import tables
from sync_mapper.checking.catalog import CatalogStream
from sync_mapper.checking.findings import Severity, in_order
from sync_mapper.checking.plan import plans
from sync_mapper.checking.source import Source
from sync_mapper.checking.streams import Streams
from sync_mapper.errors import MappingError
from sync_mapper.mapping_file import KEYS, find
from sync_mapper.options import meant

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping as Names
    from collections.abc import Sequence

    from sync_mapper.checking.destination import Destination
    from sync_mapper.checking.findings import Finding
    from sync_mapper.checking.plan import StreamPlan
    from sync_mapper.mapping_file import Mapping


JUDGED_BY_ROWS = frozenset(
    {
        "unknown_config",
        "unknown_field",
        "unknown_name",
        "unknown_part",
        "wrong_call",
        "wrong_destination_type",
        "wrong_type",
    }
)
"""Codes of errors that `sync-mapper check` tells and a run does not stop for."""


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
        self.strict = False
        self._source = Source(mapping, file, _places(mapping, inline))
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
        for plan in wanted:
            self._tell_misspelt_options(plan, known)
        outputs = [output for plan in wanted if (output := self._streams.check(plan, known)) is not None]
        if self._destination is not None:
            self._destination.check(self._source, outputs)
        found = [finding for finding in in_order(self._source.findings) if finding not in self._told]
        self._source.findings.clear()
        self._told.update(found)
        if not self.strict:
            found = [_at_start(finding) for finding in found]
        errors = [str(finding) for finding in found if finding.severity is Severity.ERROR]
        if errors:
            raise MappingError(*errors)
        for finding in found:
            if finding.severity is Severity.NOTE:
                continue
            self._logger.warning("%s", finding, extra={"finding": finding.as_json()})

    def _tell_misspelt_options(self, plan: StreamPlan, stream: CatalogStream) -> None:
        for name in (*plan.properties, *plan.dropped):
            if name not in stream.properties and (option := meant(name)) is not None:
                message = f"`{name}` is no option, and makes a property of that name"
                self._source.add((*plan.at, name), "unknown_option", message, f"did you mean `{option}`?", error=False)


def _at_start(finding: Finding) -> Finding:
    if finding.severity is Severity.ERROR and finding.code in JUDGED_BY_ROWS:
        return dataclasses.replace(finding, severity=Severity.WARNING)
    return finding


def _places(mapping: Mapping, inline: Mapping | None) -> Places | None:
    """Return where everything stands in the file, but for what settings took the place of."""
    if mapping.document is None:
        return None
    places = Places.of(*mapping.document)
    for section in KEYS if inline is not None else ():
        for name in getattr(inline, section):
            places.forget((section, str(name)))
    return places
