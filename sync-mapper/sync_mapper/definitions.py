"""Checks a mapping before the first message: what can never work is refused at once, with its place.

The rules are those of `sync-mapper check`; what depends on the tap waits for its SCHEMA messages.
"""

from __future__ import annotations

import typing as t

from sync_mapper.checking import structure, tables
from sync_mapper.checking.findings import Severity, in_order
from sync_mapper.checking.plan import plans
from sync_mapper.checking.source import Source
from sync_mapper.checking.streams import Streams
from sync_mapper.errors import MappingError

if t.TYPE_CHECKING:
    from sync_mapper.mapping_file import Mapping

_NEVER = frozenset(
    {"cyclic_expression", "later_expression", "not_an_expression", "not_available", "unknown_function"},
)
"""Findings in expressions that no row and no SCHEMA can change."""


def check(mapping: Mapping) -> None:
    """Refuse what would fail at every row, whatever the tap sends.

    Raises:
        MappingError: With every problem found.
    """
    source = Source(mapping)
    structure.check(source, look_alikes=False)
    refused = [finding for finding in source.findings if finding.severity is Severity.ERROR]
    source.findings.clear()
    named = tables.expressions(source)
    streams = Streams(source, named, dict.fromkeys(map(str, mapping.code_tables)))
    for plan in plans(mapping.stream_maps):
        streams.without_catalog(plan)
    refused += [finding for finding in source.findings if finding.code in _NEVER]
    if refused:
        raise MappingError(*map(str, in_order(refused)))
