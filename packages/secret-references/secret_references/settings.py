"""References among the settings of a plug-in, whose schema tells which of them are secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secret_references.errors import SecretError
from secret_references.resolving import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def resolved(config: Mapping[str, Any], schema: Mapping[str, Any], resolver: Resolver | None = None) -> dict[str, Any]:
    """Return settings with the values of secret ones in place of references; what was given stays as it is.

    Args:
        config: Settings as given.
        schema: Their JSON schema; secret ones are marked `secret` or `writeOnly`.
        resolver: Finds the values.

    Raises:
        SecretError: Naming the setting, the reference and the remedy.
    """
    find = resolver or Resolver()
    found = dict(config)
    for name in _secret(schema):
        value = config.get(name)
        if isinstance(value, str):
            try:
                found[name] = find(value)
            except SecretError as error:
                raise SecretError(f"setting {name}: {error}") from None
    return found


def without_secrets(text: str, config: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return what a validation said of the settings without the values of secret ones."""
    for name in _secret(schema):
        value = config.get(name)
        if value not in (None, ""):
            text = text.replace(repr(value), "***").replace(str(value), "***")
    return text


def _secret(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, setting in schema["properties"].items():
        if setting.get("secret") or setting.get("writeOnly"):
            yield name
