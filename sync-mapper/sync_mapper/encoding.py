"""JSON as the SDK's msgspec reader and writer have it: exact numbers as `Decimal`, unknown values as text.

These are made here and not taken from the SDK, whose import costs more time and memory than a whole run.
"""

from __future__ import annotations

import typing as t
from datetime import datetime
from decimal import Decimal

import msgspec

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What the SDK writes into schemas it makes."""


def _plain(value: t.Any) -> str:
    return value.isoformat(sep="T") if isinstance(value, datetime) else str(value)


encoder = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
decoder = msgspec.json.Decoder(float_hook=Decimal)
