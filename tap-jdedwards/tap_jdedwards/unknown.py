"""Misspelt settings, variables and streams: names that mean nothing would otherwise be ignored in silence."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NO_SETTINGS = {"LOGLEVEL"}
"""What may stand behind the prefix of the variables without being a setting."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest what was meant.

    Args:
        name: A name that is not known.
        known: Those that are.

    Returns:
        ``; did you mean tables?``, or nothing when no known name comes close.
    """
    by_small = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), by_small, n=1)
    return f"; did you mean {by_small[found[0]]}?" if found else ""


def unknown_settings(schema: Mapping[str, Any], given: Iterable[str]) -> Iterator[str]:
    """Find settings of a configuration that do not exist.

    Args:
        schema: JSON schema of the settings, those that the SDK adds included.
        given: Names of a configuration.

    Yields:
        A line for each.
    """
    known = schema["properties"]
    for name in given:
        if name not in known:
            yield f"There is no setting {name}, it is ignored{nearest(name, known)}"


def unknown_variables(schema: Mapping[str, Any], prefix: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Find environment variables that look like settings and are none.

    Meltano sets variables of its own with the same prefix: ``TAP_JDEDWARDS__CATALOG`` for what its names begin with an
    underscore, ``TAP_JDEDWARDS_SHARD_INDEX`` for a part of an object.

    Args:
        schema: JSON schema of the settings, those that the SDK adds included.
        prefix: What their variables begin with.
        environment: All variables.

    Yields:
        A line for each.
    """
    known = {name.upper(): one for name, one in schema["properties"].items()}
    objects = tuple(f"{name}_" for name, one in known.items() if "object" in one.get("type", ()))
    for variable in sorted(environment):
        name = variable.removeprefix(prefix)
        if name == variable or name in known or name in _NO_SETTINGS or name.startswith(("_", *objects)):
            continue
        meant = nearest(variable, (prefix + one for one in known))
        yield f"The environment variable {variable} is no setting, it is ignored{meant}"
