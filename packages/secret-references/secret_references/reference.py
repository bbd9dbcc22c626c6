"""What a reference looks like: `env:NAME`, `file:PATH`, `keyring:SERVICE/NAME`, `age:FILE#NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from secret_references.errors import SecretError

PLAIN = "plain:"
"""What stands before a value that would otherwise be taken for a reference."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = {
    "env": "env:NAME with the name of an environment variable",
    "file": "file:PATH with the path of a file",
    "keyring": "keyring:SERVICE/NAME",
    "age": "age:FILE#NAME",
}


@dataclass(frozen=True)
class Reference:
    """Where a secret is.

    Attributes:
        kind: `env`, `file`, `keyring` or `age`.
        place: Variable, path, service or encrypted file.
        name: Which secret of that place; empty where a place holds one only.
    """

    kind: str
    place: str
    name: str = ""


def parse(text: str) -> Reference | None:
    """Return the reference a text is, None for a plain value.

    Raises:
        SecretError: It begins like a reference and is none. The text is not repeated: it may be the secret itself.
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in _FORMS:
        return None
    if kind == "env":
        found = Reference(kind, rest) if _VARIABLE.fullmatch(rest) else None
    elif kind == "file":
        found = Reference(kind, rest) if rest.strip() else None
    else:
        # At the last mark: services are often addresses, and folders may have any name.
        place, _, name = rest.rpartition("/" if kind == "keyring" else "#")
        found = Reference(kind, place, name) if place.strip() and name.strip() else None
    if found is None:
        raise SecretError(
            f"it begins like a reference and must then be {_FORMS[kind]}; a value that just begins with {kind}: is "
            f"written with {PLAIN} before it"
        )
    return found
