"""Messages to standard output, fast."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.singerlib import Message


class StdoutWriter(MsgSpecWriter):
    """Writes messages with msgspec and leaves records in the output buffer until a STATE or SCHEMA follows.

    Flushing each line costs more than writing it. A record counts as written only when a STATE says so, and that one
    pushes out everything before it.
    """

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
    """Format the messages of a batch, byte by byte as the SDK's writer would format them one by one.

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
    return b"".join((start, lines.replace(b"\n", end + b"\n" + start), end, b"\n"))
