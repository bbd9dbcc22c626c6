"""Requests and answers as handlers see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from service_emulators.sendgrid.errors import simple

Reply = tuple[int, Any, list[tuple[bytes, bytes]]]
"""Status, JSON content (None: no content) and further headers."""


@dataclass(frozen=True)
class Call:
    """One request after sign-in.

    Attributes:
        args: placeholders of the route.
        query: parameters of the address.
        body: body.
    """

    args: dict[str, str]
    query: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Returns the body, which is a JSON object.

        Raises:
            SendGridError: it is none.
        """
        try:
            value = msgspec.json.decode(self.body or b"{}")
        except msgspec.DecodeError as error:
            raise simple(400, "Bad Request") from error
        if not isinstance(value, dict):
            raise simple(400, "Bad Request")
        return value

    def number(self, name: str, default: int) -> int:
        """Returns a parameter that is a whole number.

        Raises:
            SendGridError: it is none.
        """
        text = self.query.get(name, str(default))
        if not text.isdigit():
            raise simple(400, f"{name} must be an integer")
        return int(text)
