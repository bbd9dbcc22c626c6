"""Uses that null does harm to: what happens then, and what to write instead."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_GUARD = "write `{all} if {it} is not None else None`"

USES: Mapping[str, tuple[str, str]] = {
    "arithmetic": ("it cannot be calculated with", f"{_GUARD}, or `({{it}} or {{empty}})`"),
    "comparison": ("it cannot be compared by size", "write `{it} is not None and {all}`, or `({it} or {empty})`"),
    "number": ("{function}() fails on null", f"{_GUARD}, or use `{{helper}}({{it}})`"),
    "text": ("str() makes the text 'None' of it", f"{_GUARD}, or use `text({{it}})`"),
    "in text": ("the text 'None' would stand in its place", "write `{it} or ''` there, or use `join(' ', ...)`"),
    "argument": ("{function}() does not take null", _GUARD),
    "method": ("null has no .{function}()", "write `{all} if {it} else None`, or `({it} or '').{function}(...)`"),
    "object method": ("null has no .{function}()", "write `({it} or {{}}).{function}(...)`"),
    "part": ("null has no parts", "write `{all} if {it} else None`, or `({it} or {{}}).get(...)`"),
    "part of text": ("null has no parts", "write `{all} if {it} else None`, or `({it} or '')`"),
    "item": ("null has no items", "write `{all} if {it} else None`, or use `first({it})`"),
    "key": ("null is no place in a list and no key of an object", "write `.get({it})`"),
    "iteration": ("it cannot be gone through", "write `for ... in {it} or []`"),
    "unpacking": ("it cannot be gone through", "write `*({it} or [])`"),
    "merging": ("it cannot be put into another object", "write `**({it} or {{}})`"),
    "container": ("nothing can be looked for in it", "write `({it} or [])`"),
}
"""Use -> what null does there, and the remedy. `{it}` is the value, `{all}` the expression around it."""


def told(use: str, it: str, around: str, *, function: str = "", empty: str = "0") -> tuple[str, str]:
    """Return message and remedy for a value that may be null.

    Args:
        use: How it is used.
        it: The value, as it is written.
        around: The expression that uses it.
        function: Function or method that is called.
        empty: What may stand in for null.
    """
    harm, remedy = USES[use]
    helper = {"int": "integer", "float": "number"}.get(function, function)
    words = {"it": it, "all": around, "function": function, "helper": helper, "empty": empty}
    message = f"`{it}` may be null, and {harm.format(**words)}"
    return message, remedy.format(**words)
