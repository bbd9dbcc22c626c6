"""Reading Singer messages: what is none ends the run with one line, not with a traceback full of input."""

from __future__ import annotations

import decimal
import json
import typing as t

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecReader

from sync_ledger.damaged import is_damaged
from sync_ledger.errors import InputError

_decoder = msgspec.json.Decoder(float_hook=decimal.Decimal)
_SHOWN = 120  # characters of a line that a message repeats


class MessageReader(MsgSpecReader):
    """The SDK's fast reader, but for its errors.

    It also takes `NaN`, which Python's own JSON writer lets taps send. The SDK's (0.54.9) logs a traceback for each bad
    line before it raises. What is no message ends the run with the number of its line instead of its content.

    Attributes:
        damaged: Whether a RECORD has come whose record holds half of a character.
    """

    def __init__(self) -> None:
        super().__init__()
        self.damaged = False
        self._line = 0

    def deserialize_json(self, line: str) -> dict[str, t.Any]:
        """Read one line.

        Raises:
            InputError: If it is no JSON object.
        """
        self._line += 1
        try:
            message = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError, decimal.DecimalException):
            message = self._second_try(line)
        if not isinstance(message, dict):
            raise InputError(f"The input has a line that is no JSON object (line {self._line})")
        return message

    def _second_try(self, line: str) -> t.Any:
        try:
            message = json.loads(line, parse_float=decimal.Decimal)
            damaged = is_damaged(message)
        except (ValueError, decimal.DecimalException) as error:
            raise InputError(f"The input has a line that is not JSON (line {self._line}): {error}") from None
        except RecursionError:
            raise InputError(f"The input has a line that is nested too deeply to be read (line {self._line})") from None
        if damaged:
            rest = {name: item for name, item in message.items() if name != "record"} if type(message) is dict else {}
            if rest.get("type") != "RECORD" or is_damaged(rest):
                raise InputError(
                    f"The input has half of a character (a lone surrogate) outside of a record (line {self._line})"
                )
            self.damaged = True
        return message

    @staticmethod
    def assert_line_requires(line_dict: dict[str, t.Any], requires: set[str]) -> None:
        """Check that a message has its parts.

        Raises:
            InputError: If one is missing.
        """
        if missing := sorted(requires - set(line_dict)):
            raise InputError(f"The input has a message without {', '.join(missing)}: {shown(line_dict)}")

    def _process_unknown_message(self, message_dict: dict[str, t.Any]) -> None:
        raise InputError(f"The input has a message of a type that Singer does not know: {shown(message_dict)}")


def shown(line: object) -> str:
    """Return the beginning of a line, or of the message it holds."""
    text = str(line).strip()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
