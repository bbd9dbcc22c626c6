"""What goes on against the fields of the destination."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import subprocess
import typing as t
from dataclasses import dataclass, fields
from pathlib import Path

from sync_mapper.analysis.library import in_words
from sync_mapper.analysis.shapes import Keys, Shape, to_schema
from sync_mapper.checking.fields import ALWAYS, REMEDIES, TAKES, WANTS, Entity, Field, refusal
from sync_mapper.errors import MapperError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_mapper.checking.findings import At
    from sync_mapper.checking.source import Source
    from sync_mapper.checking.streams import Output

FORMAT = 1
"""Version of the snapshots this module reads."""

_UNMAPPED = "_unmapped"
_COMPOUND = frozenset({"object", "list"})
_SHOWN = 8


class DestinationError(MapperError):
    """There are no fields to check against."""


def load(name: str) -> Destination:
    """Read a snapshot file, or ask a target for one.

    Args:
        name: A file, or the command line of a target, whose settings are in the environment unless it names others.

    Raises:
        DestinationError: If there is none.
    """
    file = Path(name)
    if file.is_file() and (file.suffix == ".json" or not os.access(file, os.X_OK)):
        return read(name)
    try:
        command = _describe(shlex.split(name))
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - the user's own command
    except (OSError, ValueError) as error:
        raise DestinationError(f"--destination {name}: neither a file nor a command that runs: {error}") from error
    if done.returncode:
        raise DestinationError(f"--destination: {shlex.join(command)} ended with exit code {done.returncode}")
    return parse(done.stdout, shlex.join(command))


def _describe(words: Sequence[str]) -> list[str]:
    """Return the command that prints the fields of a target; Meltano runs it as a command of the plug-in."""
    program, *options = words
    if Path(program).name == "meltano" and options and not options[-1].startswith("-"):
        return [program, *options[:-1], options[-1] if ":" in options[-1] else f"{options[-1]}:describe"]
    return [program, "describe", *(options or ["--config", "ENV"])]


def read(file: str) -> Destination:
    """Read a snapshot file.

    Raises:
        DestinationError: If it is missing or no snapshot.
    """
    try:
        return parse(Path(file).read_bytes(), file)
    except OSError as error:
        raise DestinationError(f"{file} cannot be read: {error.strerror}") from error


def parse(content: bytes, origin: str) -> Destination:
    """Return the destination in a snapshot.

    Args:
        content: JSON, as `TARGET describe` prints it.
        origin: Where it came from, for messages.

    Raises:
        DestinationError: If it is no snapshot of a known form.
    """
    try:
        data = json.loads(content)
        version = data["format"]
        if version == FORMAT:
            entities = {name: _entity(name, item) for name, item in data["entities"].items()}
            return Destination(str(data.get("target") or origin), entities)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DestinationError(f"{origin} is no snapshot of a destination; make one with `TARGET describe`") from error
    raise DestinationError(f"{origin} has the form {version!r}, and this version of sync-mapper reads {FORMAT}")


_KNOWN = frozenset(item.name for item in fields(Field))


def _entity(name: str, item: Mapping[str, t.Any]) -> Entity:
    found = tuple(Field(**{key: it for key, it in entry.items() if key in _KNOWN}) for entry in item["fields"])
    if unknown := {entry.type for entry in found} - set(TAKES):
        raise TypeError(f"unknown types {unknown}")
    holder = item.get("external_id_field")
    return Entity(name, found, holder["name"] if holder else None)


@dataclass(frozen=True)
class Destination:
    """Where the rows go.

    Attributes:
        name: Name of the target.
        entities: Entity (which is also the stream's name) -> its fields.
    """

    name: str
    entities: Mapping[str, Entity]

    def check(self, source: Source, outputs: Sequence[Output]) -> None:
        """Find what the destination would not take."""
        passing: list[str] = []
        for output in outputs:
            entity = self.entities.get(output.name)
            if entity is not None:
                _Stream(source, output, entity).check()
            elif output.plan is None:
                passing.append(output.name)
            elif output.name != _UNMAPPED:
                self._unknown_stream(source, output)
        if passing:
            message = f"{_listed(passing)} would pass as they are, and {self.name} does not know them"
            source.add(("stream_maps",), "unknown_destination", message, "add `__else__: null` to `stream_maps`")

    def _unknown_stream(self, source: Source, output: Output) -> None:
        near = difflib.get_close_matches(output.name, self.entities, n=2)
        question = f"did you mean {' or '.join(f'`{item}`' for item in near)}?" if near else ""
        remedy = question or f"it has {', '.join(self.entities)}"
        at = output.plan.at if output.plan is not None else ("stream_maps",)
        source.add(at, "unknown_destination", f"{self.name} has no stream `{output.name}`", remedy)


@dataclass
class _Stream:
    source: Source
    output: Output
    entity: Entity

    @property
    def at(self) -> At:
        return self.output.plan.at if self.output.plan is not None else ("stream_maps",)

    def check(self) -> None:
        given: dict[str, tuple[str, Shape]] = {}
        for name, shape in self.output.computed.items():
            if name not in self.output.keys and (field := self._field(name)) is not None:
                self._check_value(name, field, shape)
                self._check_double(name, field, given)
                given[field.key] = (name, shape)
        unknown = [
            name for name in self.output.passed if name not in self.output.keys and not self._passes(name, given)
        ]
        if unknown:
            message = f"{_listed(unknown)} would pass as they are, and `{self.entity.name}` cannot take them"
            remedy = "add `__else__: null` to the map, or leave them out by name"
            self.source.add(self.at, "unknown_destination_field", message, remedy)
        if not self.output.keys:
            message = "the stream has no key, and the destination is written by key"
            self.source.add(self.at, "wrong_key", message, "name it with `__key_properties__`")
        self._check_required(given)

    def _property_at(self, name: str) -> At:
        plan = self.output.plan
        return plan.properties[name].at if plan is not None else self.at

    def _value_at(self, name: str) -> At:
        plan = self.output.plan
        return plan.properties[name].value_at if plan is not None else self.at

    def _field(self, name: str) -> Field | None:
        """Return the field a property goes to, and tell if there is none that takes it."""
        found = self.entity.find(name)
        at, entity = self._property_at(name), self.entity
        if not found and not name.startswith("_sdc_"):
            message = f"`{entity.name}` has no field `{name}`"
            self.source.add(at, "unknown_destination_field", message, entity.nearest(name))
        elif len(found) > 1:
            keys = ", ".join(item.key for item in found)
            message = f"`{entity.name}` has {len(found)} fields `{name}`"
            self.source.add(at, "ambiguous_field", message, f"use one of their API keys: {keys}")
        elif found and found[0].name == entity.external_id_field:
            message = f"`{name}` holds the external ID, which the target writes itself from the key properties"
            self.source.add(at, "read_only_field", message, "take it out, or make it the key property")
        elif found and not found[0].writable:
            message = f"`{name}` is read-only at the destination"
            self.source.add(at, "read_only_field", message, "take it out of the map")
        elif found:
            return found[0]
        return None

    def _passes(self, name: str, given: dict[str, tuple[str, Shape]]) -> bool:
        found = self.entity.find(name)
        if len(found) == 1 and found[0].writable and found[0].name != self.entity.external_id_field:
            given.setdefault(found[0].key, (name, self.output.passed[name]))
            return True
        return name.startswith("_sdc_")

    def _check_double(self, name: str, field: Field, given: Mapping[str, tuple[str, Shape]]) -> None:
        if field.key in given:
            message = f"`{name}` and `{given[field.key][0]}` are one field at the destination"
            self.source.add(self._property_at(name), "duplicate_name", message, "take one of them out")

    def _check_required(self, given: Mapping[str, tuple[str, Shape]]) -> None:
        computed = self.output.computed
        for field in self.entity.fields:
            if not field.required:
                continue
            if field.key not in given:
                message = f"`{field.name}` is required by `{self.entity.name}` and never set"
                self.source.add(self.at, "missing_required", message, f"add `{field.name}: ...` to the map")
            elif (found := given[field.key])[1].nullable and found[0] in computed:
                message = f"`{field.name}` is required by `{self.entity.name}` and may be null"
                remedy = "give it a `when_null`, or write `... or ...` with a value that is always there"
                at = self._value_at(found[0])
                self.source.add(at, "nullable_required", message, remedy, error=False, offset=0)

    def _check_value(self, name: str, field: Field, shape: Shape) -> None:
        at = self._value_at(name)
        for constant in self._constants(field, shape):
            if (refused := refusal(field, constant)) is not None:
                self.source.add(at, refused.code, refused.message, refused.remedy, offset=0)
        judged = shape.exact and field.type not in _COMPOUND  # by its constants, all of which are known
        if judged or not shape.kinds:
            return
        takes = TAKES[field.type]
        types = _types(shape)
        refused_types = sorted(types - takes.keys())
        doubtful = [name for name in sorted(types & takes.keys()) if takes[name] != ALWAYS]
        if refused_types or doubtful:
            never = set(refused_types) == types
            verb = "is" if never else "may be"
            message = f"`{field.name}` wants {WANTS[field.type]}, and the value {verb} {in_words(_only(shape, field))}"
            remedy = _taken_apart(shape, refused_types) or REMEDIES.get(field.type, "give it another value")
            self.source.add(at, "wrong_destination_type", message, remedy, error=never, offset=0)
        self._check_parts(at, field, shape)

    def _constants(self, field: Field, shape: Shape) -> Sequence[t.Any]:
        if field.type == "options" and shape.items is not None:
            return [*shape.constants, *shape.items.constants]
        return [] if field.type in _COMPOUND else [it for it in shape.constants if _is_plain(it)]

    def _check_parts(self, at: At, field: Field, shape: Shape) -> None:
        if field.type == "object" and field.attributes is not None:
            self._check_keys(at, shape, field.attributes, f"`{field.name}`")
        if field.type == "list" and field.items is not None and shape.items is not None:
            items = shape.items
            if items.kinds and "object" not in items.kinds:
                message = f"`{field.name}` wants a list of objects, and its items are {in_words(items)}"
                remedy = "make objects of them, such as `[{'value': item} for item in ...]`"
                self.source.add(at, "wrong_destination_type", message, remedy, offset=0)
            else:
                self._check_keys(at, items, field.items, f"an item of `{field.name}`")

    def _check_keys(self, at: At, shape: Shape, known: Sequence[str], told: str) -> None:
        unknown = [str(key) for key in shape.fields if key not in known]
        if unknown and shape.is_only("object"):
            message = f"{told} takes no {' or '.join(f'`{key}`' for key in unknown[:_SHOWN])}"
            certain = shape.keys is Keys.CLOSED
            remedy = f"it takes {', '.join(known)}"
            self.source.add(at, "unknown_part", message, remedy, error=certain, offset=0)


def _types(shape: Shape) -> set[str]:
    """Return the JSON types of a value, and the format instead where it is text of a known form."""
    schema = to_schema(shape) or {"type": []}
    types = set(schema["type"]) - {"null"}
    if "string" in types and schema.get("format") in {"date", "date-time", "time"}:
        types = (types - {"string"}) | {schema["format"]}
    return types


def _taken_apart(shape: Shape, refused: Sequence[str]) -> str | None:
    """Return what to do about an object or a list where a field wants neither."""
    if "object" in refused:
        part = next((f", such as `...['{name}']`" for name in shape.fields), "")
        return f"give it one of the object's parts{part}"
    return (
        "give it one of the items, such as `first(...)`, or their text, `join(', ', ...)`"
        if "array" in refused
        else None
    )


def _only(shape: Shape, field: Field) -> Shape:
    """Return the shape of what a field does not always take."""
    kinds = [
        kind
        for kind in shape.kinds or ()
        if any(
            TAKES[field.type].get(name) != ALWAYS
            for name in _types(Shape(kinds=frozenset({kind}), format=shape.format))
        )
    ]
    return Shape(kinds=frozenset(kinds))


def _is_plain(value: t.Any) -> bool:
    return isinstance(value, (str, int, float))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more
