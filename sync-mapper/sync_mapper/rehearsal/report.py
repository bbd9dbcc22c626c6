"""What cases gave, for people and for programs."""

from __future__ import annotations

import json
import typing as t

from sync_mapper.rehearsal.differences import NOTHING

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sync_mapper.rehearsal.case_file import CaseFile
    from sync_mapper.rehearsal.coverage import Coverage
    from sync_mapper.rehearsal.differences import Difference
    from sync_mapper.rehearsal.running import Result

Results = t.Sequence[tuple["CaseFile", t.Sequence["Result"]]]
_LONGEST_VALUE = 200


def lines(results: Results, coverages: Mapping[Path, Coverage], fewest: int | None) -> Iterator[str]:
    """Return the lines of a report.

    Args:
        results: The cases of each file.
        coverages: Of each mapping file.
        fewest: Least coverage asked for, in percent.
    """
    for file, cases in results:
        failed = [result for result in cases if not result.passed]
        yield f"{file.path}: {_count(len(cases), 'case')}, {f'{len(failed)} FAILED' if failed else 'all pass'}"
        for result in failed:
            yield f"  FAILED {result.case.name} ({file.path}:{result.case.line})"
            for failure in result.failures:
                yield f"    {failure.what}"
                yield from _table(failure.differences)
    for mapping, coverage in coverages.items():
        short = fewest is not None and coverage.percent < fewest
        yield (
            f"{mapping}: {coverage.shown} of {_count(len(coverage.properties), 'property', 'properties')} shown with a "
            f"value ({coverage.percent} %{f', less than the {fewest} % asked for' if short else ''})"
        )
        for words, found in (("in no payload", coverage.never), ("only ever null", coverage.only_null)):
            for at in found:
                yield f"  {words}: {coverage.where(at)}"


def as_json(results: Results, coverages: Mapping[Path, Coverage]) -> str:
    """Return the same as one JSON object."""
    files = [
        {"file": str(file.path), "mapping": str(file.mapping), "cases": [_case(result) for result in cases]}
        for file, cases in results
    ]
    coverage = [
        {
            "mapping": str(mapping),
            "properties": len(one.properties),
            "percent": one.percent,
            "never": [".".join(at) for at in one.never],
            "only_null": [".".join(at) for at in one.only_null],
        }
        for mapping, one in coverages.items()
    ]
    every = [result.passed for _, cases in results for result in cases]
    summary = {"passed": sum(every), "failed": len(every) - sum(every)}
    return json.dumps({**summary, "files": files, "coverage": coverage}, ensure_ascii=False, indent=2)


def _case(result: Result) -> dict[str, t.Any]:
    return {
        "name": result.case.name,
        "line": result.case.line,
        "passed": result.passed,
        "failures": [
            {"what": failure.what, "differences": [_sides(difference) for difference in failure.differences]}
            for failure in result.failures
        ],
    }


def _sides(difference: Difference) -> dict[str, t.Any]:
    sides = {"path": difference.path, "expected": difference.expected, "got": difference.got}
    return {name: value for name, value in sides.items() if value is not NOTHING}


def _table(found: Sequence[Difference]) -> Iterator[str]:
    width = max((len(difference.path) for difference in found), default=0)
    for difference in found:
        yield f"      {difference.path:{width}}  expected  {_value(difference.expected)}"
        yield f"      {'':{width}}  got       {_value(difference.got)}"


def _value(value: t.Any) -> str:
    text = repr(value) if value is NOTHING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
