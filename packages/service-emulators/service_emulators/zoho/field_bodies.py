"""What the body of a field to create or change may say (fact sheet section 4, "Create Custom Fields").

All functions take the field's body and where it lies in the request, and raise `ApiError` when it does not fit.
"""

from __future__ import annotations

from typing import Any

from service_emulators.zoho.errors import ApiError, invalid

_MAX_LABEL = 25
LONGEST = {
    "text": 255,
    "email": 100,
    "phone": 30,
    "website": 450,
    "integer": 9,
    "bigint": 18,
    "currency": 16,
    "double": 16,
    "percent": 5,
}
"""Most characters or digits by type, which is also what a field has that says nothing."""

_TEXTAREAS = {"small": 2_000, "large": 32_000, "rich_text": 50_000}
OTHER_TYPES = frozenset(
    {"textarea", "picklist", "multiselectpicklist", "date", "datetime", "boolean", "lookup", "userlookup"}
)
"""Types that a field may have beside those; the emulator makes no formulas, roll-ups, files and the like."""

_UNIQUE_TYPES = frozenset({"text", "email", "phone", "website", "integer", "bigint"})
NOT_EXTERNAL = frozenset({"email", "textarea"})
"""Types that can not hold external IDs."""

_DECIMALS = {"currency": 2, "double": 2, "percent": 2}


def field_label(item: dict[str, Any], path: str) -> str:
    """Returns the label of a field, without blanks around it."""
    label = item.get("field_label")
    if label is None:
        raise missing_key("field_label", path)
    if not isinstance(label, str) or not label.strip():
        raise wrong_key("field_label", path)
    if len(label) > _MAX_LABEL:
        raise wrong_key("field_label", path, maximum_length=_MAX_LABEL)
    return label.strip()


def field_length(item: dict[str, Any], kind: str, path: str) -> int | None:
    """Returns the most characters or digits of a field; None for types that have none."""
    if kind == "textarea":
        size = item.get("textarea", {"type": "small"})
        chosen = size.get("type") if isinstance(size, dict) else None
        if chosen not in _TEXTAREAS:
            raise wrong_key("textarea", path, supported_values=list(_TEXTAREAS))
        return _TEXTAREAS[chosen]
    longest = LONGEST.get(kind)
    given = item.get("length", longest)
    if given is None:
        return None
    if longest is None or not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= longest:
        raise wrong_key("length", path, **({} if longest is None else {"maximum_length": longest}))
    return given


def field_decimals(item: dict[str, Any], kind: str, path: str) -> int | None:
    """Returns the places behind the point; None for types that have none."""
    given = item.get("decimal_place", _DECIMALS.get(kind))
    if given is None:
        return None
    if kind not in _DECIMALS or not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= 9:  # noqa: PLR2004 - the specification's range
        raise wrong_key("decimal_place", path)
    return given


def field_unique(item: dict[str, Any], kind: str, path: str) -> dict[str, bool] | None:
    """Returns the case sensitivity of a unique field; None for one that is not."""
    given = item.get("unique")
    if given is None or given is False or given == {}:
        return None
    if given is True:
        given = {"case_sensitive": False}
    if (
        kind not in _UNIQUE_TYPES
        or not isinstance(given, dict)
        or set(given) != {"case_sensitive"}
        or not isinstance(given["case_sensitive"], bool)
    ):
        raise wrong_key("unique", path)
    return dict(given)


def allow_keys(item: dict[str, Any], names: frozenset[str], path: str) -> None:
    """Refuses keys that a field does not have."""
    for name in item:
        if name not in names:
            raise wrong_key(name, path)


def wrong_key(name: str, path: str, **details: Any) -> ApiError:
    """400: what stands under a key of a field does not fit."""
    return invalid({**details, "api_name": name, "json_path": f"{path}.{name}"})


def missing_key(name: str, path: str) -> ApiError:
    """400: a field lacks a key."""
    return ApiError(
        400, "MANDATORY_NOT_FOUND", "required field not found", {"api_name": name, "json_path": f"{path}.{name}"}
    )


def over_limit(limit: int, name: str, path: str) -> ApiError:
    """400: more than the service allows."""
    details = {"api_name": name, "json_path": f"{path}.{name}", "limit": limit}
    return ApiError(400, "LIMIT_EXCEEDED", "limit exceeded", details)
