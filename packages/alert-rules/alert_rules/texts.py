"""Texts with `{{ }}`: Jinja2 in its sandbox, in which what is missing is an error and what is null is nothing.

Two kinds: texts over a row (labels, annotations, recipients) and texts over a group of alerts (what is sent). Their
filters are in `alert_rules.filters`.
"""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass
from functools import lru_cache

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alert_rules import filters
from alert_rules.errors import BadRowError, BadValueError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_RESULT: t.Final = 1_000_000
_NO_FUNCTIONS: t.Final = ("range", "lipsum", "dict", "cycler", "joiner", "namespace")
_REMEDY: t.Final = "give its filters what they take, or a default: {{ x | default('') }}"


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2 without what makes long texts of short ones."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: t.Any, operator: str, left: t.Any, right: t.Any) -> t.Any:
        """Reckon with numbers only."""
        if operator == "**" or isinstance(left, (str, list, tuple)) or isinstance(right, (str, list, tuple)):
            raise SecurityError(f"`{operator}` is for numbers only")
        return super().call_binop(context, operator, left, right)


@lru_cache(maxsize=2)
def _environment(*, html: bool) -> _Environment:
    made = _Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_nothing_for_null,
    )
    for name in _NO_FUNCTIONS:
        made.globals.pop(name, None)
    kept = ("default", "d", "first", "last", "join", "length", "lower", "upper", "replace", "round", "sort", "trim")
    more = ("groupby", "selectattr", "rejectattr", "map", "sum", "list", "unique", "escape", "e", "int", "abs", "title")
    made.filters = {
        name: made.filters[name] for name in (*kept, *more, "capitalize", "max", "min", "count", "wordwrap")
    }
    made.filters.update(filters.FILTERS)
    return made


def _nothing_for_null(value: t.Any) -> t.Any:
    return "" if value is None else filters.plain_number(value)


@dataclass(frozen=True, slots=True)
class Text:
    """A text that has been read.

    Attributes:
        source: As it was written; of a fixed one what it says.
        names: Names it uses: fields of a row, or what a group has.
        fixed: Whether it has no `{{ }}`, so that it is the same for all.
    """

    source: str
    names: frozenset[str]
    fixed: bool
    _template: jinja2.Template

    def render(self, values: Mapping[str, t.Any]) -> str:
        """Return the text for some values, without blanks around it.

        Raises:
            BadRowError: A name it uses is missing, or a filter cannot take its value.
        """
        if self.fixed:
            return self.source.strip()
        parts, length = [], 0
        try:
            for part in self._template.generate({str(name): value for name, value in values.items()}):
                length += len(part)
                if length > _LONGEST_RESULT:
                    raise BadRowError(f"the text `{_short(self.source)}` gets too long", "shorten it")
                parts.append(part)
        except jinja2.UndefinedError as error:
            missing = next((name for name in sorted(self.names) if name not in values), None)
            near = difflib.get_close_matches(missing or "", [str(name) for name in values], n=1)
            problem = f"the text `{_short(self.source)}` uses what is not there: {_undefined(error, missing)}"
            remedy = f"did you mean {near[0]!r}?" if near else "name one of the stream's fields"
            raise BadRowError(problem, remedy, field=missing) from error
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            problem = f"the text `{_short(self.source)}` cannot be made: {_reason(error)}"
            raise BadRowError(problem, _REMEDY) from error
        return "".join(parts).strip()


def text(source: str, *, html: bool = False) -> Text:
    """Read a text.

    Args:
        source: As written.
        html: Whether values are escaped for HTML.

    Raises:
        BadValueError: It cannot be read.
    """
    environment = _environment(html=html)
    try:
        tree = environment.parse(source)
        template = environment.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        before = source.splitlines(keepends=True)[: error.lineno - 1]
        remedy = "{{ field }} puts a value in, {{ amount | money(currency) }} one in a form"
        problem = f"`{_short(source)}` is no text: {str(error.message).rstrip('.')}"
        raise BadValueError(problem, remedy, offset=sum(map(len, before))) from error
    except (jinja2.TemplateError, RecursionError, OverflowError, ValueError) as error:
        raise BadValueError(f"`{_short(source)}` is no text: {error}", "shorten it") from error
    parts = tree.find_all((nodes.Expr, nodes.Stmt))
    fixed = all(isinstance(part, (nodes.TemplateData, nodes.Output)) for part in parts)
    if fixed:
        source = template.render()  # without comments and marks of `raw`
    return Text(source, frozenset(meta.find_undeclared_variables(tree)), fixed, template)


def _short(source: str) -> str:
    one_line = " ".join(source.split())
    return one_line if len(one_line) <= 60 else f"{one_line[:57]}..."  # noqa: PLR2004 - what a line of a message holds


def _undefined(error: jinja2.UndefinedError, missing: str | None) -> str:
    return f"{missing!r}" if missing is not None else str(error.message)


def _reason(error: Exception) -> str:
    """Return why, without values of the row."""
    if isinstance(error, (jinja2.TemplateError, filters.FilterError)):
        return str(error)
    return "a value is not what a filter or an operator takes"
