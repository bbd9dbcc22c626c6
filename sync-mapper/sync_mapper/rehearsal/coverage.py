"""Which properties of a mapping the cases show, and which they do not."""

from __future__ import annotations

import typing as t
from collections import Counter

from sync_mapper.options import NULL_STRING, OPTIONS

if t.TYPE_CHECKING:
    from sync_mapper.mapping_file import Mapping

_WHOLE = 100


class Coverage:
    """Counts, for each property of each map, in how many payloads it had a value, and in how many it was null.

    Attributes:
        properties: Map and name of every property that is computed.
    """

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.properties = [
            (map_name, name)
            for map_name, definition in mapping.stream_maps.items()
            if isinstance(definition, dict)
            for name, value in definition.items()
            if value is not None and value != NULL_STRING and name not in OPTIONS
        ]
        self._values: Counter[tuple[str, str]] = Counter()
        self._nulls: Counter[tuple[str, str]] = Counter()

    def add(self, map_name: str, payload: dict[str, t.Any]) -> None:
        """Count a payload that a map made."""
        for name, value in payload.items():
            (self._nulls if value is None else self._values)[map_name, name] += 1

    @property
    def never(self) -> list[tuple[str, str]]:
        """Properties in no payload."""
        return [at for at in self.properties if not self._values[at] and not self._nulls[at]]

    @property
    def only_null(self) -> list[tuple[str, str]]:
        """Properties that were null in all payloads."""
        return [at for at in self.properties if not self._values[at] and self._nulls[at]]

    @property
    def shown(self) -> int:
        """How many properties had a value."""
        return sum(1 for at in self.properties if self._values[at])

    @property
    def percent(self) -> int:
        """Share of properties that had a value, rounded down; a mapping without properties is shown whole."""
        return self.shown * _WHOLE // len(self.properties) if self.properties else _WHOLE

    def where(self, at: tuple[str, str]) -> str:
        """Return file, line and name of a property."""
        return self._mapping.where(*at)
