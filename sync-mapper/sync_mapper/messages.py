"""Singer messages in and out, with msgspec."""

from __future__ import annotations

import logging
import sys
import typing as t
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from sync_mapper import damaged
from sync_mapper.encoding import decoder, encoder
from sync_mapper.errors import InputError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

logger = logging.getLogger("sync-mapper")


class Message(t.Protocol):
    """A message that goes on."""

    @property
    def type(self) -> str:
        """Its type, in capital letters."""
        ...

    def to_dict(self) -> dict[str, t.Any]:
        """Return the message as it is written; what the tap left out stays out."""
        ...


@dataclass(slots=True)
class MappedSchema:
    """A SCHEMA that goes on."""

    stream: str
    schema: dict[str, t.Any]
    key_properties: Sequence[str]
    bookmark_properties: Sequence[str] | None = None
    type: t.Literal["SCHEMA"] = field(default="SCHEMA", init=False)

    def to_dict(self) -> dict[str, t.Any]:
        """Return the message."""
        result: dict[str, t.Any] = {
            "type": "SCHEMA",
            "stream": self.stream,
            "schema": self.schema,
            "key_properties": self.key_properties,
        }
        if self.bookmark_properties is not None:
            one = isinstance(self.bookmark_properties, str)
            result["bookmark_properties"] = [self.bookmark_properties] if one else self.bookmark_properties
        return result


@dataclass(slots=True)
class MappedRecord:
    """A RECORD that goes on.

    It holds the record as encoded JSON, so that a value no JSON can hold is noticed while its row is mapped, and
    `time_extracted` as the text the tap wrote.
    """

    stream: str
    record: msgspec.Raw
    time_extracted: str | None = None
    version: int | None = None
    type: t.Literal["RECORD"] = field(default="RECORD", init=False)

    def to_dict(self) -> dict[str, t.Any]:
        """Return the message."""
        result: dict[str, t.Any] = {"type": "RECORD", "stream": self.stream, "record": self.record}
        if self.version is not None:
            result["version"] = self.version
        if self.time_extracted is not None:
            result["time_extracted"] = self.time_extracted
        return result


@dataclass(slots=True)
class State:
    """A STATE that goes on."""

    value: t.Any
    type: t.Literal["STATE"] = field(default="STATE", init=False)

    def to_dict(self) -> dict[str, t.Any]:
        """Return the message."""
        return {"type": "STATE", "value": self.value}


@dataclass(slots=True)
class ActivateVersion:
    """An ACTIVATE_VERSION that goes on."""

    stream: str
    version: int
    type: t.Literal["ACTIVATE_VERSION"] = field(default="ACTIVATE_VERSION", init=False)

    def to_dict(self) -> dict[str, t.Any]:
        """Return the message."""
        return {"type": "ACTIVATE_VERSION", "stream": self.stream, "version": self.version}


class _Envelope(msgspec.Struct):
    """A message around its content, which stays as it was written until something needs it."""

    type: str
    stream: str | None = None
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    version: int | None = None
    time_extracted: str | None = None


_envelopes = msgspec.json.Decoder(_Envelope)


