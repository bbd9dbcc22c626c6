"""Makes a case file of real rows: chosen so that they show much of the mapping, masked so that they tell of nobody."""

from __future__ import annotations

import os
import textwrap
import typing as t
from collections import Counter
from dataclasses import dataclass, field

from sync_mapper import mapping_file, source
from sync_mapper.checking.plan import plans
from sync_mapper.errors import InputError
from sync_mapper.rehearsal import catalogs, codes
from sync_mapper.rehearsal.case_file import CaseError, Row
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
"""Rows of each stream to choose among, and rows without any of use after which no more is waited for."""


@dataclass
class _Found:
    """What a tap sent: streams that a map is for, with the rows worth a case; rows of code tables, with their codes."""

    streams: dict[str, SourceStream] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    counter: codes.CodeCounter = field(default_factory=codes.CodeCounter)
    tables: list[tuple[str, dict[str, t.Any], set[str]]] = field(default_factory=list)


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
        found = _look(incoming, Rehearsal(mapping), _sources(definition))
    if not any(choice.rows for choice in found.choices.values()):
        raise InputError(f"No row came that a map of {mapping} is for; see the streams it names")
    masker = Masker(codes.keep(definition, found.counter), seed)
    chosen = {stream: choice.best(rows) for stream, choice in found.choices.items()}
    used = {text for picked in chosen.values() for row in picked for text in codes.texts_of(row)}
    before = [Row(stream, masker.record(row)) for stream, row, brought in found.tables if brought & used]
    masked = [Row(stream, masker.record(row)) for stream, picked in chosen.items() for row in picked]
    catalog = file.with_suffix(".catalog.json")
    wanted = {row.stream: found.streams[row.stream] for row in (*before, *masked)}
    catalog.parent.mkdir(parents=True, exist_ok=True)
    catalog.write_text(catalogs.catalog(wanted), encoding="utf-8")
    cases, coverage = _cases(definition, mapping, wanted, before, masked)
    head: dict[str, t.Any] = {"mapping": os.path.relpath(mapping, file.parent), "catalog": catalog.name}
    if before:
        head["before"] = [{row.stream: row.record} for row in before]
    file.write_text(f"{_HEAD}{dump(head)}\ncases:\n{cases}", encoding="utf-8")
    yield f"{file}: {len(masked)} cases; their schemas are in {catalog}"
    yield f"{coverage.shown} of {len(coverage.properties)} properties shown with a value ({coverage.percent} %)"
    for at in (*coverage.never, *coverage.only_null):
        yield f"  no value: {coverage.where(at)}"


_HEAD = """\
# Rows of a real source, masked: letters, digits, mail addresses and days are others, codes are as they were.
# Check that nothing in here tells of anybody before you share it, and give each case a name that says what it shows.
"""


def _sources(definition: Mapping) -> set[str] | None:
    """Return the source streams of a mapping, None where a pattern stands for any number of them."""
    wanted = [plan for plan in plans(definition.stream_maps) if not plan.removed]
    return None if any(plan.is_pattern for plan in wanted) else {plan.source for plan in wanted}


def _look(incoming: Iterator[dict[str, t.Any]], rehearsal: Rehearsal, sources: set[str] | None) -> _Found:
    """Look at what a tap sends, until all streams have been looked at, or have sent rows and none of use for long."""
    found = _Found()
    looked_at: Counter[str] = Counter()
    useless = 0
    for message in incoming:
        stream: str = message.get("stream", "")
        if message["type"] == "SCHEMA":
            found.streams[stream] = SourceStream(message["schema"], message.get("key_properties") or [])
            rehearsal.begin(stream, found.streams[stream])
            if rehearsal.maps(stream):
                found.choices.setdefault(stream, Choice())
        elif message["type"] == "RECORD":
            useless += 1
            if stream in rehearsal.table_streams:
                rehearsal.take(message)
                if brought := rehearsal.codes_of(stream, message["record"]):
                    found.tables.append((stream, message["record"], brought))
            elif stream in found.choices and looked_at[stream] < _LOOKED_AT:
                useless = 0
                looked_at[stream] += 1
                row = message["record"]
                found.counter.add(stream, row)
                found.choices[stream].offer(row, rehearsal.row(stream, row))
        if sources is not None and sources <= looked_at.keys():
            looked_through = all(looked_at[name] >= _LOOKED_AT for name in sources)
            if looked_through or useless >= _LOOKED_AT:
                break
    return found


def _cases(
    definition: Mapping, mapping: Path, streams: dict[str, SourceStream], before: list[Row], rows: list[Row]
) -> tuple[str, Coverage]:
    """Return the cases as YAML, with what the mapping makes of the masked rows, and what they show of it."""
    coverage = Coverage(definition)
    numbers: Counter[str] = Counter()
    texts = []
    for row in rows:
        rehearsal = Rehearsal(mapping)
        for name in dict.fromkeys(one.stream for one in (*before, row)):
            rehearsal.begin(name, streams[name])
        for one in before:
            rehearsal.row(one.stream, one.record)
        numbers[row.stream] += 1
        case: dict[str, t.Any] = {"name": f"{row.stream} {numbers[row.stream]}", "stream": row.stream}
        case |= {"rows": [row.record], "expect": {}}
        for mapped in rehearsal.row(row.stream, row.record):
            if mapped.is_unmapped:
                told = {name: mapped.record[name] for name in ("stream", "field", "reason")}
                case.setdefault("unmapped", []).append(told)
                continue
            case["expect"].setdefault(mapped.stream, []).append(mapped.record)
            for name in rehearsal.map_names(mapped):
                coverage.add(name, mapped.record)
        texts.append(textwrap.indent(dump([case]), "  "))
    return "\n".join(f"{text}\n" for text in texts), coverage
