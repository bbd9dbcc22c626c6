"""Segments of a text: GSM-7 or UCS-2, by the standard GSM 03.38."""

from __future__ import annotations

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_GSM = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}
_ALONE = {"GSM-7": 160, "UCS-2": 70}
_SPLIT = {"GSM-7": 153, "UCS-2": 67}
_SMART = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u00a0": " ",
    }
)
LONGEST = 1600


def encoding(text: str) -> str:
    """Returns `GSM-7`, or `UCS-2` as soon as one character is not of the GSM alphabet."""
    return "GSM-7" if all(character in _GSM for character in text) else "UCS-2"


def segments(text: str) -> int:
    """Returns how many segments a text takes; a character is never cut in two."""
    kind = encoding(text)
    sizes = [_GSM[one] if kind == "GSM-7" else len(one.encode("utf-16-be")) // 2 for one in text]
    if sum(sizes) <= _ALONE[kind]:
        return 1
    count, room = 1, _SPLIT[kind]
    for size in sizes:
        if size > room:
            count, room = count + 1, _SPLIT[kind]
        room -= size
    return count


def smart(text: str) -> str:
    """Returns a text with what `SmartEncoded` replaces by characters of the GSM alphabet."""
    return text.translate(_SMART)
