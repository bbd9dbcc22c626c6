"""Payloads as JSON: one text for one meaning, so that equal payloads have equal hashes."""

from __future__ import annotations

import decimal
import hashlib
import math
import typing as t

import msgspec

_CANONICAL = msgspec.json.Encoder(order="sorted", decimal_format="number", enc_hook=str)
_PLAIN = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def payload_hash(values: t.Mapping[str, t.Any]) -> str:
    """Hash a normalised payload; the order of its keys does not matter. 32 hexadecimal digits."""
    return hashlib.blake2b(_CANONICAL.encode(values), digest_size=16).hexdigest()


def to_json_text(value: t.Any) -> str:
    """Encode a value for a JSON column; numbers stay numbers, dates become ISO text."""
    return _PLAIN.encode(value).decode()


def from_json_text(text: str | bytes) -> t.Any:
    """Decode a JSON column."""
    return _DECODER.decode(text)


def _number(text: str) -> float | decimal.Decimal:
    """Read a number; one beyond the range of a float, which only a held row can have, is kept as it is."""
    value = float(text)
    return value if math.isfinite(value) else decimal.Decimal(text)


_DECODER = msgspec.json.Decoder(float_hook=_number)
