"""Messages to standard output, fast."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.singerlib import Message


_NUL = rb"\u0000"
"""How JSON writes a NUL character. Found in text that holds it spelled out as well, which then merely takes longer."""


class StdoutWriter(MsgSpecWriter):
    """Writes messages with msgspec and leaves records in the output buffer until a STATE or SCHEMA follows.

    Flushing each line costs more than writing it. A record counts as written only when a STATE says so, and that one
    pushes out everything before it.
    """

    def format_message(self, message: Message) -> bytearray:
        """Format one message, a record without NUL characters: databases refuse them inside of text.

        Args:
            message: A Singer message.

        Returns:
            A line with its end.
        """
        line = super().format_message(message)
        if _NUL in line and isinstance(message, RecordMessage):
            message.record = without_nul(message.record)
            line = super().format_message(message)
        return line

    def write_message(self, message: Message) -> None:
        """Write one message.

        Args:
            message: A Singer message.
        """
        sys.stdout.buffer.write(self.format_message(message))
        if not isinstance(message, RecordMessage):
            sys.stdout.flush()

    def write_batch(
        self, stream: str, records: list[dict[str, Any]], *, version: int | None, time_extracted: datetime
    ) -> None:
        """Write one RECORD message for each record of a batch, at a fraction of the cost of a message object each.

        Args:
            stream: Name of the stream in the messages.
            records: The records.
            version: Version of the table, where the stream has one.
            time_extracted: When the records were read.
        """
        sys.stdout.buffer.write(format_batch(stream, records, version=version, time_extracted=time_extracted))


def format_batch(stream: str, records: list[dict[str, Any]], *, version: int | None, time_extracted: datetime) -> bytes:
    """Format the messages of a batch, byte by byte as the writer would format them one by one.

    What is around the records is the same for all of them and encoded once. It is put between them in place of the
    line ends: inside of a record those are always escaped.

    Args:
        stream: Name of the stream in the messages.
        records: The records.
        version: Version of the table, where the stream has one.
        time_extracted: When the records were read.

    Returns:
        Lines, each with its end; nothing for no record.
    """
    if not records:
        return b""
    frame = encoder.encode(RecordMessage(stream, {}, version=version, time_extracted=time_extracted).to_dict())
    start, _, end = frame.rpartition(b"{}")
    lines = encoder.encode_lines(records)[:-1]
    if _NUL in lines:
        lines = encoder.encode_lines([without_nul(record) for record in records])[:-1]
    return b"".join((start, lines.replace(b"\n", end + b"\n" + start), end, b"\n"))


def without_nul(value: Any) -> Any:
    """Drop NUL characters from all text of a value.

    Args:
        value: A record or a part of one.

    Returns:
        A copy without them.
    """
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {name: without_nul(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_nul(part) for part in value]
    return value
