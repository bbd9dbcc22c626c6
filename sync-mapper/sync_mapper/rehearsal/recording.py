"""Makes a case file of real rows: chosen so that they show much of the mapping, masked so that they tell of nobody."""

from __future__ import annotations

import json
import os
import textwrap
import typing as t
from dataclasses import dataclass, field

from sync_mapper import mapping_file, source
from sync_mapper.errors import InputError
from sync_mapper.rehearsal import catalogs, codes
from sync_mapper.rehearsal.case_file import CaseError
from sync_mapper.rehearsal.catalogs import SourceStream
from sync_mapper.rehearsal.choosing import Choice
from sync_mapper.rehearsal.coverage import Coverage
from sync_mapper.rehearsal.masking import Masker
from sync_mapper.rehearsal.plain_yaml import dump
from sync_mapper.rehearsal.rehearsing import Rehearsal

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sync_mapper.mapping_file import Mapping

_LOOKED_AT = 10_000
"""Rows of each stream to choose among."""
_NO_GUARD: dict[str, t.Any] = {}


@dataclass
class _Found:
    """What a tap sent: streams that a map is for, with the rows worth a case."""

    streams: dict[str, SourceStream] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    counter: codes.CodeCounter = field(default_factory=codes.CodeCounter)


def record(
    file: Path,
    *,
    mapping: Path,
    tap: str | None,
    messages: str | None,
    rows: int,
    seed: str,
    force: bool,
) -> Iterator[str]:
    """Write a case file, and the schemas of its streams beside it.

    Args:
        file: The case file to make.
        mapping: The mapping file the cases are for.
        tap: Command of the tap to read from.
        messages: File of Singer messages to read from instead.
        rows: Most rows of each stream.
        seed: Decides the masks.
        force: Whether a file that is there is written over.

    Yields:
        Lines that say what was written.

    Raises:
        MapperError: The mapping cannot be used, the input is none, or the file is there.
    """
    if file.exists() and not force:
        raise CaseError(f"{file}: is there already; name another file, or write over it with --force")
    definition = mapping_file.read(str(mapping))
    with source.messages(tap=tap, file=messages) as incoming:
        found = _look(incoming, Rehearsal(mapping, **_NO_GUARD))
    if not any(choice.rows for choice in found.choices.values()):
        raise InputError(f"No row came that a map of {mapping} is for; see the streams it names")
    masker = Masker(codes.keep(definition, found.counter), seed)
    masked = {stream: [masker.record(row) for row in choice.best(rows)] for stream, choice in found.choices.items()}
    catalog = file.with_suffix(".catalog.json")
    wanted = {stream: found.streams[stream] for stream, chosen in masked.items() if chosen}
    catalog.parent.mkdir(parents=True, exist_ok=True)
    catalog.write_text(json.dumps(catalogs.catalog(wanted), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    cases, coverage = _cases(definition, mapping, wanted, masked)
    head = {"mapping": os.path.relpath(mapping, file.parent), "catalog": catalog.name}
    file.write_text(f"{_HEAD}{dump(head)}\ncases:\n{cases}", encoding="utf-8")
    yield f"{file}: {sum(len(chosen) for chosen in masked.values())} cases; their schemas are in {catalog}"
    yield f"{coverage.shown} of {len(coverage.properties)} properties shown with a value ({coverage.percent} %)"
    for at in (*coverage.never, *coverage.only_null):
        yield f"  no value: {coverage.where(at)}"


_HEAD = """\
# Rows of a real source, masked: letters, digits, mail addresses and days are others, codes are as they were.
# Check that nothing in here tells of anybody before you share it, and give each case a name that says what it shows.
"""


def _look(incoming: Iterator[dict[str, t.Any]], rehearsal: Rehearsal) -> _Found:
    found = _Found()
    looked_at: dict[str, int] = {}
    for message in incoming:
        stream: str = message.get("stream", "")
        if message["type"] == "SCHEMA":
            found.streams[stream] = SourceStream(message["schema"], message.get("key_properties") or [])
            rehearsal.begin(stream, found.streams[stream])
            if rehearsal.maps(stream):
                found.choices.setdefault(stream, Choice())
        elif message["type"] == "RECORD" and stream in found.choices:
            looked_at[stream] = looked_at.get(stream, 0) + 1
            if looked_at[stream] <= _LOOKED_AT:
                row = message["record"]
                found.counter.add(stream, row)
                found.choices[stream].offer(row, rehearsal.row(stream, row))
    return found


def _cases(
    definition: Mapping, mapping: Path, streams: dict[str, SourceStream], masked: dict[str, list[dict[str, t.Any]]]
) -> tuple[str, Coverage]:
    """Return the cases as YAML, with what the mapping makes of the masked rows, and what they show of it."""
    coverage = Coverage(definition)
    texts = []
    for stream, rows in masked.items():
        for number, row in enumerate(rows, 1):
            rehearsal = Rehearsal(mapping, **_NO_GUARD)
            rehearsal.begin(stream, streams[stream])
            case: dict[str, t.Any] = {"name": f"{stream} {number}", "stream": stream, "rows": [row], "expect": {}}
            for one in rehearsal.row(stream, row):
                if one.is_unmapped:
                    told = {name: one.record[name] for name in ("stream", "field", "reason")}
                    case.setdefault("unmapped", []).append(told)
                    continue
                case["expect"].setdefault(one.stream, []).append(one.record)
                for name in rehearsal.map_names(one):
                    coverage.add(name, one.record)
            texts.append(textwrap.indent(dump([case]), "  "))
    return "\n".join(f"{text}\n" for text in texts), coverage
