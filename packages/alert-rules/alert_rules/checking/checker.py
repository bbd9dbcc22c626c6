"""One check of alert files, from their form to what they make of sample rows."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from alert_rules.checking.findings import Finding, Severity
from alert_rules.checking.sampling import sample
from alert_rules.checking.streams import StreamCheck
from alert_rules.compiling import compile_loaded
from alert_rules.errors import RulesError
from alert_rules.loading import examine
from alert_rules.reading import Reader

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alert_rules.checking.sampling import Estimate
    from alert_rules.checking.streams import Fields
    from alert_rules.expressions import Row
    from alert_rules.places import Origins, Problem


@dataclass(frozen=True)
class Checked:
    """What a check has come to.

    Attributes:
        findings: In the order of files, lines and columns.
        estimates: Rule -> what the sample rows would come to.
        rules: Number of rules.
    """

    findings: Sequence[Finding]
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    rules: int = 0

    @property
    def ok(self) -> bool:
        """Whether the file can be used."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def check(
    given: str | Sequence[str], *, fields: Fields | None = None, rows: Mapping[str, Sequence[Row]] | None = None
) -> Checked:
    """Check alert files.

    Args:
        given: Files or folders.
        fields: Streams and their fields, as a tap's catalog has them; None when they are not known. Rows tell them too.
        rows: Stream -> sample rows.

    Raises:
        RulesError: The files are missing or no YAML, so that there is nothing to check.
    """
    loaded, origins, problems = examine(given)
    if loaded is None:
        return Checked(_told(problems, origins))
    compiled, found = compile_loaded(loaded)
    estimates: dict[str, Estimate] = {}
    if compiled is not None:
        reader = Reader()
        known = {**{name: frozenset().union(*one) for name, one in (rows or {}).items()}, **(fields or {})}
        if known:
            streams = StreamCheck(known, reader, compiled)
            for index, rule in enumerate(loaded.file.rules):
                streams.rule(rule, index)
        if rows and not reader.problems:
            estimates = sample(compiled, rows, reader)
        found = [*found, *reader.problems]
    return Checked(_told(found, loaded.origins), estimates, len(loaded.file.rules))


def fields_of(catalog: t.Any) -> dict[str, frozenset[str]]:
    """Return the streams of a Singer catalog and their fields.

    Raises:
        RulesError: It is none.
    """
    streams = catalog.get("streams") if isinstance(catalog, dict) else None
    if not isinstance(streams, list):
        raise RulesError("the catalog is none: it has no list of streams; make one with `tap --discover`")
    found: dict[str, frozenset[str]] = {}
    for stream in streams:
        schema = stream.get("schema") if isinstance(stream, dict) else None
        if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
            name = str(stream.get("stream") or stream.get("tap_stream_id"))
            found[name] = frozenset(schema["properties"])
    return found


def _told(problems: Sequence[Problem], origins: Origins) -> list[Finding]:
    findings = []
    for problem in problems:
        place = origins.place(problem.at, problem.offset)
        file, line, column = place or (None, None, None)
        severity = Severity.ERROR if problem.error else Severity.WARNING
        told = (problem.code, ".".join(problem.at), problem.message, problem.remedy)
        findings.append(Finding(file, line, column, severity, *told))
    return sorted(findings, key=lambda one: (one.file or "", one.line or 0, one.column or 0))
