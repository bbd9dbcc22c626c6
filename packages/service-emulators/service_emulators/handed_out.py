"""Tells listeners of every secret that emulators of this process hand out, so that tests can look for leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_listeners: list[Callable[[str, str], object]] = []


def listen(listener: Callable[[str, str], object]) -> None:
    """Calls a listener with each secret from now on, and with what it is."""
    _listeners.append(listener)


def hand_out(secret: str, what: str) -> str:
    """Returns a secret that is about to be handed out, after listeners have heard of it.

    Args:
        secret: password, token or key; nothing of it is kept here.
        what: what it is, in words.
    """
    for listener in _listeners:
        listener(secret, what)
    return secret
