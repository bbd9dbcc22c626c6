"""Stage diff: which fields of a record have to change."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Changes = dict[str, tuple[t.Any, t.Any]]


def changes(before: Mapping[str, t.Any], after: Mapping[str, t.Any]) -> Changes:
    """Return field -> (old, new) of every field in `after` that differs from `before`.

    Fields only `before` knows are not ours to judge: users and other integrations own them.
    """
    return {name: (before.get(name), value) for name, value in after.items() if not same(before.get(name), value)}


def live_changes(sent: Mapping[str, t.Any] | None, live: Mapping[str, t.Any], after: Mapping[str, t.Any]) -> Changes:
    """Return field -> (old, new) of what has to change in a record that was read just now.

    Of a record that was written before, only fields that are not as last `sent` are ours to change: what users have
    made of the others since is left alone until the source changes them.
    """
    differing = changes(live, after)
    if sent is None:
        return differing
    ours = changes(sent, after)
    return {name: pair for name, pair in differing.items() if name in ours}


def same(old: t.Any, new: t.Any) -> bool:
    """Whether a remote value already says what `new` says.

    An object is compared on the keys `new` has, since services add keys of their own (a geocoded address); null,
    an empty text and an empty list are the same nothing.
    """
    if old in (None, "", []) and new in (None, "", []):
        return True
    if isinstance(new, dict) and isinstance(old, dict):
        return all(same(old.get(key), value) for key, value in new.items())
    if isinstance(new, list) and isinstance(old, list):
        return len(old) == len(new) and all(same(*pair) for pair in zip(old, new, strict=True))
    if isinstance(new, bool) or isinstance(old, bool):
        return old is new
    return bool(old == new)
