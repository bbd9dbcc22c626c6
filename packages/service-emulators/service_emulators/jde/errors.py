"""The one error of the emulator: an answer other than 200, in the service's shape."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """An answer other than 200.

    Args:
        status: HTTP status.
        message: Text of ``message`` in the body (AIS fact sheet sections 2.1 and 2.4).
        exception: The Java class named in the body.
        body: A whole body instead, for answers of another shape.
    """

    def __init__(
        self, status: int, message: str, exception: str = "Exception", *, body: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.exception = exception
        self.body = body


def bad_request(message: str) -> ServiceError:
    """Return the error for a request whose content makes no sense: unknown column, operator, bad literal.

    The real answer is not documented (section 3.8); 500 with the usual body is the reading chosen here.
    """
    return ServiceError(500, message, "com.oracle.e1.aisserver.ServiceException")
