"""The mapping under check: its content, and where in its file everything stands."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass, field

from yaml_places import Places

from sync_mapper import mapping_file
from sync_mapper.checking.findings import Finding, Severity

if t.TYPE_CHECKING:
    from sync_mapper.checking.findings import At


@dataclass
class Source:
    """A mapping and its places; collects what is found in it.

    Attributes:
        mapping: What the mapping says.
        name: Its file as it was named; None for maps in settings.
        places: Where in the file everything stands, to the character; None: only what the mapping itself knows.
        findings: What was found so far.
    """

    mapping: mapping_file.Mapping
    name: str | None = None
    places: Places | None = None
    findings: list[Finding] = field(default_factory=list)

    def add(
        self,
        at: At,
        code: str,
        message: str,
        remedy: str,
        *,
        error: bool = True,
        offset: int | None = None,
    ) -> None:
        """Note a finding.

        Args:
            at: Where in the mapping it is.
            code: What kind of finding.
            message: What is wrong, without a full stop.
            remedy: What to do about it.
            error: Whether it cannot work.
            offset: Characters before the place in the text at `at`; None for the name itself.
        """
        self._add(at, offset, Severity.ERROR if error else Severity.WARNING, code, message, remedy)

    def note(self, at: At, code: str, message: str, remedy: str = "", *, offset: int | None = None) -> None:
        """Note something that is not wrong."""
        self._add(at, offset, Severity.NOTE, code, message, remedy)

    def _add(self, at: At, offset: int | None, severity: Severity, code: str, message: str, remedy: str) -> None:
        name, line, column = self.name, None, None
        if self.places is None:
            name, line, column = self.mapping.place(at) or (name, None, None)
        elif at in self.places:
            line, column = self.places.key(at) if offset is None else self.places.character(at, offset)
        self.findings.append(Finding(name, line, column, severity, code, ".".join(at), message, remedy))

    def spelt(self, at: At) -> list[str]:
        """Return the names below a place as they are spelt in the file; none if that is not known."""
        known = self.mapping.places if self.places is None else self.places.keys
        return [other[-1] for other in known if other[:-1] == at]


def read(name: str) -> Source:
    """Read a mapping file as far as it goes; what is wrong with its form is found and told.

    Raises:
        MappingError: If it is missing or no YAML.
    """
    path = mapping_file.find(name)
    document, data = mapping_file.read_yaml(path, name)
    places = Places.of(document.text, document.root)
    source = Source(mapping_file.Mapping(folder=path.parent), name, places)
    for at, (line, column) in places.doubles:
        told = ("duplicate_name", ".".join(at), f"`{at[-1]}` stands twice", "take one out, or give it another name")
        source.findings.append(Finding(name, line, column, Severity.ERROR, *told))
    source.mapping = _mapping(source, data)
    return source


def _mapping(source: Source, data: t.Any) -> mapping_file.Mapping:
    """Return what of the file has the form of a mapping; tell of the rest."""
    given: dict[str, dict[str, t.Any]] = {}
    for key, value in data.items() if isinstance(data, dict) else ():
        name = str(key)
        if name not in mapping_file.KEYS:
            near = difflib.get_close_matches(name, mapping_file.KEYS, n=1)
            remedy = f"did you mean `{near[0]}`?" if near else f"a mapping file has {', '.join(mapping_file.KEYS)}"
            source.add((name,), "unknown_key", f"unknown key `{name}`", remedy)
        elif value is not None and not isinstance(value, dict):
            message = f"`{name}` must hold names with values, not {type(value).__name__}"
            source.add((name,), "wrong_form", message, "indent names below it")
        else:
            given[name] = value or {}
    if not given.get("stream_maps") and not source.findings:
        source.add((), "wrong_form", "`stream_maps` is missing or empty", "name at least one stream under it")
    return mapping_file.Mapping(
        stream_maps=given.get("stream_maps", {}),
        stream_map_config=given.get("stream_map_config", {}),
        expressions=given.get("expressions", {}),
        code_tables=given.get("code_tables", {}),
        folder=source.mapping.folder,
    )
