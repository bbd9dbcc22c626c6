"""All maps of a mapping, and which of them are for a stream."""

from __future__ import annotations

import difflib
import fnmatch
import re
import typing as t

from sync_mapper import names
from sync_mapper.code_tables import CodeTables
from sync_mapper.computed import ComputedStreamMap, Shared
from sync_mapper.errors import MapExpressionError, MappingError, StreamMapConfigError
from sync_mapper.evaluator import alias_of
from sync_mapper.options import NULL_STRING
from sync_mapper.stream_map import RemovedStream, SameRecord, flattening_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from sync_mapper.checking.at_start import StartChecks
    from sync_mapper.mapping_file import Mapping
    from sync_mapper.stream_map import StreamMap


_ALIKE = 0.8
"""Likeness (0 to 1) from which on one name is taken for a misspelling of another."""


def _misspelt(name: str, meant: str) -> bool:
    letters, others = (re.sub(r"\d", "", text.casefold()) for text in (name, meant))
    if letters == others and name.casefold() != meant.casefold():
        return False  # F0101 and F0111 are two tables
    return difflib.SequenceMatcher(None, letters, others).ratio() >= _ALIKE


class StreamMaps:
    """All maps of a mapping; which of them apply to a stream is decided when its SCHEMA comes.

    Attributes:
        used: Names of the maps a source stream was found for.
        tables: Code tables of the mapping.
        checks: Checks of maps when the SCHEMA they are for comes; None for a mapping that was checked before.
    """

    def __init__(self, mapping: Mapping, config: dict[str, t.Any], logger: logging.Logger) -> None:
        self._mapping = mapping
        self.stream_maps: dict[str, list[StreamMap]] = {}
        self.stream_maps_dict: dict[str, t.Any] = dict(mapping.stream_maps)
        self.map_config = mapping.stream_map_config
        self.faker_config: dict[str, t.Any] = config.get("faker_config") or {}
        self.flattening_options = flattening_of(config)
        self.default_mapper_type: type[StreamMap] = SameRecord
        if "__else__" in self.stream_maps_dict:
            definition = self.stream_maps_dict.pop("__else__")
            if definition is not None and definition != NULL_STRING:
                raise StreamMapConfigError(f"Undefined transform for '__else__'' case: {definition}")
            self.default_mapper_type = RemovedStream
            logger.info("Found '__else__=None' default mapper. Unmapped streams will be excluded from output.")
        self.tables = CodeTables.read(mapping)
        self._shared = Shared(names.parsed(mapping), self.tables)
        self.checks: StartChecks | None = None
        self.used: set[str] = set()

    @property
    def unused(self) -> list[str]:
        """Names of the maps with properties that no source stream came for."""
        computed = [name for name, definition in self.stream_maps_dict.items() if isinstance(definition, dict)]
        return [name for name in computed if name not in self.used]

    def register_raw_stream_schema(
        self,
        stream_name: str,
        schema: dict[str, t.Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Build the maps of a stream, by the SDK's rules: the first one is the stream's own, others come beside it.

        Raises:
            MappingError: A map does not fit the stream, or seems to mean the stream and misspells its name.
        """
        known = self.stream_maps.get(stream_name)
        if known and known[0].raw_schema == schema and known[0].raw_key_properties == key_properties:
            return
        if self.checks is not None:
            self.checks.check(stream_name, schema, key_properties)
        maps: list[StreamMap] = [
            self.default_mapper_type(stream_name, schema, key_properties, flattening_options=self.flattening_options)
        ]
        named = False
        for name, definition in self.stream_maps_dict.items():
            options = definition if isinstance(definition, dict) else {}
            source = options.get("__source__", name)
            if stream_name != source and not fnmatch.fnmatchcase(stream_name, source):
                continue
            named = True
            self.used.add(name)
            try:
                built = self._build(name, definition, stream_name, schema, key_properties)
            except (StreamMapConfigError, MapExpressionError) as error:
                raise MappingError(f"{self._mapping.where(name)}: {error}") from error
            if "__source__" in options:
                maps.append(built)
            else:
                maps[0] = built
        if not named and self.default_mapper_type is RemovedStream:
            self._refuse_misspelt_source(stream_name)
        self.stream_maps[stream_name] = maps

    def _refuse_misspelt_source(self, stream_name: str) -> None:
        """Refuse to leave out a stream that a map most likely means: STATE would pass its rows for good."""
        for name in self.unused:
            definition = self.stream_maps_dict[name]
            source = definition.get("__source__", name) if isinstance(definition, dict) else name
            if _misspelt(source, stream_name):
                raise MappingError(
                    f"{self._mapping.where(name)}: the tap sends {stream_name!r}, which no map is for and which would "
                    f"be left out; did you mean it with {source!r}? Correct the name, or map {stream_name!r} to null "
                    "to leave it out"
                )

    def _build(
        self,
        name: str,
        definition: t.Any,
        stream_name: str,
        schema: dict[str, t.Any],
        key_properties: Sequence[str] | None,
    ) -> StreamMap:
        if not isinstance(definition, dict):
            return RemovedStream(stream_name, schema, key_properties, self.flattening_options)
        alias = stream_name
        if definition.get("__source__", name) != name:
            alias = name
        elif "__alias__" in definition:
            alias = alias_of(definition["__alias__"], stream_name)
        transform = {key: value for key, value in definition.items() if key not in {"__source__", "__alias__"}}
        return ComputedStreamMap(
            map_name=name,
            shared=self._shared,
            map_transform=transform,
            stream_alias=alias,
            map_config=self.map_config,
            faker_config=self.faker_config,
            raw_schema=schema,
            key_properties=key_properties,
            flattening_options=self.flattening_options,
            stream_name=stream_name,
        )
