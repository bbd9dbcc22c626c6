"""All maps of a mapping, and which of them are for a stream."""

from __future__ import annotations

import difflib
import fnmatch
import re
import typing as t

from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_SOURCE_OPTION,
    PluginMapper,
    RemoveRecordTransform,
)

from sync_mapper import names
from sync_mapper.code_tables import CodeTables
from sync_mapper.computed import ComputedStreamMap, Shared
from sync_mapper.errors import MappingError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from singer_sdk.mapper import StreamMap

    from sync_mapper.mapping_file import Mapping


_ALIKE = 0.8
"""Likeness (0 to 1) from which on one name is taken for a misspelling of another."""


def _misspelt(name: str, meant: str) -> bool:
    letters, others = (re.sub(r"\d", "", text.casefold()) for text in (name, meant))
    if letters == others and name.casefold() != meant.casefold():
        return False  # F0101 and F0111 are two tables
    return difflib.SequenceMatcher(None, letters, others).ratio() >= _ALIKE


class StreamMaps(PluginMapper):
    """All maps of a mapping; which of them apply to a stream is decided when its SCHEMA comes.

    Attributes:
        used: Names of the maps a source stream was found for.
        tables: Code tables of the mapping.
    """

    def __init__(self, mapping: Mapping, plugin_config: dict[str, t.Any], logger: logging.Logger) -> None:
        config = {
            **plugin_config,
            "stream_maps": dict(mapping.stream_maps),
            "stream_map_config": mapping.stream_map_config,
        }
        super().__init__(config, logger)
        self._mapping = mapping
        self._warned: set[tuple[str, str]] = set()
        self.tables = CodeTables.read(mapping)
        self._shared = Shared(names.parsed(mapping), self.tables)
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
        maps: list[StreamMap] = [
            self.default_mapper_type(stream_name, schema, key_properties, flattening_options=self.flattening_options)
        ]
        named = False
        for name, definition in self.stream_maps_dict.items():
            options = definition if isinstance(definition, dict) else {}
            source = options.get(MAPPER_SOURCE_OPTION, name)
            if stream_name != source and not fnmatch.fnmatchcase(stream_name, source):
                continue
            named = True
            self.used.add(name)
            try:
                built = self._build(name, definition, stream_name, schema, key_properties)
            except (StreamMapConfigError, MapExpressionError) as error:
                raise MappingError(f"{self._mapping.where(name)}: {error}") from error
            if MAPPER_SOURCE_OPTION in options:
                maps.append(built)
            else:
                maps[0] = built
        if not named and self.default_mapper_type is RemoveRecordTransform:
            self._refuse_misspelt_source(stream_name)
        self.stream_maps[stream_name] = maps

    def _refuse_misspelt_source(self, stream_name: str) -> None:
        """Refuse to leave out a stream that a map most likely means: STATE would pass its rows for good."""
        for name in self.unused:
            definition = self.stream_maps_dict[name]
            source = definition.get(MAPPER_SOURCE_OPTION, name) if isinstance(definition, dict) else name
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
            return RemoveRecordTransform(stream_name, schema, key_properties, self.flattening_options)
        alias = stream_name
        if definition.get(MAPPER_SOURCE_OPTION, name) != name:
            alias = name
        elif MAPPER_ALIAS_OPTION in definition:
            alias = self._eval_stream(definition[MAPPER_ALIAS_OPTION], stream_name)
        transform = {
            key: value for key, value in definition.items() if key not in {MAPPER_SOURCE_OPTION, MAPPER_ALIAS_OPTION}
        }
        built = ComputedStreamMap(
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
        self._warn_of_untyped(built)
        return built

    def _warn_of_untyped(self, built: ComputedStreamMap) -> None:
        for name in built.untyped:
            if (built.map_name, name) not in self._warned:
                self._warned.add((built.map_name, name))
                self.logger.warning(
                    "%s: its type does not show in its expression, so any type is declared; state it with `type:`",
                    self._mapping.where(built.map_name, name),
                )
