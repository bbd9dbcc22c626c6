"""Paths of the Web API: segments, key predicates and references to rows (fact sheet sections 2, 4, 5 and 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from service_emulators.dynamics.errors import bad_query, no_such_segment

ROOT = re.compile(r"/api/data/v9\.[0-2](?=/|$)")
PREDICATE = "()"
"""Stands in route templates, as a segment of its own, for what brackets behind a name hold."""

FORBIDDEN = frozenset("/<>*%&:\\?+")
"""Characters that no key value in a URL may hold, encoded or not."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEGMENT = re.compile(r"([^()]+)(?:\((.*)\))?", re.DOTALL)
_PAIR = re.compile(r"\s*([A-Za-z_@][\w]*)\s*=\s*(?:'((?:[^']|'')*)'|([^',()]*))\s*(?:,|$)")


@dataclass(frozen=True)
class KeyValue:
    """A value of a key predicate.

    Attributes:
        text: as it is written, quotes undone.
        quoted: it was in quotes.
    """

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Predicate:
    """What the brackets behind a name hold.

    Attributes:
        text: decoded text between the brackets.
    """

    text: str

    @property
    def guid(self) -> str | None:
        """The row's id in lower case, if it is one."""
        return self.text.strip().lower() if _GUID.fullmatch(self.text.strip()) else None

    def pairs(self) -> dict[str, KeyValue]:
        """Returns the values by name.

        Raises:
            ApiError: 400, they are not `name=value` with commas between, or a value holds a forbidden character.
        """
        found: dict[str, KeyValue] = {}
        position = 0
        while position < len(self.text):
            match = _PAIR.match(self.text, position)
            if match is None or match[1] in found:
                raise syntax_error()
            text, quoted = (match[3].strip(), False) if match[2] is None else (match[2].replace("''", "'"), True)
            if quoted and FORBIDDEN.intersection(text):
                raise syntax_error()
            found[match[1]] = KeyValue(text, quoted)
            position = match.end()
        if not found:
            raise syntax_error()
        return found


@dataclass(frozen=True)
class Address:
    """A path below the root of the Web API.

    Attributes:
        segments: names, and `PREDICATE` behind those that had brackets.
        predicates: what the brackets held, in order.
    """

    segments: tuple[str, ...]
    predicates: tuple[Predicate, ...] = ()

    @property
    def row(self) -> tuple[str, Predicate] | None:
        """Entity set and predicate, if this is the address of a row and nothing else."""
        if len(self.segments) == len((self.segments[0], PREDICATE)) and self.segments[1] == PREDICATE:
            return self.segments[0], self.predicates[0]
        return None


def syntax_error() -> Exception:
    """A URL that cannot be read."""
    return bad_query("Bad Request - Error in query syntax.")


def parse(path: str) -> Address:
    """Reads a path below the root, percent-encoded as it was sent: `accounts(jde_an8='1')/name`.

    Raises:
        ApiError: 400, brackets do not fit.
    """
    if not path.strip("/"):
        raise no_such_segment("")
    segments: list[str] = []
    predicates: list[Predicate] = []
    for part in path.strip("/").split("/"):
        match = _SEGMENT.fullmatch(unquote(part))
        if match is None:
            raise syntax_error()
        segments.append(match[1])
        if match[2]:
            segments.append(PREDICATE)
            predicates.append(Predicate(match[2]))
    return Address(tuple(segments), tuple(predicates))


def relative(url: str) -> str:
    """Returns a URL, however it is written, as a path below the root, its query string with it.

    Absolute, relative to the host (`/api/data/v9.2/accounts`) and relative to the root (`accounts`, `/accounts`) mean
    the same.
    """
    rest = re.sub(r"^https?://[^/]+", "", url)
    rest = ROOT.sub("", rest, count=1) if ROOT.match(rest) else rest
    return rest.lstrip("/")
