"""Case files: rows in, payloads out."""

from __future__ import annotations

import difflib
import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from sync_mapper.errors import MapperError
from sync_mapper.rehearsal import catalogs
from sync_mapper.rehearsal.plain_yaml import Loader

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sync_mapper.rehearsal.catalogs import SourceStream
    from sync_mapper.rehearsal.differences import Payload

SUFFIXES = (".yml", ".yaml")
_FILE_KEYS = ("mapping", "catalog", "schemas", "defaults", "before", "cases")
_CASE_KEYS = ("name", "stream", "rows", "expect", "unmapped", "compare", "schema")
_UNMAPPED_KEYS = ("stream", "map", "field", "reason")
ALL, LISTED = "all", "listed"


class CaseError(MapperError):
    """A case file cannot be used as it is written."""


@dataclass(frozen=True)
class Row:
    """A row of a source stream."""

    stream: str
    record: dict[str, t.Any]


@dataclass(frozen=True)
class Case:
    """Rows, and what the mapping is to make of them.

    Attributes:
        name: What the case shows.
        line: Line of the file it begins on.
        rows: Rows in the order they come.
        expect: Stream -> payloads in their order.
        unmapped: Rows the mapping cannot handle: any of stream, map, field and a part of the reason.
        listed_only: Whether only the fields that `expect` lists are compared.
    """

    name: str
    line: int
    rows: tuple[Row, ...]
    expect: dict[str, list[Payload]]
    unmapped: tuple[dict[str, str], ...] = ()
    listed_only: bool = False


@dataclass(frozen=True)
class CaseFile:
    """All cases of a file.

    Attributes:
        path: The file.
        mapping: The mapping file the cases are for.
        cases: In the order of the file.
        before: Rows that come before those of every case, such as codes.
        streams: Source streams; declared, else made up from all rows of the file.
    """

    path: Path
    mapping: Path
    cases: tuple[Case, ...]
    before: tuple[Row, ...] = ()
    streams: dict[str, SourceStream] = field(default_factory=dict)


def find(names: Iterable[str]) -> list[Path]:
    """Return the case files among files and folders; in a folder, those that say which mapping they are for.

    Raises:
        CaseError: There is no such file or folder, or none with cases in a folder.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        if path.is_dir():
            files = [file for file in sorted(path.rglob("*")) if file.suffix in SUFFIXES and _has_cases(file)]
            if not files:
                raise CaseError(f"{name}: no file in this folder has cases (the keys mapping and cases)")
            found.update(dict.fromkeys(files))
        elif path.is_file():
            found[path] = None
        else:
            raise CaseError(f"{name}: there is no such file or folder")
    return list(found)


def _has_cases(file: Path) -> bool:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return all(any(line.startswith(f"{key}:") for line in lines) for key in ("mapping", "cases"))


def load(text: str, name: str) -> tuple[yaml.Node | None, t.Any]:
    """Return the YAML of a case file, as nodes with their places and as values.

    Raises:
        CaseError: It is not valid.
    """
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        _refuse_twice(node, name)
        return node, loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise CaseError(f"{at}: not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise CaseError(f"{name}: not valid YAML: {error}") from error
    finally:
        loader.dispose()


def _refuse_twice(node: yaml.Node | None, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise CaseError(f"{name}:{key.start_mark.line + 1}: {key.value!r} stands twice")
            seen.add(key.value)
            _refuse_twice(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_twice(item, name)


def read(path: Path) -> CaseFile:
    """Read a case file.

    Raises:
        CaseError: It is missing, unreadable or not shaped like one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: cannot be read: {error}") from error
    node, data = load(text, str(path))
    return _Reading(path, node).file(data)


