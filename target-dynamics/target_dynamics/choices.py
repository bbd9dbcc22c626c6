"""Options of choice columns, by what users see or by number."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Mapping

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Choices(Mapping[str, int]):
    """Label -> number of the options of a column.

    A text that is the number of an option, or its label in other capitals, finds it as well; iteration shows labels.

    Args:
        labels: Label -> number.
    """

    def __init__(self, labels: Mapping[str, int]) -> None:
        self._labels = dict(labels)
        folded = Counter(label.casefold() for label in self._labels)
        self._folded = {label.casefold(): value for label, value in labels.items() if folded[label.casefold()] == 1}
        self._numbers = {str(value): value for value in labels.values()}

    def __getitem__(self, key: str) -> int:
        if key in self._labels:
            return self._labels[key]
        text = str(key).strip()
        if text.casefold() in self._folded:
            return self._folded[text.casefold()]
        return self._numbers[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choices) and self._labels == other._labels

    __hash__ = None  # type: ignore[assignment]  # like any mapping


def label_of(given: t.Any) -> str | None:
    """Return a label as the caller sees it; None without one.

    Args:
        given: The metadata's `Label` object (Dataverse sheet section 5).
    """
    if not isinstance(given, dict):
        return None
    own = given.get("UserLocalizedLabel") or {}
    listed = given.get("LocalizedLabels") or ()
    texts = [own.get("Label"), *(one.get("Label") for one in listed)]
    return next((str(text).strip() for text in texts if text and str(text).strip()), None)


def choices(options: Iterable[Mapping[str, t.Any]]) -> Choices:
    """Return the options of a column; those that share a label with another go by their number alone.

    Args:
        options: `Options` of an option set.
    """
    pairs = [(label_of(option.get("Label")) or str(option["Value"]), int(option["Value"])) for option in options]
    seen = Counter(label for label, _ in pairs)
    return Choices({label if seen[label] == 1 else str(value): value for label, value in pairs})


def column_options(item: Mapping[str, t.Any]) -> Sequence[Mapping[str, t.Any]]:
    """Return the options of a column's metadata, of its own option set or the global one it uses."""
    for name in ("OptionSet", "GlobalOptionSet"):
        if options := (item.get(name) or {}).get("Options"):
            return list(options)
    return []
