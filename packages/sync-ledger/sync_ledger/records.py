"""From RECORDs to what the engine takes: external IDs, fields, and the rows a mapper could not map."""

from __future__ import annotations

import decimal
import typing as t

import msgspec

from sync_ledger.engine.validate import number_text
from sync_ledger.rows import Origin, Outcome, Reason, Settled, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def external_id_of(record: Mapping[str, t.Any], key_properties: Sequence[str]) -> str | None:
    """Return the external ID of a record: its key values joined by `-`.

    Blanks around a value do not count, since services may or may not keep them, and 7.0 is 7. With several values a
    `-` inside one is written `%2D`, so that different keys never give one ID. None if a value is missing, blank, or
    neither text nor finite number.
    """
    parts: list[str] = []
    for name in key_properties:
        part = _key_part(record.get(name))
        if part is None:
            return None
        parts.append(part)
    if len(parts) == 1:
        return parts[0]
    return "-".join(part.replace("%", "%25").replace("-", "%2D") for part in parts)


def _key_part(value: t.Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, decimal.Decimal)):
        return None
    if isinstance(value, (float, decimal.Decimal)):
        return number_text(value)
    return str(value).strip() or None


def is_field(name: str, key_properties: Sequence[str]) -> bool:
    """Whether a property of a record is a field of the service, neither key nor metadata."""
    return name not in key_properties and not name.startswith("_sdc_")


def unmapped(record: Mapping[str, t.Any]) -> Settled:
    """Return the outcome of a row that a mapper could not map, as its stream `_unmapped` tells of it."""
    key = record.get("mapped_key") or record.get("key")
    source = record.get("record") or {}
    payload = source if isinstance(source, dict) else {"record": source}
    row = SourceRow(str(record.get("stream")), _unmapped_key(key), payload, origin=_origin(record, payload))
    field = record.get("field")
    text = f"mapping {record.get('map')}: {record.get('reason')}"
    return Settled(row, Outcome.HELD, Reason.UNMAPPED, str(field) if field else None, text)


def _origin(record: Mapping[str, t.Any], payload: Mapping[str, t.Any]) -> Origin | None:
    """Return where the row came from; None if the mapper does not say."""
    stream = record.get("source_stream")
    if not isinstance(stream, str):
        return None
    missing = record.get("missing")
    names = tuple(str(name) for name in missing) if isinstance(missing, list) else ()
    # A source without a key is given a hash for one, which is no property.
    key = tuple(name for name in _decoded(record.get("key")) or () if name in payload or name in names)
    return Origin(stream, key, names)


def _unmapped_key(text: t.Any) -> str:
    """Return the external ID of a row that could not be mapped.

    The mapper gives keys as a JSON object: `mapped_key` under the names of the target stream when it could compute
    them, so that the held row is superseded when the row comes again and is mapped; else `key`, the source's own.
    """
    key = _decoded(text)
    return (external_id_of(key, list(key)) if key else None) or str(text)


def _decoded(text: t.Any) -> dict[str, t.Any] | None:
    try:
        key = msgspec.json.decode(str(text))
    except msgspec.DecodeError:
        return None
    return key if isinstance(key, dict) else None
