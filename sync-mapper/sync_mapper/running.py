"""A run of the mapper from its settings to its exit code; what ends it is one line, not a traceback."""

from __future__ import annotations

import os
import sys
import typing as t

from sync_mapper.errors import MapperError, MappingError
from sync_mapper.mapper import SyncMapper, logger

if t.TYPE_CHECKING:
    from collections.abc import Iterable


def run(config: dict[str, t.Any], lines: Iterable[str] | None = None) -> None:
    """Map all messages.

    Args:
        config: Valid settings.
        lines: Messages; those of standard input if not given.
    """
    try:
        SyncMapper(config).listen(lines)
    except MappingError as error:
        for problem in error.problems:
            logger.error("%s", problem)
        sys.exit(1)
    except MapperError as error:
        logger.error("%s", error)
        sys.exit(1)
    except BrokenPipeError:
        logger.error("The target closed the pipe; see its own messages")
        # The interpreter flushes standard output once more when it ends; there must be something to take it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
