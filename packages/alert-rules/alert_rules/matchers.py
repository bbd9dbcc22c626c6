"""Matchers over labels, as Alertmanager writes them: `severity="critical"`, `team=~"sales|finance"`, `!=`, `!~`."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from alert_rules.errors import BadValueError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FORM = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"{},]*))\s*\Z', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LONGEST: t.Final = 1_000
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?[:=!<P])?|\)|[*+?|]|\{\d*(?:,\d*)?\}", re.DOTALL)
"""What matters of a regular expression: escapes and classes are one piece, so that what is in them does not."""
_REMEDY: t.Final = 'write it like severity="critical", team!="it", team=~"sales|finance" or team!~"test.*"'


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label; a label that is not there counts as empty, as in Alertmanager.

    Attributes:
        name: Label.
        operator: `=`, `!=`, `=~` or `!~`.
        value: Text, or regular expression that must fit the whole value.
    """

    name: str
    operator: str
    value: str
    _pattern: re.Pattern[str] | None = field(default=None, compare=False, repr=False)

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Return whether the condition holds."""
        value = labels.get(self.name, "")
        same = self.value == value if self._pattern is None else self._pattern.fullmatch(value) is not None
        return same != self.operator.startswith("!")

    def __str__(self) -> str:
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.operator}"{quoted}"'


def matcher(text: str) -> Matcher:
    """Read a matcher.

    Raises:
        BadValueError: The text is none, or its regular expression is.
    """
    found = _FORM.match(text)
    if found is None:
        raise BadValueError(f"{text!r} is no matcher", _REMEDY)
    name, operator, quoted, bare = found.groups()
    value = _ESCAPE.sub(r"\1", quoted) if quoted is not None else bare
    pattern = _pattern(text, _unquoted(quoted) if quoted is not None else bare) if operator.endswith("~") else None
    return Matcher(name, operator, value if pattern is None else pattern.pattern, pattern)


def _unquoted(quoted: str) -> str:
    """Return a quoted regular expression: only quotes and backslashes are escaped there; all else stays itself."""
    return quoted.replace('\\"', '"').replace("\\\\", "\\")


def _pattern(text: str, value: str) -> re.Pattern[str]:
    if len(value) > _LONGEST or _repeats_a_choice(value):
        problem = f"the regular expression of {text!r} could take for ever"
        raise BadValueError(problem, "do not repeat a group with repeats or choices in it, such as (a+)+ or (a|b)*")
    try:
        return re.compile(value, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadValueError(f"the regular expression of {text!r} cannot be read: {error}", _REMEDY) from error


def _repeats_a_choice(value: str) -> bool:
    """Return whether a group that can be read in several ways is repeated: Python tries all of them."""
    several, closed = [False], False
    for piece in (found[0] for found in _PIECE.finditer(value)):
        endless = piece in {"*", "+"} or (piece[0] == "{" and "," in piece)
        if endless and closed:
            return True
        if piece == ")" and len(several) > 1:
            closed = several.pop()
            several[-1] |= closed
            continue
        if piece[0] == "(":
            several.append(False)
        elif endless or piece in {"?", "|"}:
            several[-1] = True
        closed = False
    return False


def fits_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Return whether all of some conditions hold; none at all always do."""
    return all(one.fits(labels) for one in matchers)
