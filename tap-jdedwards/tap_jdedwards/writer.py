"""Messages to standard output, fast."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage

if TYPE_CHECKING:
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
