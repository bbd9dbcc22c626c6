"""Rules on sample rows: what cannot be made of them, and how many messages and segments they would come to."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

from alert_rules.errors import BadRowError
from alert_rules.segments import plain, size

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alert_rules.compiled import Compiled, CompiledRule
    from alert_rules.expressions import Row
    from alert_rules.reading import Reader


@dataclass
class Estimate:
    """What sample rows would come to for a rule, if each was told by itself.

    Attributes:
        rows: Rows of its stream.
        matching: Rows that match.
        held: Rows it cannot be applied to.
        messages: Channel -> messages.
        segments: Segments of all text messages.
        longest: Segments of the longest text message.
        unusual: Characters that make text messages longer, because GSM-7 has them not.
    """

    rows: int = 0
    matching: int = 0
    held: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    segments: int = 0
    longest: int = 0
    unusual: set[str] = field(default_factory=set)


def sample(compiled: Compiled, rows: Mapping[str, Sequence[Row]], reader: Reader) -> dict[str, Estimate]:
    """Apply the rules to sample rows; what fails is noted once for each rule and reason.

    Returns:
        Name of the rule -> what the rows would come to.
    """
    found: dict[str, Estimate] = {}
    for index, rule in enumerate(compiled.rules):
        estimate = found[rule.name] = Estimate()
        told: set[str] = set()
        for row in rows.get(rule.stream, ()):
            estimate.rows += 1
            try:
                _apply(compiled, rule, row, estimate)
            except BadRowError as error:
                estimate.held += 1
                if str(error) not in told:
                    told.add(str(error))
                    reader.unwise(("rules", str(index), "alert"), "sample_row", f"a sample row: {error}", error.remedy)
        if estimate.unusual:
            shown = ", ".join(sorted(estimate.unusual)[:5])
            problem = f"texts of rule {rule.name} have characters ({shown}) that make an SMS more than twice as long"
            at = ("rules", str(index), "annotations")
            reader.unwise(at, "unusual_characters", problem, "replace them if cost counts")
    return found


def _apply(compiled: Compiled, rule: CompiledRule, row: Row, estimate: Estimate) -> None:
    if any(row.get(name) is None for name in rule.identity):
        missing = next(name for name in rule.identity if row.get(name) is None)
        raise BadRowError(f"it has no {missing!r}, which makes alerts what they are", "name another field in identity")
    if not rule.matches(row):
        return
    estimate.matching += 1
    labels, annotations = rule.labels_of(row), rule.annotations_of(row)
    if rule.steps is not None:
        rule.steps.reached(row)
    text = plain(annotations.get("summary") or rule.name)
    for route in compiled.routes_of(labels):
        for channel in compiled.receivers[route.receiver].channels:
            people = channel.recipients(row, rule.region)
            estimate.messages[channel.channel] += len(people)
            if channel.channel == "sms":
                measured = size(text)
                estimate.segments += measured.segments * len(people)
                estimate.longest = max(estimate.longest, measured.segments)
                if measured.culprit is not None:
                    estimate.unusual.add(measured.culprit)