class MapperReader:
    """Reads messages; a line that is none ends the run with its number instead of its content.

    The `record` of a RECORD comes as `msgspec.Raw`: rows of streams without a map need not be read.
    """

    def __init__(self) -> None:
        self._line = 0
        self._unknown: set[str] = set()

    def process_lines(
        self, lines: Iterable[str], callbacks: Mapping[str, Callable[[dict[str, t.Any]], None]]
    ) -> Counter[str]:
        """Read all messages and return how many there were of each type; an empty line is none, and is passed over.

        Raises:
            InputError: A line is no message.
        """
        counts: Counter[str] = Counter()
        for line in self._lines(lines):
            message = self.deserialize_json(line)
            kind = message["type"]
            if callback := callbacks.get(kind):
                callback(message)
            else:
                self._process_unknown_message(message)
            counts[kind] += 1
        return counts

    def _lines(self, lines: Iterable[str]) -> Iterator[str]:
        try:
            for self._line, line in enumerate(lines, 1):
                if not line.isspace():
                    yield line
        except UnicodeDecodeError as error:
            raise InputError(f"The input is not UTF-8 (after line {self._line})") from error

    def deserialize_json(self, line: str) -> dict[str, t.Any]:
        """Return the message of a line.

        Raises:
            InputError: The line is no JSON object with a type.
        """
        try:
            envelope = _envelopes.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            pass  # told of below, if it is no message at all
        else:
            if envelope.type == "RECORD" and envelope.record is not msgspec.UNSET:
                if bytes(envelope.record)[:1] != b"{":
                    raise InputError(f"Line {self._line} of the input is a RECORD whose record is no object")
                return {
                    "type": envelope.type,
                    "record": envelope.record,
                    **({} if envelope.stream is None else {"stream": envelope.stream}),
                    "version": envelope.version,
                    "time_extracted": envelope.time_extracted,
                }
        try:
            message = decoder.decode(line)
        except (msgspec.DecodeError, ArithmeticError) as error:
            if (damaged_row := _damaged_row(line)) is not None:
                return damaged_row
            raise InputError(f"Line {self._line} of the input is not valid JSON: {error}") from error
        except UnicodeEncodeError as error:  # bytes that are no UTF-8 come as lone surrogates
            raise InputError(f"Line {self._line} of the input is not UTF-8") from error
        except RecursionError as error:
            raise InputError(f"Line {self._line} of the input is nested too deeply to be read") from error
        if not isinstance(message, dict) or "type" not in message:
            raise InputError(f"Line {self._line} of the input is no Singer message: it has no type")
        return message

    def _process_unknown_message(self, message_dict: dict[str, t.Any]) -> None:
        kind = str(message_dict["type"])
        if kind not in self._unknown:
            self._unknown.add(kind)
            logger.warning("Messages of the unknown type %s are left out", kind)


def _damaged_row(line: str) -> dict[str, t.Any] | None:
    """Return a RECORD message whose record msgspec cannot read, None for anything else."""
    try:
        message = damaged.read(line)
    except damaged.UnreadableRowError as error:
        message = error.record
        if isinstance(message, dict) and isinstance(message.get("record"), dict):
            message["record"] = damaged.UnreadableRowError(message["record"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("type") != "RECORD":
        return None
    rest = {name: value for name, value in message.items() if name != "record"}
    is_row = isinstance(message.get("record"), (dict, damaged.UnreadableRowError))
    return message if is_row and rest == damaged.mended(rest) else None


def record_of(message_dict: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the record of a RECORD message, read if it has not been yet.

    Raises:
        UnreadableRowError: It holds what cannot be read.
    """
    record = message_dict["record"]
    if isinstance(record, msgspec.Raw):
        try:
            record = decoder.decode(record)
        except (msgspec.DecodeError, ArithmeticError):
            try:
                record = damaged.read(bytes(record))
            except damaged.UnreadableRowError as error:
                record = error
        message_dict["record"] = record
    if isinstance(record, damaged.UnreadableRowError):
        raise record
    return t.cast("dict[str, t.Any]", record)


def readable(message_dict: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the record of a RECORD message, with text in place of numbers that cannot be read."""
    try:
        return record_of(message_dict)
    except damaged.UnreadableRowError as error:
        return error.record


class MapperWriter:
    """Writes messages; the pipe is flushed at each STATE and at the end, not at each line."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def format_message(self, message: Message) -> bytearray:
        """Return a message as a line of JSON; the same buffer each time."""
        encoder.encode_into(message.to_dict(), self._buffer)
        self._buffer.extend(b"\n")
        return self._buffer

    def write_message(self, message: Message) -> None:
        """Write one message."""
        sys.stdout.buffer.write(self.format_message(message))
        if message.type == "STATE":
            sys.stdout.buffer.flush()
