"""What writes set off in the org: workflow runs and the like, which the emulator counts but does not carry out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from service_emulators.zoho.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

TRIGGERS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")
"""Values of `trigger`; all of them when a request does not say."""


class Automation:
    """Counts the automations that records set off, by module and kind."""

    def __init__(self) -> None:
        self._runs: dict[str, Counter[str]] = {}

    def run(self, module: str, triggers: Sequence[str]) -> None:
        """Counts one record that was written with these triggers."""
        self._runs.setdefault(module, Counter()).update(triggers)

    def runs(self) -> dict[str, dict[str, int]]:
        """Returns the counts by module and kind."""
        return {module: dict(counts) for module, counts in self._runs.items()}

    def reset(self) -> None:
        """Sets all counts to zero."""
        self._runs.clear()


def triggers_of(body: dict[str, Any]) -> tuple[str, ...]:
    """Returns the automations a writing request asks for.

    Raises:
        ApiError: `trigger` is not a list of their names.
    """
    given = body.get("trigger", TRIGGERS)
    if not isinstance(given, (list, tuple)) or not all(name in TRIGGERS for name in given):
        raise invalid({"api_name": "trigger", "json_path": "$.trigger", "supported_values": list(TRIGGERS)})
    return tuple(dict.fromkeys(given))
