"""From a name in the setting ``streams`` to a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jde_ais import AisError, AisUnavailable

from tap_jdedwards.composed.resolving import resolved, unknown_columns
from tap_jdedwards.composed.stream import ComposedStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.tap import TapJDEdwards


def composed_stream(tap: TapJDEdwards, name: str, known: Mapping[str, Definition]) -> ComposedStream:
    """Make a composed stream.

    Args:
        tap: The tap.
        name: Its name.
        known: All definitions.

    Returns:
        The stream. One with a table that cannot be read is offered all the same, as long as the tap knows its columns;
        reading it then tells what is wrong.

    Raises:
        ValueError: When there is none of that name, or its definition does not fit the server.
        AisError: When the server must be asked for columns and does not tell.
    """
    if name not in known:
        raise ValueError(f"the setting streams names it, but there are only {', '.join(sorted(known))}")
    definition = known[name]
    try:
        definition = resolved(definition, tap.columns)
    except AisError as error:
        if unknown_columns(definition) or (isinstance(error, AisUnavailable) and not error.reached):
            raise
    return ComposedStream(tap, definition)
