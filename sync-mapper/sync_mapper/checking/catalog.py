"""The tap's catalog: which streams it sends, with which fields and keys."""

from __future__ import annotations

import json
import shlex
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from sync_mapper.errors import MapperError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CatalogError(MapperError):
    """There is no catalog to check against."""


@dataclass(frozen=True)
class CatalogStream:
    """One stream of a tap.

    Attributes:
        name: Its name.
        properties: Schemas of its properties; those of the key without null, which no key has.
        key_properties: Its key.
        is_open: Whether its schema says that rows may have other properties.
    """

    name: str
    properties: Mapping[str, t.Any]
    key_properties: tuple[str, ...] = ()
    is_open: bool = False

    @classmethod
    def of(cls, name: str, schema: Mapping[str, t.Any], key_properties: Sequence[str] | None) -> CatalogStream:
        """Return a stream as its SCHEMA describes it."""
        keys = tuple(key_properties or ())
        properties = dict(schema.get("properties") or {})
        for key in keys:
            declared = properties.get(key)
            types = declared.get("type") if isinstance(declared, dict) else None  # a JSON Schema may be just `true`
            if isinstance(types, list) and len(types) > 1:
                properties[key] = {**properties[key], "type": [item for item in types if item != "null"]}
        is_open = bool(schema.get("additionalProperties") or schema.get("patternProperties"))
        return cls(name, properties, keys, is_open)


@dataclass(frozen=True)
class Catalog:
    """All streams of a tap.

    Attributes:
        streams: The streams that are sent, by name.
        deselected: Streams it has but does not send, because the catalog says so.
    """

    streams: Mapping[str, CatalogStream]
    deselected: frozenset[str] = frozenset()


def read(file: str) -> Catalog:
    """Read a catalog file.

    Raises:
        CatalogError: If it is missing or no catalog.
    """
    try:
        return parse(Path(file).read_bytes(), file)
    except OSError as error:
        raise CatalogError(f"--catalog {file} cannot be read: {error.strerror}") from error


def discover(command: str) -> Catalog:
    """Ask a tap for its catalog; what it logs goes to standard error.

    Args:
        command: Command line of the tap with its settings, without `--discover`.

    Raises:
        CatalogError: If it gives none.
    """
    try:
        words = shlex.split(command)
        done = subprocess.run([*words, "--discover"], stdout=subprocess.PIPE, check=False)  # noqa: S603 - the user's own command
    except (OSError, ValueError) as error:
        raise CatalogError(f"--tap: the command cannot be run: {error}") from error
    if done.returncode:
        raise CatalogError(f"--tap: {words[0]} --discover ended with exit code {done.returncode}; see its messages")
    return parse(done.stdout, f"{words[0]} --discover")


def parse(content: bytes, origin: str) -> Catalog:
    """Return the catalog in a text.

    Args:
        content: JSON.
        origin: Where it came from, for messages.

    Raises:
        CatalogError: If it is no catalog.
    """
    try:
        listed = json.loads(content)["streams"]
        streams = [item for item in listed if isinstance(item["schema"], dict) and _name(item)]
    except (ValueError, KeyError, TypeError) as error:
        raise CatalogError(f"{origin} is no Singer catalog: it must be a JSON object with `streams`") from error
    chosen = {_name(item): _stream(item) for item in streams if _selected(item, ())}
    return Catalog(chosen, frozenset(_name(item) for item in streams) - chosen.keys())


def _name(item: Mapping[str, t.Any]) -> str:
    return str(item.get("stream") or item.get("tap_stream_id") or "")


def _stream(item: Mapping[str, t.Any]) -> CatalogStream:
    schema = item["schema"]
    properties = {
        name: value for name, value in (schema.get("properties") or {}).items() if _selected(item, ("properties", name))
    }
    keys = item.get("key_properties")
    if keys is None:
        keys = _metadata(item, ()).get("table-key-properties")
    return CatalogStream.of(_name(item), {**schema, "properties": properties}, keys)


def _selected(item: Mapping[str, t.Any], breadcrumb: tuple[str, ...]) -> bool:
    """Return whether something is sent. Only what a catalog leaves out in so many words is not."""
    found = _metadata(item, breadcrumb)
    if found.get("inclusion") == "unsupported":
        return False
    return found.get("selected") is not False or found.get("inclusion") == "automatic"


def _metadata(item: Mapping[str, t.Any], breadcrumb: tuple[str, ...]) -> Mapping[str, t.Any]:
    for entry in item.get("metadata") or ():
        if tuple(entry.get("breadcrumb") or ()) == breadcrumb:
            return entry.get("metadata") or {}
    return {}
