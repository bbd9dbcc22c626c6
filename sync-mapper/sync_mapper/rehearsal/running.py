"""Runs cases and says what is not as expected."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from sync_mapper.errors import MapperError, MappingError
from sync_mapper.rehearsal.differences import NOTHING, Difference, differences, paired
from sync_mapper.rehearsal.rehearsing import Rehearsal

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_mapper.rehearsal.case_file import Case, CaseFile
    from sync_mapper.rehearsal.coverage import Coverage
    from sync_mapper.rehearsal.differences import Payload

_TOLD_OF_UNMAPPED = ("stream", "map", "field", "reason")


@dataclass(frozen=True)
class Failure:
    """A payload that is not as expected, is missing, or should not be there.

    Attributes:
        what: Stream and payload, for people.
        differences: Field by field.
    """

    what: str
    differences: tuple[Difference, ...] = ()


@dataclass
class Result:
    """What a case gave.

    Attributes:
        case: The case.
        got: Stream -> payloads, as the mapping made them.
        unmapped: Stream, map, field and reason of the rows it could not handle.
        failures: What is not as expected; empty for a case that passes.
    """

    case: Case
    got: dict[str, list[Payload]] = field(default_factory=dict)
    unmapped: list[dict[str, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    usable: bool = True

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.failures


def run(file: CaseFile, coverage: Coverage) -> Iterator[Result]:
    """Run the cases of a file one after the other, each as a run of its own."""
    for case in file.cases:
        result = Result(case)
        try:
            keys = _map(file, case, result, coverage)
        except MapperError as error:
            problems = error.problems if isinstance(error, MappingError) else (str(error),)
            result.failures += [Failure(problem) for problem in problems]
            if any("[unknown_name]" in problem for problem in problems):
                result.failures += [Failure(_NO_SCHEMA.format(name)) for name in _made_up(file, case)]
            result.usable = False
        else:
            result.failures += _failures(result, keys)
        yield result


_NO_SCHEMA = (
    "no schema of {} is known, so it has only the fields that rows here have: name the tap's catalog "
    "(`catalog: FILE`), or give the missing fields in `defaults`"
)


def _made_up(file: CaseFile, case: Case) -> list[str]:
    streams = dict.fromkeys(row.stream for row in (*file.before, *case.rows))
    return [name for name in streams if file.streams[name].made_up]


def _map(file: CaseFile, case: Case, result: Result, coverage: Coverage) -> dict[str, list[str]]:
    """Map the rows of a case and return the keys of the streams that came out."""
    rehearsal = Rehearsal(file.mapping, strict=True)
    begun: set[str] = set()
    for position, row in enumerate((*file.before, *case.rows)):
        if row.stream not in begun:
            begun.add(row.stream)
            rehearsal.begin(row.stream, file.streams[row.stream])
        for mapped in rehearsal.row(row.stream, row.record):
            if position < len(file.before):
                continue
            if mapped.is_unmapped:
                result.unmapped.append({name: mapped.record[name] for name in _TOLD_OF_UNMAPPED})
                continue
            result.got.setdefault(mapped.stream, []).append(mapped.record)
            for name in rehearsal.map_names(mapped):
                coverage.add(name, mapped.record)
    return {stream: rehearsal.key_of(stream) for stream in {**case.expect, **result.got}}


def _failures(result: Result, keys: dict[str, list[str]]) -> Iterator[Failure]:
    case = result.case
    for stream in {**case.expect, **result.got}:
        pairs = paired(case.expect.get(stream, []), result.got.get(stream, []), keys[stream])
        for number, (expected, got) in enumerate(pairs, 1):
            what = f"{stream} {_name(expected or got or {}, keys[stream], number)}"
            if expected is None:
                yield Failure(f"{what}: not expected", (Difference("", NOTHING, got),))
            elif got is None:
                yield Failure(f"{what}: missing", (Difference("", expected, NOTHING),))
            elif found := tuple(differences(expected, got, listed_only=case.listed_only)):
                yield Failure(what, found)
    yield from _unmapped_failures(case.unmapped, result.unmapped)


def _name(payload: Payload, key: Sequence[str], number: int) -> str:
    values = [str(payload[name]) for name in key if name in payload]
    return ", ".join(values) if values else f"row {number}"


def _unmapped_failures(expected: Sequence[dict[str, str]], got: Sequence[dict[str, str]]) -> Iterator[Failure]:
    left = list(got)
    for one in expected:
        found = next((row for row in left if _tells(one, row)), None)
        if found is None:
            yield Failure(f"unmapped: no row failed with {', '.join(f'{name} {value}' for name, value in one.items())}")
        else:
            left.remove(found)
    for row in left:
        yield Failure(f"a row could not be mapped: {row['map']}.{row['field']}: {row['reason']}")


def _tells(expected: dict[str, str], row: dict[str, str]) -> bool:
    return all(
        value in (row[name] or "") if name == "reason" else value == row[name] for name, value in expected.items()
    )
