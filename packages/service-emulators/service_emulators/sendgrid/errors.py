"""Errors as the API answers them."""

from __future__ import annotations

from typing import Any

_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."


class SendGridError(Exception):
    """A refused request.

    Args:
        status: HTTP status.
        errors: `message`, `field` and `help` of each error.
    """

    def __init__(self, status: int, *errors: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body: dict[str, Any] = {"errors": list(errors)}


def simple(status: int, message: str) -> SendGridError:
    """Returns an error that is about no field."""
    return SendGridError(status, {"message": message, "field": None})


def problem(field: str, message: str) -> dict[str, Any]:
    """Returns one error of a mail, with the dotted path of its field."""
    names = ".".join(part for part in field.split(".") if not part.isdigit())
    return {"message": message, "field": field, "help": _HELP + names}
