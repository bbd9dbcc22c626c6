"""Mapping files: stream maps in a YAML file of their own, and where in it each of them stands."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from sync_mapper.errors import MappingError

KEYS = ("stream_maps", "stream_map_config", "expressions", "code_tables")
"""Names on the top level of a mapping file."""

_DEPTH = 3
"""Levels of the file whose lines are kept: top key, stream, property."""


@dataclass(frozen=True)
class Mapping:
    """Stream maps and their configuration, as the SDK's settings of the same names take them.

    Attributes:
        stream_maps: Stream -> property -> expression, in the SDK's syntax.
        stream_map_config: What expressions see as `config`.
        expressions: Named expressions.
        code_tables: Code tables: inline, in a CSV file, or rows of a stream.
        lines: Position such as `("organizations", "name")` -> "file:line"; empty for inline maps.
    """

    stream_maps: dict[str, t.Any] = field(default_factory=dict)
    stream_map_config: dict[str, t.Any] = field(default_factory=dict)
    expressions: dict[str, t.Any] = field(default_factory=dict)
    code_tables: dict[str, t.Any] = field(default_factory=dict)
    lines: dict[tuple[str, ...], str] = field(default_factory=dict)

    def merged(self, inline: Mapping) -> Mapping:
        """Return both together. A stream or a config key named in both is taken from `inline` as a whole."""
        return Mapping(
            stream_maps={**self.stream_maps, **inline.stream_maps},
            stream_map_config={**self.stream_map_config, **inline.stream_map_config},
            lines={at: line for at, line in self.lines.items() if at[0] not in inline.stream_maps},
        )

    def where(self, *at: str) -> str:
        """Return "file:line: stream.property" as far as it is known, for messages."""
        known = next((self.lines[at[:end]] for end in range(len(at), 0, -1) if at[:end] in self.lines), None)
        name = ".".join(("stream_maps", *at))
        return f"{known}: {name}" if known else name


def find(name: str) -> Path:
    """Return the path of a mapping file; relative ones count from here, then from Meltano's project.

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
    raise MappingError(f"mapping_file: there is no file {name!r} (looked in {looked})")


def read(name: str) -> Mapping:
    """Read a mapping file.

    Args:
        name: Path as given in the setting `mapping_file`.

    Raises:
        MappingError: The file is missing, unreadable, no YAML, or not shaped like a mapping.
    """
    path = find(name)
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            lines = _lines(node, name)
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{name}:{mark.line + 1}" if mark else name
        raise MappingError(f"{at}: not valid YAML: {error.problem or error.context}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"{name}: cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise MappingError(f"{name}: a mapping file has the keys {' and '.join(KEYS)}")
    for key, value in data.items():
        at = lines.get((str(key),), name)
        if key not in KEYS:
            raise MappingError(f"{at}: unknown key {key!r}; a mapping file has {' and '.join(KEYS)}")
        if value is not None and not isinstance(value, dict):
            raise MappingError(f"{at}: {key} must hold names with values, not {type(value).__name__}")
    if not data.get("stream_maps"):
        raise MappingError(f"{name}: stream_maps is missing or empty")
    return Mapping(
        stream_maps=data["stream_maps"],
        stream_map_config=data.get("stream_map_config") or {},
        lines={at[1:]: line for at, line in lines.items() if at[0] == "stream_maps" and len(at) > 1},
    )


def _lines(node: yaml.Node | None, name: str, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return where each key stands, and refuse keys that stand twice (YAML itself keeps the last without a word)."""
    lines: dict[tuple[str, ...], str] = {}
    if not isinstance(node, yaml.MappingNode) or len(above) == _DEPTH:
        return lines
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        at = (*above, key.value)
        line = f"{name}:{key.start_mark.line + 1}"
        if at in lines:
            raise MappingError(f"{line}: {key.value!r} stands twice (first at {lines[at]})")
        lines[at] = line
        lines.update(_lines(value, name, at))
    return lines
