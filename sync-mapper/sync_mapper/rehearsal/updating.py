"""Writes what a mapping gives into its case file, and leaves everything else of the file as it is."""

from __future__ import annotations

import re
import textwrap
import typing as t

import yaml

from sync_mapper.rehearsal.case_file import CaseError, load
from sync_mapper.rehearsal.differences import NOTHING, same
from sync_mapper.rehearsal.plain_yaml import dump

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_mapper.rehearsal.case_file import Case, CaseFile
    from sync_mapper.rehearsal.running import Result

_Edit = tuple[int, int, str]
"""Begin, end and the text that takes the place of what stands there."""
_ONE_LINE = 10_000


def update(file: CaseFile, results: Sequence[Result]) -> int:
    """Rewrite the expectations of cases that fail, and return of how many.

    Raises:
        CaseError: A comment stands within what has to be rewritten, or the file is written in a way that cannot be
            edited; the file is as it was.
    """
    wrong = [result for result in results if not result.passed and result.usable]
    if not wrong:
        return 0
    text = file.path.read_text(encoding="utf-8")
    node, data = load(text, str(file.path))
    positions = {case.name: position for position, case in enumerate(file.cases)}
    edits: list[_Edit] = []
    for result in wrong:
        position = positions[result.case.name]
        wanted = _expectations(result, data["cases"][position])
        edits += _Editing(file, text, result.case).case(_case_node(node, position), data["cases"][position], wanted)
        data["cases"][position] = {
            name: value for name, value in {**data["cases"][position], **wanted}.items() if value is not NOTHING
        }
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    if not same(data, load(text, str(file.path))[1]):
        raise CaseError(f"{file.path}: cannot be rewritten safely; change the expectations by hand")
    file.path.write_text(text, encoding="utf-8")
    return len(wrong)


def _expectations(result: Result, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the new values of `expect` and `unmapped`."""
    got: dict[str, t.Any] = result.got
    if result.case.listed_only:
        got = {
            stream: [
                {name: payload[name] for name in before if name in payload} if before else payload
                for payload, before in _beside(payloads, result.case.expect.get(stream, []))
            ]
            for stream, payloads in got.items()
        }
    names = ("stream", "map", "field", "reason") if len(result.unmapped) > 1 else ("field", "reason")
    rows = [{name: row[name] for name in names} for row in result.unmapped]
    told: t.Any = rows if len(rows) > 1 else rows[0] if rows else NOTHING
    return {"expect": got if got or not rows or "expect" in entry else NOTHING, "unmapped": told}


def _beside(payloads: Sequence[t.Any], before: Sequence[t.Any]) -> list[tuple[t.Any, t.Any]]:
    return [(payload, before[index] if index < len(before) else None) for index, payload in enumerate(payloads)]


def _case_node(node: yaml.Node | None, position: int) -> yaml.MappingNode:
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - it was read as a case file
    found: yaml.MappingNode = next(value for key, value in node.value if key.value == "cases").value[position]
    return found


class _Editing:
    """Finds the smallest pieces of a case that have to change, so that comments around them stay."""

    def __init__(self, file: CaseFile, text: str, case: Case) -> None:
        self._file = file
        self._text = text
        self._case = case

    def case(self, node: yaml.MappingNode, old: dict[str, t.Any], new: dict[str, t.Any]) -> list[_Edit]:
        edits: list[_Edit] = []
        if node.flow_style:
            raise self._error("is written in braces; write it with a line for each key")
        for name, value in new.items():
            before = old.get(name, NOTHING)
            if before is NOTHING and value is not NOTHING:
                edits.append(self._appended(node, name, value))
            elif value is NOTHING and before is not NOTHING:
                edits.append(self._removed(node, name))
            elif value is not NOTHING and not before and value:
                edits.append(self._filled(node, name, value))
            elif value is not NOTHING:
                edits += self._changed(_value_of(node, name), before, value)
        return edits

    def _changed(self, node: yaml.Node, old: t.Any, new: t.Any) -> list[_Edit]:
        if same(old, new):
            return []
        if isinstance(node, yaml.MappingNode) and isinstance(new, dict) and isinstance(old, dict):
            names = [key.value for key, _ in node.value]
            if list(old) == names and old.keys() == new.keys():
                return [
                    edit for key, value in node.value for edit in self._changed(value, old[key.value], new[key.value])
                ]
        if isinstance(node, yaml.SequenceNode) and isinstance(new, list) and len(node.value) == len(new):
            pairs = zip(node.value, old, new, strict=True)
            return [edit for value, before, after in pairs for edit in self._changed(value, before, after)]
        return [self._replaced(node, new)]

    def _replaced(self, node: yaml.Node, new: t.Any) -> _Edit:
        begin, end = node.start_mark.index, _end(node)
        self._refuse_comments(begin, end)
        column = node.start_mark.column
        in_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        if not in_block or not new or not isinstance(new, (dict, list)):
            return begin, end, dump(new, flow=True, width=_ONE_LINE)
        return begin, end, textwrap.indent(dump(new), " " * column)[column:]

    def _filled(self, node: yaml.MappingNode, name: str, value: t.Any) -> _Edit:
        """Write a value in place of an empty one, such as `{}`."""
        place = _value_of(node, name)
        begin = self._text.rindex(":", 0, place.start_mark.index + 1) + 1
        body = textwrap.indent(dump(value), " " * (node.start_mark.column + 2))
        return begin, int(place.end_mark.index), f"\n{body}"

    def _appended(self, node: yaml.MappingNode, name: str, value: t.Any) -> _Edit:
        end = _end(node)
        line_end = self._text.find("\n", end)
        at = len(self._text) if line_end < 0 else line_end
        body = textwrap.indent(dump({name: value}), " " * node.start_mark.column)
        return at, at, f"\n{body}"

    def _removed(self, node: yaml.MappingNode, name: str) -> _Edit:
        key, value = next(pair for pair in node.value if pair[0].value == name)
        begin, end = key.start_mark.index, _end(value)
        self._refuse_comments(begin, end)
        line_end = self._text.find("\n", end)
        rest = self._text[end : line_end if line_end >= 0 else len(self._text)]
        first_in_item = self._text[: key.start_mark.index].rpartition("\n")[2].strip()
        if rest.strip() or first_in_item or line_end < 0:
            raise self._error(f"{name} cannot be taken out; do it by hand")
        return begin - key.start_mark.column, line_end + 1, ""

    def _refuse_comments(self, begin: int, end: int) -> None:
        piece = self._text[begin:end]
        if "#" not in piece:
            return
        tokens = [
            token for token in yaml.scan(f"{piece}\n", Loader=yaml.SafeLoader) if isinstance(token, yaml.ScalarToken)
        ]
        hidden = piece
        for token in reversed(tokens):
            hidden = hidden[: token.start_mark.index] + hidden[token.end_mark.index :]
        if re.search(r"(^|\s)#", hidden):
            raise self._error("a comment stands within what has to be rewritten; move it above, or change it by hand")

    def _error(self, text: str) -> CaseError:
        return CaseError(f"{self._file.path}:{self._case.line}: case {self._case.name!r}: {text}")


def _value_of(node: yaml.MappingNode, name: str) -> yaml.Node:
    found: yaml.Node = next(value for key, value in node.value if key.value == name)
    return found


def _end(node: yaml.Node) -> int:
    """Return where a node really ends: the end of a block is marked where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
