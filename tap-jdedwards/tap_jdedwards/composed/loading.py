"""Reads definitions of composed streams."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_jdedwards.composed.definition import Cell, Definition, DefinitionError, columns_of
from tap_jdedwards.composed.properties import Checked, PropertyParser
from tap_jdedwards.composed.resolving import checked, unknown_columns, with_known_kinds
from tap_jdedwards.composed.sources import SourceParser
from tap_jdedwards.dictionary import load_dictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_jdedwards.dictionary import Dictionary

STAMP_PROPERTIES = ("UPMJ", "UPMT")
_SHIPPED = ("definitions.yml", "partners.yml", "orders.yml", "finance.yml", "items.yml")


@lru_cache(maxsize=1)
def shipped_definitions() -> Mapping[str, Definition]:
    """Read the definitions that come with the package.

    Returns:
        Definitions by stream name; read once a process.
    """
    found: dict[str, Definition] = {}
    for name in _SHIPPED:
        content = files(__package__).joinpath(name).read_text(encoding="utf-8")
        found.update(parse_definitions(content, load_dictionary()))
    return found


def definitions(extra_file: str | None = None) -> dict[str, Definition]:
    """Gather all definitions.

    Args:
        extra_file: A YAML file of the user; its streams come on top and replace those of the same name.

    Returns:
        Definitions by stream name.

    Raises:
        DefinitionError: When the file cannot be read or says something impossible.
    """
    found = dict(shipped_definitions())
    if extra_file is not None:
        try:
            content = Path(extra_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DefinitionError(f"definitions_file {extra_file} cannot be read: {error}") from error
        found.update(parse_definitions(content, load_dictionary()))
    return found


def parse_definitions(content: str, dictionary: Dictionary) -> dict[str, Definition]:
    """Parse and check definitions.

    Args:
        content: YAML text.
        dictionary: Tables and data items.

    Returns:
        Definitions by stream name. Those that use tables or data items the dictionary does not know are checked to
        the end when the server has told them (`resolving.resolved`).

    Raises:
        DefinitionError: Naming the stream and what is wrong with it.
    """
    try:
        streams = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise DefinitionError(f"the definitions are no valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(streams, dict):
        raise DefinitionError("the definitions must be a mapping of stream names")
    return {str(name): _definition(str(name), entry, dictionary) for name, entry in streams.items()}


def _definition(name: str, given: Any, dictionary: Dictionary) -> Definition:
    parser = Checked(name)
    entry = parser.shape(given, "the definition", {"root", "key", "tables", "properties"}, {"description"})
    root = str(entry["root"])
    key = {property_name: str(alias) for property_name, alias in parser.mapping(entry["key"], "key").items()}
    if not key:
        raise parser.error("the key is empty")
    sources = SourceParser(name, dictionary, root, key).parse(parser.mapping(entry["tables"], "tables"))
    reader = PropertyParser(name, sources)
    properties = {
        property_name: reader.parse(property_name, value)
        for property_name, value in parser.mapping(entry["properties"], "properties").items()
    }
    for property_name, alias in key.items():
        if properties.get(property_name) != Cell(root, alias):
            raise parser.error(f"the key property {property_name} must be {root}.{alias}")
    taken = [property_name for property_name in STAMP_PROPERTIES if property_name in properties]
    if taken:
        raise parser.error(f"the property {taken[0]} is added to every document and cannot be defined")
    used: dict[str, dict[str, None]] = {source: {} for source in sources}
    for value in properties.values():
        for source, alias in columns_of(value):
            used[source][alias] = None
    definition = Definition(
        name=name,
        description=" ".join(str(entry.get("description", "")).split()),
        root=root,
        key=key,
        sources={source: replace(found, columns=tuple(used[source])) for source, found in sources.items()},
        properties=properties,
        kinds={},
    )
    definition = with_known_kinds(definition, dictionary)
    return definition if unknown_columns(definition) else checked(definition)
