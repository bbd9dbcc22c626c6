"""YAML files: what cannot be read, or would never end, is told with its place instead of a traceback."""

from __future__ import annotations

import re
import typing as t

import yaml
from yaml.constructor import ConstructorError

if t.TYPE_CHECKING:
    from pathlib import Path

_MOST_NODES = 100_000
"""Values of a file with all its aliases written out; a mapping of 1,000 properties has a few thousand."""

_SHOWN = 40  # characters of a value that a message repeats


class YamlError(ValueError):
    """A file cannot be read, or is no YAML: one line with its place and the remedy."""


class Document(t.NamedTuple):
    """A file as it was read, for those who want to know more of its places.

    Attributes:
        text: Its content.
        root: Its YAML node; None for an empty file.
    """

    text: str
    root: yaml.Node | None


class _Loader(yaml.SafeLoader):
    """Tells where a value stands that looks like a number or a day, and is none."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> t.Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError) as error:
            value = str(node.value)
            shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
            problem = f"{shown} cannot be read ({error}); put it in quotes if it is text"
            raise ConstructorError(None, None, problem, node.start_mark) from error


class _CoreLoader(_Loader):
    """Takes `true` and `false` alone for truth values, as YAML 1.2 does: `on`, `off`, `yes` and `no` are texts."""


_BOOLEAN = "tag:yaml.org,2002:bool"
_CoreLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != _BOOLEAN]
    for first, found in _Loader.yaml_implicit_resolvers.items()
}
_CoreLoader.add_implicit_resolver(_BOOLEAN, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))


def load(path: Path, name: str, *, words_are_texts: bool = False) -> tuple[Document, t.Any]:
    """Read a file; return it with what it holds.

    Args:
        path: The file.
        name: The file as it was named, for messages.
        words_are_texts: Whether `on`, `off`, `yes` and `no` are texts, as in YAML 1.2, and no truth values.

    Raises:
        YamlError: It cannot be read, or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = (_CoreLoader if words_are_texts else _Loader)(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _check_size(node, {}, set())
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise YamlError(f"{place}: not valid YAML: {_problem(error)}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise YamlError(f"{name}:{line}:1: cannot be read: it is not UTF-8; save it as UTF-8") from error
    except RecursionError as error:
        raise YamlError(f"{name}: cannot be read: it is nested too deeply") from error
    except (OSError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise YamlError(f"{name}: cannot be read: {said}") from error
    return Document(text, node), data


def _check_size(node: yaml.Node, sizes: dict[int, int], open_nodes: set[int]) -> int:
    """Return how many values a node stands for; refuse aliases without end, and those that grow beyond measure."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in open_nodes:
        raise ConstructorError(None, None, "an alias (`*`) stands inside of what it names", node.start_mark)
    open_nodes.add(id(node))
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    size = 1 + sum(_check_size(part, sizes, open_nodes) for part in parts)
    if size > _MOST_NODES:
        raise ConstructorError(None, None, f"it stands for more than {_MOST_NODES:,} values", node.start_mark)
    open_nodes.remove(id(node))
    sizes[id(node)] = size
    return size


def _problem(error: yaml.MarkedYAMLError) -> str:
    """Return why a file is no YAML, and what it most likely is."""
    problem = error.problem or error.context or "it cannot be read"
    if "'\\t'" in problem:
        return f"{problem}; indent with blanks, and never with tabs"
    if "expected <block end>" in problem and "<scalar>" in problem:
        return f"{problem}; an expression that begins with a quote, `[` or `{{` stands in quotes as a whole"
    if "mapping values are not allowed" in problem:
        return (
            f"{problem}; an expression with `: ` in it stands in quotes, and names below one another are indented alike"
        )
    return problem
