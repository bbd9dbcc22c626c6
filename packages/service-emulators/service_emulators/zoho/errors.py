"""Error answers of the service (fact sheet sections 3 and 11)."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error answer to a whole request.

    Attributes:
        status: HTTP status.
        body: JSON body.
    """

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}: {message} {details or ''}".rstrip())
        self.status = status
        self.body: dict[str, Any] = error_body(code, message, details)


class RowError(Exception):
    """One record of a request is refused; the others go on.

    Attributes:
        code: the service's code, for example `INVALID_DATA`.
        message: its text.
        details: what it says about it.
    """

    def __init__(self, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message} {details or ''}".rstrip())
        self.code = code
        self.message = message
        self.details = details or {}

    def body(self) -> dict[str, Any]:
        """Returns the record's entry in the answer."""
        return error_body(self.code, self.message, self.details)


def error_body(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns the body of an error, which is the same for a request and for a record."""
    return {"code": code, "details": details or {}, "message": message, "status": "error"}


def invalid(details: dict[str, Any], message: str = "invalid data") -> ApiError:
    """400: a parameter, header or body does not fit."""
    return ApiError(400, "INVALID_DATA", message, details)


def missing_parameter(name: str) -> ApiError:
    """400: a required parameter is not there."""
    return ApiError(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": name})


def over_maximum(limit: int, name: str) -> ApiError:
    """400: more of something than one call takes."""
    return ApiError(400, "LIMIT_EXCEEDED", "limit exceeded", {"limit": limit, "param_name": name})


def invalid_module(index: int = 0) -> ApiError:
    """400: no such module, by the place of its name in the path."""
    message = "the module name given seems to be invalid"
    return ApiError(400, "INVALID_MODULE", message, {"resource_path_index": index})


def invalid_token() -> ApiError:
    """401: the access token is unknown, expired, or of another data centre."""
    return ApiError(401, "INVALID_TOKEN", "invalid oauth token")


def no_authentication() -> ApiError:
    """401: no token at all."""
    return ApiError(401, "AUTHENTICATION_FAILURE", "Authentication failed")


def scope_mismatch() -> ApiError:
    """401: the token lacks a scope."""
    return ApiError(401, "OAUTH_SCOPE_MISMATCH", "Unauthorized")


def no_such_path() -> ApiError:
    """404: the path is none of the service's."""
    message = "Please check if the URL trying to access is a correct one"
    return ApiError(404, "INVALID_URL_PATTERN", message)


def wrong_method() -> ApiError:
    """400: the path exists, but not with this method."""
    message = "The http request method type is not a valid one"
    return ApiError(400, "INVALID_REQUEST_METHOD", message)


def wrong_media_type() -> ApiError:
    """415: the body is not of the media type the endpoint takes (body unverified)."""
    return ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "The media type of the request is not supported")


def already_modified(details: dict[str, Any]) -> ApiError:
    """412: a record is newer than `If-Unmodified-Since`."""
    message = "record updated time has already passed if-unmodified-since time"
    return ApiError(412, "ALREADY_MODIFIED", message, details)


def too_many_requests() -> ApiError:
    """429: credits or concurrency exhausted, which the answer does not tell apart (wording unverified)."""
    message = "too many requests. please try again after some time"
    return ApiError(429, "TOO_MANY_REQUESTS", message)
