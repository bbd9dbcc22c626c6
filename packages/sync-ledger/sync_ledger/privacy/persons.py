"""Finding what belongs to one person: by an external ID, a mail address or a phone number."""

from __future__ import annotations

import re
import typing as t

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST_DIGITS: t.Final = 7
"""A number without its country has so many digits at least; shorter ones end many others."""


class Person:
    """One person, by what the ledger may know them by.

    Args:
        known_as: External ID, mail address, or phone number in the form +15551230100.
    """

    def __init__(self, known_as: str) -> None:
        self.known_as = known_as
        self._mail = known_as.casefold() if "@" in known_as else None
        self._digits = _digits(known_as) if known_as.startswith("+") else None

    def is_value(self, value: t.Any) -> bool:
        """Whether a value is what the person is known by; numbers may be grouped, or without their country."""
        if value is None or isinstance(value, bool):
            return False
        text = str(value)
        if text == self.known_as:
            return True
        if self._mail is not None:
            return text.casefold() == self._mail
        if self._digits is None:
            return False
        digits = _digits(text).lstrip("0")
        return len(digits) >= _LEAST_DIGITS and not re.search(r"[^\W\d]", text) and self._digits.endswith(digits)

    def is_reached_by(self, value: t.Any) -> bool:
        """Whether any part of a value is their address or number; an external ID is none, it may be any number."""
        if self._mail is None and self._digits is None:
            return False
        return any(self.is_value(leaf) for leaf in leaves(value))

    def has_key(self, source_key: str) -> bool:
        """Whether a row is the person's: its key is, or has as one of its values, what they are known by."""
        if source_key == self.known_as:
            return True
        try:
            key = msgspec.json.decode(source_key)
        except msgspec.DecodeError:
            return False
        return any(str(value) == self.known_as for value in leaves(key))

    def is_told_of(self, text: str) -> bool:
        """Whether a text has their address or number in it."""
        if self._mail is not None:
            return self._mail in text.casefold()
        return self._digits is not None and self.known_as in text


def leaves(value: t.Any) -> Iterator[t.Any]:
    """Go through the parts of a value that have no parts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
