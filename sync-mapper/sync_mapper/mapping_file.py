"""Mapping files: stream maps in a YAML file of their own, and where in it each of them stands."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml_places import YamlError, load

from sync_mapper.errors import MappingError

if t.TYPE_CHECKING:
    from yaml_places import Document

KEYS = ("stream_maps", "stream_map_config", "expressions", "code_tables")
"""What a mapping has: two settings of the SDK, and two of our own."""

_DEPTH = 4
"""Levels of the file whose places are kept: top key, stream, property, key of its long form."""


class Place(t.NamedTuple):
    """Where a name stands: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Mapping:
    """A mapping: stream maps with what they use.

    Attributes:
        stream_maps: Stream -> property -> expression, in the SDK's syntax; a property may have the long form.
        stream_map_config: What expressions see as `config`, as in the SDK.
        expressions: Name -> expression that other expressions use by that name.
        code_tables: Name -> texts of codes, or where they are.
        places: Position such as `("stream_maps", "organizations", "name")` -> its place; empty for inline mappings.
        folder: Folder of the file, from which the names of other files count; None for inline mappings.
        document: The file itself; None for inline mappings.
    """

    stream_maps: dict[str, t.Any] = field(default_factory=dict)
    stream_map_config: dict[str, t.Any] = field(default_factory=dict)
    expressions: dict[str, t.Any] = field(default_factory=dict)
    code_tables: dict[str, t.Any] = field(default_factory=dict)
    places: dict[tuple[str, ...], Place] = field(default_factory=dict)
    folder: Path | None = None
    document: Document | None = field(default=None, repr=False, compare=False)

    def merged(self, inline: Mapping) -> Mapping:
        """Return both together. A stream, table or other name that both have is taken from `inline` as a whole."""
        return Mapping(
            **{key: {**getattr(self, key), **getattr(inline, key)} for key in KEYS},
            places={
                at: place for at, place in self.places.items() if at[1:2] == () or at[1] not in getattr(inline, at[0])
            },
            folder=self.folder or inline.folder,
            document=self.document,
        )

    def where(self, *at: str, section: str = "stream_maps") -> str:
        """Return "file:line:column: section.stream.property" as far as it is known, for messages."""
        whole = (section, *at)
        known = self.place(whole)
        name = ".".join(whole)
        return f"{known}: {name}" if known else name

    def place(self, at: tuple[str, ...]) -> Place | None:
        """Return where something stands, or the nearest name above it that has a place; None for inline mappings."""
        return next((self.places[at[:end]] for end in range(len(at), 1, -1) if at[:end] in self.places), None)


def find(name: str, setting: str = "mapping_file") -> Path:
    """Return the path of a file that a setting names; relative ones count from here, then from Meltano's project.

    Raises:
        MappingError: There is no such file.
    """
    places = [Path.cwd()]
    if project := os.environ.get("MELTANO_PROJECT_ROOT"):
        places.append(Path(project))
    for place in places:
        path = place / Path(name).expanduser()
        if path.is_file():
            return path
    looked = " and ".join(str(place) for place in dict.fromkeys(places))
    raise MappingError(f"{setting}: there is no file {name!r} (looked in {looked})")


def read_yaml(path: Path, name: str) -> tuple[Document, t.Any]:
    """Read the YAML of a mapping file.

    Raises:
        MappingError: It cannot be read, or is no YAML.
    """
    try:
        return load(path, name)
    except YamlError as error:
        raise MappingError(str(error)) from error


def read(name: str) -> Mapping:
    """Read a mapping file.

    Args:
        name: Path as given in the setting `mapping_file`.

    Raises:
        MappingError: The file is missing, unreadable, no YAML, or not shaped like a mapping.
    """
    path = find(name)
    document, data = read_yaml(path, name)
    places = _places(document.root, name)
    if not isinstance(data, dict):
        raise MappingError(f"{name}: a mapping file has the keys {', '.join(KEYS)}")
    for key, value in data.items():
        at: Place | str = places.get((str(key),), name)
        if key not in KEYS:
            raise MappingError(f"{at}: unknown key {key!r}; a mapping file has {', '.join(KEYS)}")
        if value is not None and not isinstance(value, dict):
            raise MappingError(f"{at}: {key} must hold names with values, not {type(value).__name__}")
    if not data.get("stream_maps"):
        raise MappingError(f"{name}: stream_maps is missing or empty")
    return Mapping(
        **{key: data.get(key) or {} for key in KEYS},
        places=places,
        folder=path.parent,
        document=document,
    )


def _places(node: yaml.Node | None, name: str, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Place]:
    """Return where each key stands, and refuse keys that stand twice (YAML itself keeps the last without a word)."""
    places: dict[tuple[str, ...], Place] = {}
    if not isinstance(node, yaml.MappingNode) or len(above) == _DEPTH:
        return places
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        at = (*above, key.value)
        place = Place(name, key.start_mark.line + 1, key.start_mark.column + 1)
        if at in places:
            raise MappingError(f"{place}: {key.value!r} stands twice (first at {places[at]})")
        places[at] = place
        places.update(_places(value, name, at))
    return places
