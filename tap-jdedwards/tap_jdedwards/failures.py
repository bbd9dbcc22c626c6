"""How a run ends that did not go well: exit code 1 and lines that people can act on."""

from __future__ import annotations

import errno
import os
import re
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


_OUTPUT_LOST = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of writing to a file or disk; those of the network arrive as AisUnavailable."""


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
            logger.error("Wrong settings: %s", in_plain_words(line))  # noqa: TRY400 -- for people, not for debugging
        sys.exit(1)
    except BrokenPipeError:
        _forget_output()
        logger.error("The program that reads the tap's output has ended")  # noqa: TRY400 -- likewise
        sys.exit(1)
    except OSError as error:
        if error.errno not in _OUTPUT_LOST:
            raise
        _forget_output()
        logger.error("The tap's output cannot be written: %s", error.strerror)  # noqa: TRY400 -- likewise
        sys.exit(1)
    except (AisError, SettingsError, DefinitionError) as error:
        logger.error("%s", error)  # noqa: TRY400 -- likewise
        sys.exit(1)


def _forget_output() -> None:
    """Point standard output to nowhere: Python would complain once more when it flushes the output at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_SETTING = re.compile(r"(?P<what>.*) in config\[(?P<path>.*)\]", re.DOTALL)
_MISSING = re.compile(r"'(?P<name>\w+)' is a required property")
_PLAIN = (
    (re.compile(r"(?P<value>.*) is not of type (?P<types>.*)", re.DOTALL), None),
    (re.compile(r"(?P<value>.*) is less than the minimum of (?P<limit>.*)", re.DOTALL), "{limit} or more"),
    (re.compile(r"(?P<value>.*) is greater than the maximum of (?P<limit>.*)", re.DOTALL), "{limit} or less"),
    (re.compile(r"(?P<value>.*) is not one of \[(?P<limit>.*)\]", re.DOTALL), "one of {limit}"),
)


def in_plain_words(line: str) -> str:
    """Say what is wrong with a setting in words for people who know no JSON schema.

    Args:
        line: What the validation says, as the SDK writes it (read at 0.54.9).

    Returns:
        The same in plain words, without the value of a secret; unchanged if it is of no known form.
    """
    told = without_secret(line)
    if told != line:
        return told
    missing = _MISSING.fullmatch(line)
    if missing is not None:
        name = missing["name"]
        return (
            f"{name} is missing; give TAP_JDEDWARDS_{name.upper()} in the environment (read with --config=ENV), or "
            f"{name} in a configuration file"
        )
    setting = _SETTING.fullmatch(line)
    if setting is None:
        return line
    name = setting["path"].replace("']['", ".").replace("'", "").replace("][", " ")
    for pattern, form in _PLAIN:
        found = pattern.fullmatch(setting["what"])
        if found is not None:
            types = [word.strip("' ") for word in (found.groupdict().get("types") or "").split(",")]
            expected = " or ".join(_WORDS.get(word, word) for word in types if word != "null")
            return f"{name} must be {form.format(**found.groupdict()) if form else expected}, not {found['value']}"
    return line


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
