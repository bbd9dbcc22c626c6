"""YAML whose plain scalars mean what they mean in JSON; everything else is text.

A row of a case holds what a tap sends: the country NO, the area code 0221, the day 2026-11-20, all of them text. Common
YAML would read false, 145 and a date.
"""

from __future__ import annotations

import re
import typing as t

import yaml

_PLAIN = (
    ("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"]),
    ("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789")),
    (
        "tag:yaml.org,2002:float",
        re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
        list("-0123456789"),
    ),
    ("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"), ["<"]),
)
_ODD_LINE_END = re.compile("[\x85\u2028\u2029\ufeff]")
_WIDTH = 110


class Loader(yaml.SafeLoader):
    """Reads them."""

    yaml_implicit_resolvers: t.ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Return a number with a fraction or an exponent; PyYAML itself takes 1e5 for text."""
        return float(str(self.construct_scalar(node)))


class Dumper(yaml.SafeDumper):
    """Writes them, with quotes where any reader could take text for something else."""

    def ignore_aliases(self, data: t.Any) -> bool:
        """Write everything out: an anchor is nothing a reader should have to follow."""
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indent lists below their name, as people do."""
        super().increase_indent(flow, indentless=False)

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write text; line ends that only YAML takes for some are lost unless they are in double quotes."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, '"' if _ODD_LINE_END.search(text) else None)


for _tag, _pattern, _first in _PLAIN:
    Loader.add_implicit_resolver(_tag, _pattern, _first)
    Dumper.add_implicit_resolver(_tag, _pattern, _first)
Dumper.add_representer(str, Dumper.represent_text)
Loader.add_constructor("tag:yaml.org,2002:float", Loader.construct_yaml_float)


def dump(value: t.Any, *, flow: bool | None = False, width: int = _WIDTH) -> str:
    """Return a value as YAML.

    Args:
        value: What JSON can hold.
        flow: Whether `{...}` and `[...]` are used: always, never, or (None) for what holds no others.
        width: Longest line, where it can be broken.
    """
    text: str = yaml.dump(
        value, Dumper=Dumper, allow_unicode=True, sort_keys=False, default_flow_style=flow, width=width
    )
    return text.removesuffix("...\n").rstrip("\n")
