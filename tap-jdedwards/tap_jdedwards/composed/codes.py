"""Descriptions of user defined codes: which properties get one, and the texts of F0005."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jde_ais import AllOf, AnyOf, eq

from tap_jdedwards.composed.conditions import matcher
from tap_jdedwards.composed.definition import Cell, Codes, CodeText, Description, First, Object, Rows, Value
from tap_jdedwards.dictionary import Kind, load_dictionary
from tap_jdedwards.reading import TableReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jde_ais import AisClient

    from tap_jdedwards.composed.definition import Definition, Part, Property

SUFFIX = "_description"
_KEY = ("SY", "RT", "KY")


def described(definition: Definition) -> Definition:
    """Add a description to every code that the dictionary knows the user defined codes of.

    Args:
        definition: The stream.

    Returns:
        The same with a property ``<name>_description`` after each code, unless it has one of that name.
    """
    properties: dict[str, Property] = {}
    for name, entry in definition.properties.items():
        properties[name] = _with_parts(entry, definition) if isinstance(entry, (Object, Rows)) else entry
        code_types = _code_types(entry, definition)
        if code_types and isinstance(entry, (Cell, First, Codes, Value)) and name + SUFFIX not in definition.properties:
            properties[name + SUFFIX] = Description(entry, code_types)
    return replace(definition, properties=properties)


def code_types(definition: Definition, selected: Iterable[str]) -> set[str]:
    """List the code types that descriptions need.

    Args:
        definition: The stream.
        selected: The properties wanted.

    Returns:
        Code types like ``01/ST``.
    """
    wanted = set(selected)
    found: set[str] = set()
    for name, entry in definition.properties.items():
        if name not in wanted:
            continue
        if isinstance(entry, Description):
            found.update(entry.code_types.values())
        elif isinstance(entry, (Object, Rows)):
            found.update(part.code_type for part in entry.properties.values() if isinstance(part, CodeText))
    return found


class CodeTexts:
    """The descriptions of F0005, each code type read once a run."""

    def __init__(self, client: AisClient, page_size: int) -> None:
        """Prepare without reading.

        Args:
            client: The AIS client.
            page_size: Rows a request.
        """
        self._client = client
        self._page_size = page_size
        self._texts: dict[tuple[str, str], str] = {}
        self._read: set[str] = set()

    def load(self, wanted: Iterable[str]) -> None:
        """Read the code types that have not been read yet.

        Args:
            wanted: Code types like ``01/ST``.
        """
        missing = sorted(set(wanted) - self._read)
        if not missing:
            return
        pairs = (code_type.partition("/") for code_type in missing)
        reader = TableReader(
            client=self._client,
            table="F0005",
            columns=("DL01",),
            key=_KEY,
            time=None,
            kinds=dict.fromkeys(_KEY, Kind.STRING),
            page_size=self._page_size,
            dated=False,
            where=AnyOf(*(AllOf(eq("SY", system), eq("RT", code_type)) for system, _, code_type in pairs)),
        )
        for page in reader.by_key():
            for row in page.rows:
                code_type = f"{_plain(row.get('SY'))}/{_plain(row.get('RT'))}"
                self._texts[code_type, _plain(row.get("KY"))] = _plain(row.get("DL01"))
        self._read.update(missing)

    def text(self, code_type: str, code: Any) -> str | None:
        """Describe a code.

        Args:
            code_type: Like ``01/ST``; it must have been loaded.
            code: The code, padded or not.

        Returns:
            The text, None for a code that is not defined.
        """
        return self._texts.get((code_type, _plain(code)))


_plain = matcher("KY", Kind.STRING)


def _with_parts(entry: Object | Rows, definition: Definition) -> Property:
    parts: dict[str, Part] = {}
    for name, part in entry.properties.items():
        parts[name] = part
        code_type = _code_type(definition, entry.table, part) if isinstance(part, str) else None
        if code_type and name + SUFFIX not in entry.properties:
            parts[name + SUFFIX] = CodeText(str(part), code_type)
    return replace(entry, properties=parts)


def _code_types(entry: Property, definition: Definition) -> dict[str, str]:
    if isinstance(entry, Codes):
        return {alias: found for alias in entry.aliases if (found := _code_type(definition, entry.table, alias))}
    return dict(_of_cells(entry, definition))


def _of_cells(entry: Property, definition: Definition) -> Iterator[tuple[str, str]]:
    cells = entry.cells if isinstance(entry, First) else (entry,) if isinstance(entry, (Cell, Value)) else ()
    for cell in cells:
        if found := _code_type(definition, cell.table, cell.alias):
            yield f"{cell.table}.{cell.alias}", found


def _code_type(definition: Definition, source: str, alias: str) -> str | None:
    return load_dictionary().code_type(definition.sources[source].table, alias)
