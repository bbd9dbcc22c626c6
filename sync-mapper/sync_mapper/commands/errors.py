"""How commands end when they cannot do what they are told."""

from __future__ import annotations

import logging
import typing as t
from contextlib import contextmanager

import click

from sync_mapper.errors import MapperError, MappingError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_USAGE = 2


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End with exit code 2 and one line for each problem, instead of a traceback; the mapper's own log is left out."""
    logger = logging.getLogger("sync-mapper")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    except MapperError as error:
        for problem in error.problems if isinstance(error, MappingError) else (str(error),):
            click.echo(f"Error: {problem}", err=True)
        raise click.exceptions.Exit(WRONG_USAGE) from error
    finally:
        logger.setLevel(level)
