"""Payloads as JSON: one text for one meaning, so that equal payloads have equal hashes."""

from __future__ import annotations

import hashlib
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
    return msgspec.json.decode(text)
