"""Rules against the streams they look at: those of a tap's catalog, or those of sample rows."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from alert_rules.expressions import expression
from alert_rules.reading import near

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from alert_rules.compiled import Compiled, CompiledRule
    from alert_rules.model import Rule
    from alert_rules.reading import Reader

Fields: t.TypeAlias = "Mapping[str, frozenset[str]]"
"""Stream -> the fields its rows have."""


@dataclass(frozen=True)
class StreamCheck:
    """Checks names of streams and fields.

    Attributes:
        fields: The streams that are known, and their fields.
        reader: Notes what is wrong.
        compiled: The alert file.
    """

    fields: Fields
    reader: Reader
    compiled: Compiled

    def rule(self, rule: Rule, index: int) -> None:
        """Check a rule."""
        at = ("rules", str(index))
        known = self.fields.get(rule.stream)
        if known is None:
            problem = f"there is no stream {rule.stream!r}"
            self.reader.wrong((*at, "stream"), "unknown_stream", problem, near(rule.stream, sorted(self.fields)))
            return
        for name in rule.identity:
            if name not in known:
                self._unknown((*at, "identity"), name, rule, known)
        for key, given in (("when", rule.when), ("resolve_when", rule.resolve_when), ("steps_of", rule.steps_of)):
            names = expression(given, self.compiled.moment).names if given is not None else frozenset()
            for name in sorted(names - known):
                offset = (given or "").find(name)
                self._unknown((*at, key), name, rule, known, offset=max(offset, 0))
        made = t.cast("CompiledRule", self.compiled.rule(rule.alert))
        for key, texts in (("labels", made.labels), ("annotations", made.annotations)):
            for text_name, text in texts.items():
                for name in sorted(text.names - known):
                    offset = text.source.find(name)
                    self._unknown((*at, key, text_name), name, rule, known, offset=max(offset, 0))

    def _unknown(
        self, at: tuple[str, ...], name: str, rule: Rule, known: frozenset[str], *, offset: int | None = None
    ) -> None:
        problem = f"stream {rule.stream} has no field {name!r}"
        self.reader.wrong(at, "unknown_field", problem, near(name, sorted(known)), offset=offset)
