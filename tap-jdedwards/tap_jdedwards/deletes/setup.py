"""From the settings to the sweep of one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jdedwards.deletes.store import KeyStore
from tap_jdedwards.deletes.sweep import DELETED_AT, Sweep

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping, Sequence

    from tap_jdedwards.settings import TapSettings

DELETED_AT_SCHEMA: dict[str, Any] = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "When the row was found deleted (UTC); null while it is there",
}


def wants_sweep(settings: TapSettings, stream: str) -> bool:
    """Tell whether the settings ask for deletions of a stream.

    Args:
        settings: The settings.
        stream: Its name.

    Returns:
        True if so; the stream's schema then has ``_sdc_deleted_at``.
    """
    return settings.detect_deletes and (not settings.detect_deletes_in or stream in settings.detect_deletes_in)


def open_sweep(
    settings: TapSettings,
    stream: str,
    *,
    key: Sequence[str],
    properties: Iterable[str],
    state: Mapping[str, Any],
    logger: logging.Logger,
) -> Sweep | None:
    """Make the sweep of a stream; use it as a context manager.

    Args:
        settings: The settings.
        stream: Its name.
        key: Its key properties.
        properties: All properties of its records.
        state: Its incoming state.
        logger: Where the sweep says what it found.

    Returns:
        The sweep; None when the settings ask for none.

    Raises:
        KeysError: When the file of the keys cannot be used.
    """
    if not wants_sweep(settings, stream) or settings.keys_path is None:
        return None
    shard = "" if settings.shard is None else f".{settings.shard[0]}-of-{settings.shard[1]}"
    deletes = state.get("deletes")
    sweep = deletes.get("sweep") if isinstance(deletes, dict) else None
    return Sweep(
        KeyStore(settings.keys_path / f"{stream}{shard}.sqlite", key),
        stream=stream,
        key=key,
        properties=properties,
        guard_percent=settings.delete_guard_percent,
        acknowledged=sweep if type(sweep) is int else None,
        logger=logger,
    )


__all__ = ["DELETED_AT", "DELETED_AT_SCHEMA", "open_sweep", "wants_sweep"]
