"""The language of alert files as tables for people, made of the schema, the functions and the filters."""

from __future__ import annotations

import inspect
import json
import typing as t
from pathlib import Path

from alert_rules.expressions import Moment
from alert_rules.filters import FILTERS
from alert_rules.functions import with_clock
from alert_rules.schema import schema

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REFERENCE_FILE: t.Final = Path(__file__).parents[1] / "alert-files.md"
"""The reference as it stands in the repository."""

_HEADINGS: t.Final = {
    "AlertFile": "The file",
    "Rule": "`rules`",
    "NoData": "`no_data` of a rule",
    "Route": "`route` and `routes`",
    "Receiver": "`receivers`",
    "Sms": "`sms` of a receiver",
    "Email": "`email` of a receiver",
    "Voice": "`voice` of a receiver",
    "Digest": "`digest` of a receiver",
    "Budget": "`budget` of a receiver",
    "Escalation": "`escalation` of a receiver",
    "InhibitRule": "`inhibit_rules`",
    "TimeInterval": "`time_intervals`",
    "Silence": "`silences`",
}

_BEGINNING: t.Final = """\
# Alert files

Every key of an alert file. What the keys come to when alerts are decided: [README.md](README.md); a guide from the
first rule on: [docs/alerts.md](../../docs/alerts.md). A folder of files (`*.yml`) is one alert file: lists are
joined, and no other key may stand in two of them. `alerts check` names mistakes with file, line and column; `alerts
schema` prints the JSON Schema for editors, and `alerts schema --markdown` this page.

Durations are numbers with a unit, also joined: `30s`, `15m`, `2h`, `1d`, `1h30m`. An expression is one in the words
of Python over the fields of a row, without calls but of the [functions](#functions) below: `amount >= 50000 and
status not in ['980', '999']`; null compares to nothing. A text is a template of Jinja2 (`{{ field }}`, `{% if ...
%}`) with the [filters](#filters) below: of a rule over the fields of the row; of a receiver over [names of the
group](#names-of-a-receivers-texts).
"""

_GROUP: t.Final = """\
## Names of a receiver's texts

| Name | Meaning |
|---|---|
| `alerts` | what is told, a list |
| of each: `alert`, `summary`, `labels`, `annotations`, `identity` | rule, text, and what the rule has made of the row |
| of each: `status`, `since`, `step`, `amount` | `firing` or `resolved`, since when, step, value compared with it |
| `firing`, `resolved` | those of them that are so |
| `first` | the first of them |
| `count` | how many are told |
| `more` | how many of them are not in `alerts` for want of room |
| `total` | sum of their `amount`, the values compared with `steps`; null without |
| `status` | `firing` if any of them fires, else `resolved` |
| `purpose` | why the message is sent: `alert`, `repeat`, `digest`, `storm` and the like |
| `receiver` | name of the receiver |
| `rule` | rule of the first |
| `group` | labels of the group |
"""


def reference() -> str:
    """Return the whole reference as Markdown."""
    parts = schema()["$defs"]
    sections = [_BEGINNING]
    for name, heading in _HEADINGS.items():
        sections.append("\n".join([f"## {heading}", "", parts[name]["description"], "", *_keys(parts[name])]) + "\n")
    sections.append("\n".join(["## Functions", "", *_callables(with_clock(Moment()), "Function")]) + "\n")
    filters = _callables(FILTERS, "Filter")
    sections.append("\n".join(["## Filters", "", "Beside those of Jinja2:", "", *filters]) + "\n")
    sections.append(_GROUP)
    return "\n".join(sections)


def _keys(part: Mapping[str, t.Any]) -> Iterator[str]:
    yield "| Key | Is | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, key in part["properties"].items():
        if name in part.get("required", ()):
            default = "required"
        else:
            given = key.get("default")
            default = "" if given in (None, [], {}, "") else f"`{json.dumps(given).strip(chr(34))}`"
        yield f"| `{name}` | {_kind(key)} | {default} | {_cell(key['description'])} |"


def _kind(key: Mapping[str, t.Any]) -> str:
    """Return what a key takes, in a word or two."""
    if "anyOf" in key:
        return " or ".join(dict.fromkeys(_kind(one) for one in key["anyOf"] if one.get("type") != "null"))
    if "enum" in key:
        return ", ".join(f"`{value}`" for value in key["enum"])
    if "$ref" in key:
        return f"[keys](#{_anchor(_HEADINGS[key['$ref'].rpartition('/')[2]])})"
    if key["type"] == "array":
        return f"list of {_kind(key['items'])}"
    if key["type"] == "object":
        return f"names: {_kind(key['additionalProperties'])}"
    return {"string": "text", "integer": "number", "number": "number", "boolean": "`true`, `false`"}[key["type"]]


def _anchor(heading: str) -> str:
    """Return the anchor that Git servers give a heading."""
    return heading.lower().replace("`", "").replace(" ", "-")


def _callables(functions: Mapping[str, Callable[..., t.Any]], title: str) -> Iterator[str]:
    yield f"| {title} | Gives |"
    yield "|---|---|"
    for name, function in functions.items():
        if inspect.isbuiltin(function) or inspect.isclass(function):
            yield f"| `{name}` | what it gives in Python |"
            continue
        signature = ", ".join(str(one.name) for one in inspect.signature(function).parameters.values())
        said = (function.__doc__ or "").splitlines()[0].removeprefix("Return ")
        yield f"| `{name}({signature})` | {_cell(said[:1].lower() + said[1:])} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
