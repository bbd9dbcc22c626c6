"""Segments of a text message: how many there are, and how a text is made to fit.

GSM 03.38: 160 septets alone, 153 each when there are several, and the extension table counts twice; one character
beyond that alphabet makes it UCS-2, 70 units alone and 67 each (a character beyond the basic plane is two units).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

_BASIC: t.Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: t.Final = frozenset("\f^{}\\[~]|€")
_NEAR: t.Final = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "),
    "…": "...",
    "•": "*",
    "\u200b": "",
    "\ufeff": "",
}
LONGEST: t.Final = 1_600
"""Characters of the longest text the service takes."""
_ALONE: t.Final = {"GSM-7": 160, "UCS-2": 70}
_EACH: t.Final = {"GSM-7": 153, "UCS-2": 67}
_ELLIPSIS: t.Final = "..."


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a text message.

    Attributes:
        encoding: `GSM-7` or `UCS-2`.
        units: Septets or UCS-2 units.
        segments: Segments it is sent in.
        culprit: The first character that made it UCS-2; None in GSM-7.
    """

    encoding: str
    units: int
    segments: int
    culprit: str | None = None


def size(text: str) -> Size:
    """Return the size of a text as it stands."""
    culprit = next((character for character in text if character not in _BASIC and character not in _EXTENSION), None)
    encoding = "GSM-7" if culprit is None else "UCS-2"
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    if units <= _ALONE[encoding]:
        return Size(encoding, units, 1, culprit)
    # A character of two units does not straddle two segments.
    segments, used = 1, 0
    for width in widths:
        if used + width > _EACH[encoding]:
            segments, used = segments + 1, 0
        used += width
    return Size(encoding, units, segments, culprit)


def plain(text: str) -> str:
    """Return a text with typographic quotes, dashes and blanks as the characters of GSM-7 that mean the same."""
    return "".join(_NEAR.get(character, character) for character in text)


def fits(text: str, most: int) -> bool:
    """Return whether a text needs no more segments than that and is no longer than the service takes."""
    return len(text) <= LONGEST and size(text).segments <= most


def cut(text: str, most: int) -> str:
    """Return a text cut so that it fits, with dots where it ends."""
    if fits(text, most):
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits; segments never fall when a text gets longer
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle].rstrip() + _ELLIPSIS, most) else (low, middle - 1)
    return text[:low].rstrip() + _ELLIPSIS


def _width(character: str, encoding: str) -> int:
    if encoding == "UCS-2":
        return 1 if ord(character) <= 0xFFFF else 2  # noqa: PLR2004 - end of the basic plane
    return 2 if character in _EXTENSION else 1
