"""Error answers of the service (fact sheet section 12)."""

from __future__ import annotations

from typing import Any

_SEE = "Please check developers.pipedrive.com"


class ApiError(Exception):
    """An error answer.

    Attributes:
        status: HTTP status.
        body: JSON body; a string is HTML.
    """

    def __init__(self, status: int, body: dict[str, Any] | str) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def invalid(name: str, reason: str, field_code: str | None = None) -> ApiError:
    """400 of v2: the request does not fit the schema.

    Args:
        name: path of the offending property or parameter.
        reason: what is wrong with it.
        field_code: key of the custom field concerned.
    """
    body: dict[str, Any] = {
        "success": False,
        "error": f"Validation failed: {name}: {reason}",
        "code": "ERR_SCHEMA_VALIDATION_FAILED",
    }
    if field_code is not None:
        body["field_code"] = field_code
    return ApiError(400, body)


def not_allowed(name: str, path: str | None = None, field_code: str | None = None) -> ApiError:
    """400 of v2 for an unknown key or parameter."""
    return invalid(path or name, f"Parameter '{name}' is not allowed for this request", field_code)


def invalid_v1(reason: str) -> ApiError:
    """400 of v1."""
    body = {"success": False, "error": reason, "error_info": _SEE, "data": None, "additional_data": None}
    return ApiError(400, body)


def unauthorized() -> ApiError:
    """401: token missing or wrong; also what an unknown path answers to a stranger."""
    body = {"success": False, "error": "unauthorized access", "errorCode": 401, "error_info": _SEE}
    return ApiError(401, body)


def forbidden(reason: str, code: str | None = None) -> ApiError:
    """403 of the service itself: the plan or a missing feature does not allow it."""
    body: dict[str, Any] = {"success": False, "error": reason, "error_info": _SEE}
    if code is not None:
        body["code"] = code
    return ApiError(403, body)


def cloudflare() -> ApiError:
    """403 of Cloudflare: HTML, not JSON."""
    return ApiError(
        403,
        "<!DOCTYPE html><html><head><title>Access denied</title></head><body><h1>Error 1015</h1>"
        "<p>You are being rate limited. This error is produced by Cloudflare.</p></body></html>",
    )


def not_found(status: int = 404) -> ApiError:
    """404 (or 410, where switched so): no such record."""
    body = {
        "success": False,
        "error": "Entity was not found",
        "error_info": "Object was not found.",
        "data": None,
        "additional_data": None,
    }
    return ApiError(status, body)


def no_such_path() -> ApiError:
    """404 for an unknown path or a method the path does not have (the status is unverified)."""
    return ApiError(404, {"success": False, "error": "Unknown method .", "error_info": _SEE})


def gone() -> ApiError:
    """410: the endpoint is out of support."""
    return ApiError(410, {"success": False, "error": "This endpoint is no longer available", "error_info": _SEE})


def over_limit() -> ApiError:
    """429; its body is not documented, this one is what third parties recorded."""
    return ApiError(429, {"success": False, "error": "request over limit", "errorCode": 429, "error_info": _SEE})


def unknown_error() -> ApiError:
    """500: what malformed `custom_fields` get instead of a validation error."""
    return ApiError(500, {"success": False, "error": "Internal Server Error", "code": "ERR_UNKNOWN"})
