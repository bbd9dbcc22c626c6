"""Reading Singer messages: what is none ends the run with one line, not with a traceback full of input."""

from __future__ import annotations

import decimal
import json
import typing as t

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecReader

from sync_ledger.errors import InputError

_decoder = msgspec.json.Decoder(float_hook=decimal.Decimal)
_SHOWN = 120  # characters of a line that a message repeats


class MessageReader(MsgSpecReader):
    """The SDK's fast reader, but for its errors.

    It also takes `NaN`, which Python's own JSON writer lets taps send. The SDK's (0.54.9) logs a traceback for each bad
    line before it raises.
    """

    def deserialize_json(self, line: str) -> dict[str, t.Any]:
        """Read one line.

        Raises:
            InputError: If it is no JSON object.
        """
        try:
            message = _decoder.decode(line)
        except (msgspec.DecodeError, decimal.DecimalException):
            message = _second_try(line)
        if not isinstance(message, dict):
            raise InputError(f"The input has a line that is no JSON object: {shown(line)}")
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


def _second_try(line: str) -> t.Any:
    try:
        message = json.loads(line, parse_float=decimal.Decimal)
        json.dumps(message, default=str, ensure_ascii=False).encode()  # half a surrogate pair is in no database's power
    except (ValueError, RecursionError, decimal.DecimalException):
        raise InputError(f"The input has a line that is not JSON: {shown(line)}") from None
    return message
