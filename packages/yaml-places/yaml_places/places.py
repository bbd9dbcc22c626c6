"""Where in a YAML file each name and each character of each text stands."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import yaml

At: t.TypeAlias = tuple[str, ...]
"""Names and indexes that lead to a place in a file."""

_MERGE = "tag:yaml.org,2002:merge"


@dataclass
class Places:
    """Places of a YAML file, by the names that lead there.

    Attributes:
        text: Content of the file.
        keys: Names -> where the last of them stands: (line, column), both from 1.
        values: Names -> the value there.
        doubles: Names that stand twice on one level, with the place of the second.
    """

    text: str
    keys: dict[At, tuple[int, int]] = field(default_factory=dict)
    values: dict[At, yaml.Node] = field(default_factory=dict)
    doubles: list[tuple[At, tuple[int, int]]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, root: yaml.Node | None) -> Places:
        """Return the places of a file.

        Args:
            text: Its content.
            root: Its YAML node.
        """
        places = cls(text)
        if root is not None:
            places._add(root, ())
        return places

    def __contains__(self, at: At) -> bool:
        """Return whether the file has something there, or above it."""
        return at[:2] in self.keys or not at

    def forget(self, at: At) -> None:
        """Forget a part of the file that something else took the place of."""
        self.keys = {other: place for other, place in self.keys.items() if other[: len(at)] != at}
        self.values = {other: node for other, node in self.values.items() if other[: len(at)] != at}

    def key(self, at: At) -> tuple[int, int]:
        """Return where a name stands, or the nearest one above it that stands in the file."""
        return next((self.keys[at[:end]] for end in range(len(at), 0, -1) if at[:end] in self.keys), (1, 1))

    def character(self, at: At, offset: int) -> tuple[int, int]:
        """Return where a character of a text stands.

        Args:
            at: Names that lead to the text.
            offset: Characters of the text before it.
        """
        node = self.values.get(at)
        if not isinstance(node, yaml.ScalarNode):
            return self.key(at)
        index = self._index(node, offset)
        line_start = self.text.rfind("\n", 0, index) + 1
        return self.text.count("\n", 0, index) + 1, index - line_start + 1

    def _add(self, node: yaml.Node, above: At) -> None:
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                at = (*above, str(index))
                self.keys[at], self.values[at] = _begin(item), item
                self._add(item, at)
        elif isinstance(node, yaml.MappingNode):
            own = [(key, value) for key, value in node.value if key.tag != _MERGE and isinstance(key, yaml.ScalarNode)]
            for key, value in node.value:
                if key.tag == _MERGE:
                    for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                        self._add(merged, above)
            seen: set[str] = set()
            for key, value in own:
                at = (*above, key.value)
                if key.value in seen:
                    self.doubles.append((at, _begin(key)))
                seen.add(key.value)
                self.keys[at], self.values[at] = _begin(key), value
                self._add(value, at)

    def _index(self, node: yaml.ScalarNode, offset: int) -> int:
        """Return the index in the file of a character of a text, whatever style the text is written in."""
        index = node.start_mark.index
        if node.style in {"|", ">"}:
            index = self.text.find("\n", index) + 1
        elif node.style in {"'", '"'}:
            index += 1
        value: str = node.value
        for position, character in enumerate(value):
            if character.isspace():
                if position == offset:
                    return index
                # A line break in the file may be a space in the text; further blanks are indentation.
                while index < len(self.text) and self.text[index].isspace() and not value[position + 1 :][:1].isspace():
                    index += 1
                continue
            while index < len(self.text) and self.text[index].isspace():
                index += 1
            if position == offset:
                return index
            index += self._width(index, node.style, character)
        return index

    def _width(self, index: int, style: str | None, character: str) -> int:
        """Return how many characters of the file stand for one of the text."""
        pair = self.text[index : index + 2]
        if style == "'" and character == "'":
            return 2
        escaped = style == '"' and pair.startswith("\\")
        return {"x": 4, "u": 6, "U": 10}.get(pair[1:], 2) if escaped else 1


def _begin(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
