"""What differs between a payload as it should be and as it is, field by field."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Payload = dict[str, t.Any]


class _Nothing:
    def __repr__(self) -> str:
        return "(nothing)"


NOTHING: t.Final = _Nothing()
"""Stands for a value that is not there, which is not the same as null."""


@dataclass(frozen=True)
class Difference:
    """One value that is not as it should be.

    Attributes:
        path: Where, like `phones[0].value`.
        expected: As it should be; `NOTHING` where there should be none.
        got: As it is; `NOTHING` where there is none.
    """

    path: str
    expected: t.Any
    got: t.Any


def same(expected: t.Any, got: t.Any) -> bool:
    """Return whether two values are the same in JSON: 1 and 1.0 are, 1 and true are not."""
    return next(differences(expected, got), None) is None


def differences(expected: t.Any, got: t.Any, *, listed_only: bool = False, path: str = "") -> Iterator[Difference]:
    """Return what differs.

    Args:
        expected: A value as it should be.
        got: The value as it is.
        listed_only: Whether fields that only `got` has, on the first level, are left alone.
        path: Where the two stand.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in expected if listed_only else {**expected, **got}:
            at = f"{path}.{name}" if path else str(name)
            yield from differences(expected.get(name, NOTHING), got.get(name, NOTHING), path=at)
    elif isinstance(expected, list) and isinstance(got, list):
        for index in range(max(len(expected), len(got))):
            pair = (items[index] if index < len(items) else NOTHING for items in (expected, got))
            yield from differences(*pair, path=f"{path}[{index}]")
    elif expected is not got and (isinstance(expected, bool) or isinstance(got, bool) or expected != got):
        yield Difference(path, expected, got)


def paired(
    expected: Sequence[Payload], got: Sequence[Payload], key: Sequence[str]
) -> Iterator[tuple[Payload | None, Payload | None]]:
    """Pair payloads by their key where all have one of their own, else by their order."""
    keys = [[tuple(repr(payload.get(name, NOTHING)) for name in key) for payload in side] for side in (expected, got)]
    if not key or any(len(set(side)) < len(side) or any(repr(NOTHING) in one for one in side) for side in keys):
        for index in range(max(len(expected), len(got))):
            yield (expected[index] if index < len(expected) else None, got[index] if index < len(got) else None)
        return
    by_key = dict(zip(keys[1], got, strict=True))
    for one, payload in zip(keys[0], expected, strict=True):
        yield payload, by_key.pop(one, None)
    for payload in by_key.values():
        yield None, payload
