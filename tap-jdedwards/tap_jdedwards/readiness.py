"""What is checked before the first row is read: whether catalog, state and folders fit what the tap has to offer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tap_jdedwards.settings import SettingsError
from tap_jdedwards.shards import Part, ShardError
from tap_jdedwards.unknown import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from tap_jdedwards.tap import TapJDEdwards


def check_readiness(tap: TapJDEdwards) -> None:
    """Check what every stream would stumble over, and warn of names that mean nothing.

    Args:
        tap: The tap; its streams are discovered.

    Raises:
        SettingsError: When the catalog names no stream on offer, the state belongs to another shard, or the folder of
            the keys cannot be used.
    """
    _check_names(tap)
    settings = tap.settings
    for name, entry in tap.state.get("bookmarks", {}).items():
        if name in tap.streams and tap.streams[name].selected:
            try:
                Part(settings.shard, None).check(name, entry)
            except ShardError as error:
                raise SettingsError(str(error)) from error
    if settings.detect_deletes and settings.keys_path is not None:
        _check_folder(settings.keys_path)


def _check_names(tap: TapJDEdwards) -> None:
    offered = list(tap.streams)
    known = {*offered, *tap.failures, *tap.settings.tables, *tap.settings.streams}
    listed = list(tap.input_catalog or ())
    strange = [name for name in listed if name not in known]
    if listed and len(strange) == len(listed):
        raise SettingsError(
            f"The catalog has none of the streams on offer ({', '.join(offered) or 'there are none'}), but "
            f"{', '.join(strange)}; make one with --discover and the same settings"
        )
    for name in strange:
        tap.logger.warning("The catalog has %s, which is no stream on offer%s", name, nearest(name, offered))
    for name in tap.state.get("bookmarks", {}):
        if name not in known:
            tap.logger.warning("The state has %s, which is no stream on offer%s", name, nearest(name, offered))
    if not offered and not tap.failures:
        tap.logger.warning("Nothing is read: the settings tables and streams are both empty")
    elif offered and not any(stream.selected for stream in tap.streams.values()):
        tap.logger.warning("Nothing is read: the catalog selects no stream ('selected': true in its metadata)")


def _check_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"keys_path {path} cannot be made: {error.strerror}; name a folder that the tap may write to"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingsError(f"keys_path {path} cannot be written to; name a folder that the tap may write to")
