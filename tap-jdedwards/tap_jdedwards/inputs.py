"""Checks of what is given on the command line, before the SDK reads it: its own errors there are tracebacks.

A malformed value must neither turn into another setting (the SDK, read at 0.54.9, takes every word but a few for
"false", also for ``verify_tls``) nor start a load from the beginning that nobody asked for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_jdedwards.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_YES = {"true", "1", "yes", "on"}
_NO = {"false", "0", "no", "off"}
_METHODS = ("INCREMENTAL", "FULL_TABLE")


def check_config_files(paths: Iterable[str]) -> None:
    """Check that the configuration files can be read.

    Args:
        paths: What ``--config`` names; ``ENV`` is no file.

    Raises:
        SettingsError: When one is missing or holds no JSON object.
    """
    for path in paths:
        if path == "ENV":
            continue
        if not isinstance(read_json("--config", path), dict):
            raise SettingsError(f'--config {path} must hold a JSON object like {{"ais_url": "https://..."}}')


def read_json(option: str, path: str) -> Any:
    """Read a file that the command line names.

    Args:
        option: The option that names it, like ``--state``.
        path: The file; ``-`` is standard input.

    Returns:
        Its content.

    Raises:
        SettingsError: When it cannot be read or is no JSON.
    """
    try:
        return json.loads(sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{option} {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # of JSON as well as of UTF-8
        raise SettingsError(f"{option} {path} holds no valid JSON: {error}") from error


def check_environment(schema: Mapping[str, Any], prefix: str, environment: Mapping[str, str]) -> None:
    """Check the settings among the environment variables.

    Args:
        schema: JSON schema of the settings.
        prefix: What their variables begin with.
        environment: All variables.

    Raises:
        SettingsError: When a value has the wrong form; the text names the variable but not the value.
    """
    for name, setting in schema["properties"].items():
        variable = prefix + name.upper()
        value = environment.get(variable)
        if value is None:
            continue
        expected = _expected(setting["type"], value)
        if expected is not None:
            raise SettingsError(f"The environment variable {variable} must be {expected}; unset it for the default")


def _expected(kinds: str | list[str], value: str) -> str | None:
    """Say what a value should have been; None when it is that."""
    if "integer" in kinds:
        return None if value.strip().lstrip("+-").isdecimal() else "a whole number"
    if "boolean" in kinds:
        return None if value.lower() in _YES | _NO else "true or false"
    if "object" in kinds:
        return None if _is_json(value, dict) else "a JSON object"
    if "array" in kinds and value.lstrip().startswith("["):  # the SDK still takes a,b,c as well
        return None if _is_json(value, list) else 'a JSON array like ["F0101"]'
    return None


def _is_json(value: str, kind: type) -> bool:
    try:
        return isinstance(json.loads(value), kind)
    except ValueError:
        return False


def checked_state(state: Any) -> dict[str, Any] | None:
    """Check the shape of a state file.

    Args:
        state: Its content.

    Returns:
        The same; None for an empty one.

    Raises:
        SettingsError: When it is no Singer state.
    """
    if not state and isinstance(state, (dict, type(None))):
        return None
    bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict) or not all(isinstance(entry, dict) for entry in bookmarks.values()):
        raise SettingsError(
            'The state file holds no Singer state, which looks like {"bookmarks": {"F0101": {...}}}; '
            "of a STATE message give what is under value"
        )
    found: dict[str, Any] = state
    return found


def with_replication_metadata(catalog: dict[str, Any]) -> dict[str, Any]:
    """Let the replication method and key decide that a user put among a stream's metadata.

    Key properties go out whatever the metadata select.

    The SDK (read at 0.54.9) looks at the stream's own entries first, which discovery has filled in, and at no method in
    the metadata. Discovery writes ``forced-replication-method`` as well, so that ``replication-method`` goes before it
    and an INCREMENTAL one says nothing. A key that discovery put there is among ``valid-replication-keys``.

    Args:
        catalog: A Singer catalog.

    Returns:
        The same with both in the entries of the streams.
    """
    return {**catalog, "streams": [_with_metadata(entry) for entry in catalog["streams"]]}


def _with_metadata(entry: dict[str, Any]) -> dict[str, Any]:
    listed = entry.get("metadata") or ()
    given: dict[str, Any] = next((item["metadata"] for item in listed if not item.get("breadcrumb")), {})
    method, key = given.get("replication-method"), given.get("replication-key")
    if not method and given.get("forced-replication-method") == "FULL_TABLE":
        method = "FULL_TABLE"
    chosen = {} if not method else {"replication_method": method}
    if key and key not in (given.get("valid-replication-keys") or ()):
        chosen["replication_key"] = key
    keys = {("properties", name) for name in entry.get("key_properties") or ()}
    for item in listed:
        if tuple(item.get("breadcrumb") or ()) in keys:
            item["metadata"] = {**item["metadata"], "inclusion": "automatic"}
    return {**entry, **chosen}


def checked_catalog(catalog: Any) -> dict[str, Any]:
    """Check the shape of a catalog file.

    Args:
        catalog: Its content.

    Returns:
        The same.

    Raises:
        SettingsError: When it is no Singer catalog, or says something that cannot be meant.
    """
    streams = catalog.get("streams") if isinstance(catalog, dict) else None
    if not isinstance(streams, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("tap_stream_id"), str) for entry in streams
    ):
        raise SettingsError("The catalog file holds no Singer catalog; make one with --discover")
    if not streams:
        raise SettingsError("The catalog file lists no stream; make one with --discover")
    for entry in streams:
        problem = _problem(entry)
        if problem is not None:
            raise SettingsError(f"The catalog's entry of {entry['tap_stream_id']} {problem}")
    found: dict[str, Any] = catalog
    return found


def _problem(entry: dict[str, Any]) -> str | None:
    schema, metadata = entry.get("schema"), entry.get("metadata")
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return "has no schema with properties; make a catalog with --discover"
    if not isinstance(metadata, list) or not all(map(_is_metadata, metadata)):
        return 'has no metadata, a list of {"breadcrumb": [...], "metadata": {...}}; make a catalog with --discover'
    methods = [("replication_method", entry.get("replication_method"))]
    for item in metadata:
        chosen = item["metadata"].get("selected")
        if chosen is not None and not isinstance(chosen, bool):
            return f"has selected: {json.dumps(chosen)}; it must be true or false"
        if not item["breadcrumb"]:
            names = ("replication-method", "forced-replication-method")
            methods += [(name, item["metadata"].get(name)) for name in names]
    for name, method in methods:
        if method not in (*_METHODS, None):
            return f"has {name}: {json.dumps(method)}; it must be {' or '.join(_METHODS)}"
    return None


def _is_metadata(item: Any) -> bool:
    return (
        isinstance(item, dict) and isinstance(item.get("breadcrumb"), list) and isinstance(item.get("metadata"), dict)
    )
