"""Masks the values of real rows: what they look like stays, whom they belong to does not.

A letter becomes a letter, a digit a digit, a mail address stays one; equal values become equal values, so that keys
still match. The same seed gives the same masks. This makes rows unrecognisable to readers; it is no encryption.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from datetime import date, timedelta

from sync_mapper.rehearsal.codes import is_personal

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_LOWER_FOREIGN, _UPPER_FOREIGN = "äöüéèàçñøåłž", "ÄÖÜÉÈÀÇÑØÅŁŽ"
_MAIL = re.compile(r"^([^@\s]+)@([^@\s]+)$")
_ADDRESS = re.compile(r"^(\w+://)([^/\s]+)(.*)$")
_DAY = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?=$|[T ])")
_TIME = re.compile(r"^\d\d:\d\d(:\d\d)?$")
_SAFE_DOMAIN = "example"
_TRIES = 1000
_SHIFT_DAYS = (30, 400)


class Masker:
    """Masks values; what it has masked once, it masks in the same way again.

    Args:
        kept: Values that stay, such as codes the mapping names.
        seed: Decides the masks.
    """

    def __init__(self, kept: Iterable[t.Any] = (), seed: str = "") -> None:
        self._kept = {_plain(value) for value in kept}
        self._seed = seed
        self._masks: dict[str, str] = {}
        self._taken: set[str] = set()
        low, high = _SHIFT_DAYS
        self._shift = timedelta(days=low + self._number("day", 0) % (high - low))

    def record(self, record: dict[str, t.Any]) -> dict[str, t.Any]:
        """Mask a row. What points to a person is never kept, whatever its value is."""
        return {name: self.value(value, personal=is_personal(name)) for name, value in record.items()}

    def value(self, value: t.Any, *, personal: bool = False) -> t.Any:
        """Mask a value, and what it holds."""
        if isinstance(value, dict):
            return {name: self.value(one, personal=is_personal(name, personal)) for name, one in value.items()}
        if isinstance(value, list):
            return [self.value(one, personal=personal) for one in value]
        if value is None or isinstance(value, bool) or (not personal and _plain(value) in self._kept):
            return value
        if isinstance(value, str):
            return self.text(value)
        digits, exponent, power = repr(abs(value)).partition("e")
        masked = self.text(digits) + exponent + power
        return (-1 if value < 0 else 1) * (int(masked) if isinstance(value, int) else float(masked))

    def text(self, text: str) -> str:
        """Mask a text; blanks around it stay."""
        plain = text.strip()
        if not any(character.isalnum() for character in plain) or _TIME.match(plain):
            return text
        if plain not in self._masks:
            masked = self._masks[plain] = self._masked(plain)
            self._taken.add(masked)
        return text.replace(plain, self._masks[plain], 1)

    def _masked(self, text: str) -> str:
        if (mail := _MAIL.match(text)) is not None:
            return f"{self.text(mail[1])}@{self._domain(mail[2])}"
        if (address := _ADDRESS.match(text)) is not None:
            return f"{address[1]}{self._domain(address[2])}{self._letters(address[3])}"
        if (day := self._day(text)) is not None:
            return day
        return self._letters(text)

    def _domain(self, domain: str) -> str:
        name = domain.rpartition(".")[0] or domain
        return f"{self.text(name)}.{_SAFE_DOMAIN}"

    def _day(self, text: str) -> str | None:
        if (found := _DAY.match(text)) is None:
            return None
        try:
            moved = date(*(int(part) for part in found.groups())) - self._shift
        except (ValueError, OverflowError):
            return None
        return moved.isoformat() + text[found.end() :]

    def _letters(self, text: str) -> str:
        """Return other letters and digits; never the same word, and never what another text has become."""
        masked = text
        for attempt in range(_TRIES):
            masked = "".join(self._character(text, position, attempt) for position in range(len(text)))
            if masked not in self._taken and not _shares_word(text, masked):
                return masked
        return masked

    def _character(self, text: str, position: int, attempt: int) -> str:
        character = text[position]
        number = self._number(text, position, attempt)
        if character.isdigit():
            first = position == 0 or not text[position - 1].isalnum()
            # No zero comes to the front and none goes from there: numbers keep their length, area codes their shape.
            if first:
                return "0" if character == "0" else _DIGITS[1 + number % 9]
            return _DIGITS[number % len(_DIGITS)]
        if not character.isalpha():
            return character
        if character.isascii():
            letters = _UPPER if character.isupper() else _LOWER
        else:
            letters = _UPPER_FOREIGN if character.isupper() else _LOWER_FOREIGN
        return letters[number % len(letters)]

    def _number(self, text: str, position: int, attempt: int = 0) -> int:
        digest = hashlib.sha256(f"{self._seed}\0{text}\0{position}\0{attempt}".encode()).digest()
        return int.from_bytes(digest[:4], "big")


def _plain(value: t.Any) -> str:
    return str(value).strip()


_SHORTEST_WORD = 2


def _shares_word(one: str, other: str) -> bool:
    words = [{word for word in re.findall(r"\w+", text) if len(word) >= _SHORTEST_WORD} for text in (one, other)]
    return not words[0].isdisjoint(words[1])