class _Reading:
    """Turns the values of a file into cases; what is wrong is told with file and line."""

    def __init__(self, path: Path, node: yaml.Node | None) -> None:
        self._path = path
        self._at = str(path)
        self._lines = list(_case_lines(node))
        self._defaults: dict[str, dict[str, t.Any]] = {}

    def file(self, data: t.Any) -> CaseFile:
        self._keys(data, _FILE_KEYS, "a case file")
        if not isinstance(data.get("mapping"), str):
            raise self._error("mapping is missing: the mapping file the cases are for, counted from this file")
        if not isinstance(data.get("cases"), list) or not data["cases"]:
            raise self._error("cases is missing or empty: a list, each with name, rows and expect")
        self._defaults = self._objects(data.get("defaults"), "defaults: stream -> properties its rows have")
        schemas = self._objects(data.get("schemas"), "schemas: stream -> JSON Schema")
        before = self._rows(data.get("before") or [], None)
        cases: list[Case] = []
        for position, entry in enumerate(data["cases"]):
            self._at = f"{self._path}:{self._lines[position]}"
            case = self._case(entry, self._lines[position])
            if any(case.name == other.name for other in cases):
                raise self._error(f"two cases are named {case.name!r}; give each a name of its own")
            if "schema" in entry:
                schemas.setdefault(entry["stream"], entry["schema"])
            cases.append(case)
        self._at = str(self._path)
        streams = self._streams([*before, *(row for case in cases for row in case.rows)], schemas, data.get("catalog"))
        mapping = Path(os.path.normpath(self._path.parent / data["mapping"]))
        return CaseFile(self._path, mapping, tuple(cases), before, streams)

    def _case(self, entry: t.Any, line: int) -> Case:
        self._keys(entry, _CASE_KEYS, "a case")
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            raise self._error("a case needs a name that says what it shows")
        self._at += f": case {name!r}"
        stream = entry.get("stream")
        if stream is not None and not isinstance(stream, str):
            raise self._error("stream must be the name of the source stream of all rows")
        if "schema" in entry and (stream is None or not isinstance(entry["schema"], dict)):
            raise self._error("schema must be a JSON Schema of the case's stream")
        if entry.get("compare", ALL) not in {ALL, LISTED}:
            raise self._error(f"compare must be {ALL} (the default) or {LISTED}: only the fields that expect lists")
        if not isinstance(entry.get("rows"), list) or not entry["rows"]:
            raise self._error("rows is missing or empty: a list of rows as the tap sends them")
        return Case(
            name=name,
            line=line,
            rows=self._rows(entry["rows"], stream),
            expect=self._expect(entry.get("expect") or {}),
            unmapped=self._unmapped(entry.get("unmapped") or []),
            listed_only=entry.get("compare") == LISTED,
        )

    def _rows(self, rows: t.Any, stream: str | None) -> tuple[Row, ...]:
        found = []
        for row in rows if isinstance(rows, list) else [rows]:
            if not isinstance(row, dict):
                raise self._error("a row must hold properties with values")
            if stream is not None:
                found.append(Row(stream, self._with_defaults(stream, row)))
                continue
            if len(row) != 1 or not isinstance(next(iter(row.values())), dict):
                raise self._error("where no stream is named, each row must be STREAM: {its properties}")
            found += [Row(name, self._with_defaults(name, record)) for name, record in row.items()]
        return tuple(found)

    def _with_defaults(self, stream: str, record: dict[str, t.Any]) -> dict[str, t.Any]:
        return merged(self._defaults.get(stream, {}), record)

    def _expect(self, expect: t.Any) -> dict[str, list[Payload]]:
        lists = isinstance(expect, dict) and all(
            isinstance(payloads, list) and all(isinstance(payload, dict) for payload in payloads)
            for payloads in expect.values()
        )
        if not lists:
            raise self._error("expect must hold streams, each with a list of payloads; {} where nothing goes on")
        return dict(expect)

    def _unmapped(self, unmapped: t.Any) -> tuple[dict[str, str], ...]:
        entries = unmapped if isinstance(unmapped, list) else [unmapped]
        for entry in entries:
            self._keys(entry, _UNMAPPED_KEYS, "unmapped")
            if not all(isinstance(value, str) for value in entry.values()):
                raise self._error(f"unmapped holds text: any of {', '.join(_UNMAPPED_KEYS)}")
        return tuple(entries)

    def _streams(
        self, rows: list[Row], schemas: dict[str, dict[str, t.Any]], catalog: t.Any
    ) -> dict[str, SourceStream]:
        if catalog is not None and not isinstance(catalog, str):
            raise self._error("catalog must be the name of a file, counted from this file")
        known = catalogs.read(self._path.parent / catalog) if catalog else {}
        for name, schema in schemas.items():
            plain = {key: value for key, value in schema.items() if key != "key_properties"}
            known[name] = catalogs.SourceStream(plain, list(schema.get("key_properties") or []))
        streams = {}
        for name in dict.fromkeys(row.stream for row in rows):
            records = [row.record for row in rows if row.stream == name]
            streams[name] = known.get(name) or catalogs.of_rows(records)
        return streams

    def _objects(self, value: t.Any, what: str) -> dict[str, dict[str, t.Any]]:
        if value is not None and not (
            isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())
        ):
            raise self._error(f"must be {what}")
        return dict(value or {})

    def _keys(self, value: t.Any, known: tuple[str, ...], what: str) -> None:
        if not isinstance(value, dict):
            raise self._error(f"{what} must hold {', '.join(known)}")
        for key in value:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                meant = f"; did you mean {close[0]}?" if close else f"; {what} has {', '.join(known)}"
                raise self._error(f"unknown key {key!r}{meant}")

    def _error(self, text: str) -> CaseError:
        return CaseError(f"{self._at}: {text}")


def merged(defaults: dict[str, t.Any], changed: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a row with its stream's defaults; objects are merged property by property, lists are not."""
    result = {**defaults, **changed}
    for name in defaults.keys() & changed.keys():
        if isinstance(defaults[name], dict) and isinstance(changed[name], dict):
            result[name] = merged(defaults[name], changed[name])
    return result


def _case_lines(node: yaml.Node | None) -> Iterator[int]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == "cases" and isinstance(value, yaml.SequenceNode):
            for item in value.value:
                yield item.start_mark.line + 1
