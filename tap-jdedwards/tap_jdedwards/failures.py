"""How a run ends that did not go well: exit code 1 and lines that people can act on."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jde_ais import AisError
from singer_sdk.exceptions import ConfigValidationError

from tap_jdedwards.composed.definition import DefinitionError
from tap_jdedwards.settings import SettingsError

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator


class IncompleteRunError(Exception):
    """Some streams could not be read; each has been logged already."""


@contextmanager
def one_line_errors(logger: logging.Logger) -> Iterator[None]:
    """End the program with exit code 1 and one line for errors that a person can act on.

    Args:
        logger: Where the line goes.
    """
    try:
        yield
    except IncompleteRunError:
        sys.exit(1)  # each stream's error has been logged where it happened
    except ConfigValidationError as error:
        for line in error.errors:
            logger.error("Wrong settings: %s", without_secret(line))  # noqa: TRY400 -- for people, not for debugging
        sys.exit(1)
    except json.JSONDecodeError as error:
        logger.error("The state or catalog file is no valid JSON: %s", error)  # noqa: TRY400 -- likewise
        sys.exit(1)
    except BrokenPipeError:
        # Python would complain once more when it flushes the output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        logger.error("The program that reads the tap's output has ended")  # noqa: TRY400 -- likewise
        sys.exit(1)
    except (AisError, SettingsError, DefinitionError) as error:
        logger.error("%s", error)  # noqa: TRY400 -- likewise
        sys.exit(1)


def without_secret(line: str) -> str:
    """Drop the value that a validation error quotes when it is a secret (one of digits only is no text in JSON).

    Args:
        line: What the validation says.

    Returns:
        The same, without the value of a secret.
    """
    for name in ("password", "jwt"):
        if line.endswith(f"in config['{name}']"):
            return f"the {name} must be text, in quotes"
    return line
