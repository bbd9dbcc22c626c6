"""The start of a run without the SDK, whose import takes more time and memory than all else a run needs.

`sync-mapper --config FILE` with settings that are plainly valid is all a run in a pipeline needs. Any other command
line, and settings that may be wrong, are left to the SDK's plug-in, which says what is wrong.
"""

from __future__ import annotations

import json
import logging
import sys
import typing as t
from decimal import Decimal

from sync_mapper import logs

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_HIGHEST_PERCENT = 100


def _is_text(value: t.Any) -> bool:
    return value is None or isinstance(value, str)


def _is_object(value: t.Any) -> bool:
    return value is None or isinstance(value, dict)


PLAINLY_VALID: dict[str, Callable[[t.Any], bool]] = {
    "mapping_file": _is_text,
    "destination_snapshot": _is_text,
    "stream_maps": _is_object,
    "stream_map_config": _is_object,
    "expressions": _is_object,
    "code_tables": _is_object,
    "unmapped_guard_percent": lambda value: type(value) is int and 0 <= value <= _HIGHEST_PERCENT,
}
"""Setting -> whether a value of it needs no closer look."""


def plain_settings(arguments: Sequence[str]) -> dict[str, t.Any] | None:
    """Return the settings a command line names; None where the SDK's plug-in must judge them.

    Args:
        arguments: Command line, without the program's name.
    """
    files: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, separator, value = argument.partition("=")
        if name != "--config":
            return None
        files.append(value if separator else next(rest, "ENV"))
    if not files or "ENV" in files:
        return None
    settings: dict[str, t.Any] = {}
    for file in files:
        try:
            with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib is not loaded otherwise
                settings = settings | json.load(opened, parse_float=Decimal)  # TypeError if it is no object
        except (OSError, ValueError, TypeError):
            return None
    known = all(name in PLAINLY_VALID and PLAINLY_VALID[name](value) for name, value in settings.items())
    return settings if known else None


def run(settings: dict[str, t.Any]) -> None:
    """Map the messages of standard input."""
    logs.set_up()
    logging.captureWarnings(capture=True)
    sys.excepthook = _tell
    from sync_mapper import running  # noqa: PLC0415 - what goes wrong while it loads is told like the rest

    running.run(settings)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what nobody foresaw, as the SDK does."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    told = error.args[0] if error.args else kind.__name__
    logging.getLogger("sync-mapper").error("%s", told, exc_info=(kind, error, trace))
