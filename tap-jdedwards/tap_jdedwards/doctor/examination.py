"""All checks in their order; those that need a failed one are left out."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from doctor_findings import Finding, Status, failed, good, of_error, warning
from jde_ais import AisError
from singer_sdk.exceptions import ConfigValidationError

from tap_jdedwards.composed.definition import DefinitionError
from tap_jdedwards.composed.loading import definitions
from tap_jdedwards.doctor.clock import check_clock, likely_zones
from tap_jdedwards.doctor.fetching import check_fetching
from tap_jdedwards.doctor.network import check_network
from tap_jdedwards.doctor.server import check_log_in, check_server
from tap_jdedwards.doctor.tables import check_table, tables_needed
from tap_jdedwards.failures import in_plain_words
from tap_jdedwards.settings import SettingsError
from tap_jdedwards.tap import TapJDEdwards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.doctor.tables import Seen
    from tap_jdedwards.settings import TapSettings

_CORRECT = "correct it; tap-jdedwards --about lists the settings"


def examine(config: Any) -> Iterator[Finding]:
    """Examine a set-up from the settings to the last table.

    Args:
        config: Parsed ``--config`` arguments.

    Yields:
        Findings as they come.
    """
    try:
        tap = TapJDEdwards.from_command_line(config, setup_mapper=False)
        settings = tap.settings
        known = definitions(settings.definitions_file)
        _ = settings.ais.base_url
    except ConfigValidationError as error:
        for line in error.errors:
            yield failed("settings", in_plain_words(line), _CORRECT)
        return
    except (SettingsError, DefinitionError, AisError) as error:
        yield of_error("settings", error, otherwise=_CORRECT)
        return
    findings = list(_more_settings(settings, known))
    yield from findings or [good("settings", f"valid; {settings.ais.base_url}")]
    for stage in (check_network, check_server):
        for finding in stage(settings.ais):
            yield finding
            if finding.status is Status.FAILED:
                return
    try:
        yield from _inside(tap, known)
    finally:
        tap.close()


def _more_settings(settings: TapSettings, known: Mapping[str, Definition]) -> Iterator[Finding]:
    unknown = [name for name in settings.streams if name not in known]
    if unknown:
        remedy = f"there are only {', '.join(sorted(known))}; definitions_file adds others"
        yield failed("settings", f"the setting streams names {', '.join(unknown)}", remedy)
    if not settings.tables and not settings.streams:
        yield warning("settings", "neither tables nor streams: there is nothing to read", "name some")
    if settings.detect_deletes and settings.keys_path and not _writable(settings.keys_path):
        yield failed("settings", f"keys_path {settings.keys_path} cannot be written", "give a folder of this user's")


def _writable(folder: Path) -> bool:
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _inside(tap: TapJDEdwards, known: Mapping[str, Definition]) -> Iterator[Finding]:
    for finding in check_log_in(tap.client):
        yield finding
        if finding.status is Status.FAILED:
            return
    seen: list[Seen] = []
    for needed in tables_needed(tap.settings, known):
        for found in check_table(tap, needed):
            if isinstance(found, Finding):
                yield found
                continue
            if not seen:
                now = datetime.now(timezone.utc).replace(tzinfo=None)
                yield check_clock(found.clock, now, likely_zones(tap.client.user.time_zone_offset))
            seen.append(found)
    fetching = check_fetching(tap.client, seen, tap.settings.page_size)
    if fetching is not None:
        yield fetching
