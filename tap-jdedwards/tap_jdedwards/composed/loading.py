"""Reads definitions of composed streams and checks them against the dictionary."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jde_ais import Condition

from tap_jdedwards.composed.definition import (
    Cell,
    Codes,
    Definition,
    DefinitionError,
    Exists,
    First,
    Object,
    Rows,
    Source,
)
from tap_jdedwards.dictionary import Kind, expand, load_dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jde_ais import Operator

    from tap_jdedwards.composed.definition import (
        Part,
        Property,
    )
    from tap_jdedwards.dictionary import Dictionary

_OPERATORS: dict[str, Operator] = {
    "eq": "EQUAL",
    "ne": "NOT_EQUAL",
    "lt": "LESS",
    "le": "LESS_EQUAL",
    "gt": "GREATER",
    "ge": "GREATER_EQUAL",
}
STAMP_PROPERTIES = ("UPMJ", "UPMT")


@lru_cache(maxsize=1)
def shipped_definitions() -> Mapping[str, Definition]:
    """Read the definitions that come with the package.

    Returns:
        Definitions by stream name; read once a process.
    """
    content = files(__package__).joinpath("definitions.yml").read_text(encoding="utf-8")
    return parse_definitions(content, load_dictionary())


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
        Definitions by stream name.

    Raises:
        DefinitionError: Naming the stream and what is wrong with it.
    """
    try:
        streams = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise DefinitionError(f"the definitions are no valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(streams, dict):
        raise DefinitionError("the definitions must be a mapping of stream names")
    return {str(name): _Parser(str(name), dictionary).parse(entry) for name, entry in streams.items()}


class _Parser:
    """Parses one definition; every error it raises names the stream."""

    def __init__(self, name: str, dictionary: Dictionary) -> None:
        self._name = name
        self._dictionary = dictionary

    def parse(self, entry: Any) -> Definition:
        self._shape(entry, "the definition", {"root", "key", "tables", "properties"}, {"description"})
        root, key = str(entry["root"]), self._mapping(entry["key"], "key")
        tables = self._mapping(entry["tables"], "tables")
        if root not in tables:
            raise self._error(f"the root {root} is not among its tables")
        names = [root, *(table for table in tables if table != root)]
        sources = {table: self._source(table, tables[table] or {}, root=root, key=key) for table in names}
        properties = {
            str(name): self._property(str(name), value, sources)
            for name, value in self._mapping(entry["properties"], "properties").items()
        }
        for name, alias in key.items():
            if properties.get(name) != Cell(root, alias):
                raise self._error(f"the key property {name} must be {root}.{alias}")
        taken = [name for name in STAMP_PROPERTIES if name in properties]
        if taken:
            raise self._error(f"the property {taken[0]} is added to every document and cannot be defined")
        used = {table: tuple(dict.fromkeys(_aliases(table, properties.values()))) for table in sources}
        sources = {table: replace(source, columns=used[table]) for table, source in sources.items()}
        kinds = self._kinds(sources)
        first = next(iter(key.values()))
        if kinds[first] is not Kind.WHOLE:
            raise self._error(f"the first key column {first} must hold whole numbers: servers sort text differently")
        return Definition(
            name=self._name,
            description=str(entry.get("description", "")),
            root=root,
            key={str(name): str(alias) for name, alias in key.items()},
            sources=sources,
            properties=properties,
            kinds=kinds,
        )

    def _source(self, name: str, entry: Any, *, root: str, key: Mapping[str, str]) -> Source:
        self._shape(entry, f"table {name}", set(), {"join", "where", "required", "effective"})
        table = self._dictionary.tables.get(name)
        if table is None or table.time is None:
            raise self._error(f"table {name} is not in the dictionary of the tap")
        columns = list(key.values())
        on = tuple(entry.get("join", columns if name == root else ()))
        if not on or list(on) != columns[: len(on)]:
            raise self._error(f"table {name} must `join` the first columns of the key ({', '.join(columns)})")
        return Source(
            table=name,
            key=table.key,
            time=table.time,
            on=on,
            where=tuple(self._conditions(name, entry.get("where", {}))),
            required=bool(entry.get("required", name == root)),
            effective=entry.get("effective"),
        )

    def _conditions(self, table: str, where: Any) -> Iterator[Condition]:
        for alias, wanted in self._mapping(where, f"`where` of {table}").items():
            operator, value = next(iter(wanted.items())) if isinstance(wanted, dict) and wanted else ("eq", wanted)
            if operator not in _OPERATORS or isinstance(value, bool) or not isinstance(value, (int, str)):
                raise self._error(f"`where` of {table}.{alias} must be a value or one of {', '.join(_OPERATORS)}")
            yield Condition(str(alias), _OPERATORS[operator], (value,))

    def _property(self, name: str, entry: Any, sources: Mapping[str, Source]) -> Property:
        if isinstance(entry, str):
            return self._cell(name, entry, sources)
        form = next((word for word in ("first", "codes", "object", "list", "exists") if word in (entry or {})), None)
        if form is None or not isinstance(entry, dict):
            raise self._error(f"property {name} must be TABLE.ALIAS or have one of first, codes, object, list, exists")
        if form == "first":
            return First(tuple(self._cell(name, cell, sources) for cell in entry["first"]))
        table = str(entry[form])
        if table not in sources:
            raise self._error(f"property {name} takes from {table}, which is not among its tables")
        if form == "exists":
            return Exists(table)
        if form == "codes":
            return Codes(table, tuple(expand(entry.get("columns", ""))))
        parts = self._parts(name, entry.get("properties"))
        if form == "object":
            return Object(table, parts)
        where = {alias: tuple(values) for alias, values in self._mapping(entry.get("where", {}), name).items()}
        return Rows(table, parts, where, entry.get("needs"))

    def _cell(self, name: str, text: Any, sources: Mapping[str, Source]) -> Cell:
        table, _, alias = str(text).partition(".")
        if table not in sources or not alias:
            raise self._error(f"property {name}: {text!r} is no TABLE.ALIAS of one of its tables")
        return Cell(table, alias)

    def _parts(self, name: str, entry: Any) -> dict[str, Part]:
        if not entry:
            raise self._error(f"property {name} has no properties")
        parts = self._mapping(entry, f"the properties of {name}")
        return {str(part): tuple(value) if isinstance(value, list) else str(value) for part, value in parts.items()}

    def _kinds(self, sources: Mapping[str, Source]) -> dict[str, Kind]:
        kinds: dict[str, Kind] = {}
        for source in sources.values():
            effective = () if source.effective is None else (source.effective,)
            for alias in (*source.walk, *source.columns, *effective, *(part.column for part in source.where)):
                kind = self._dictionary.kinds.get(alias)
                if kind is None:
                    raise self._error(f"{source.table}.{alias} is not in the dictionary of the tap")
                kinds[alias] = kind
            if source.effective is not None and kinds[source.effective] is not Kind.DATE:
                raise self._error(f"{source.table}.{source.effective} is no date, so nothing is effective by it")
        return kinds

    def _shape(self, entry: Any, what: str, required: set[str], optional: set[str]) -> None:
        given = set(self._mapping(entry, what))
        if required - given:
            raise self._error(f"{what} lacks {', '.join(sorted(required - given))}")
        if given - required - optional:
            raise self._error(f"{what} has unknown entries: {', '.join(sorted(given - required - optional))}")

    def _mapping(self, entry: Any, what: str) -> dict[str, Any]:
        if not isinstance(entry, dict):
            raise self._error(f"{what} must be a mapping")
        return entry

    def _error(self, message: str) -> DefinitionError:
        return DefinitionError(f"composed stream {self._name}: {message}")


def _aliases(table: str, properties: Iterable[Property]) -> Iterator[str]:
    """List the columns that properties take from a table."""
    for entry in properties:
        if isinstance(entry, First):
            yield from (cell.alias for cell in entry.cells if cell.table == table)
        elif entry.table != table:
            continue
        elif isinstance(entry, Cell):
            yield entry.alias
        elif isinstance(entry, Codes):
            yield from entry.aliases
        elif isinstance(entry, (Object, Rows)):
            yield from _part_aliases(entry)


def _part_aliases(entry: Object | Rows) -> Iterator[str]:
    for part in entry.properties.values():
        yield from (part,) if isinstance(part, str) else part
    if isinstance(entry, Rows):
        yield from entry.where
        if entry.needs is not None:
            yield entry.needs
