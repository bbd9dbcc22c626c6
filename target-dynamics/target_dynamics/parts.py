"""Parts of a batch that were turned away for the protection limits.

Documents are silent whether single parts are (Dataverse sheet section 11). One that was had no effect, and is sent
again after the time it was told to wait.
"""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from target_dynamics.answers import retry_after

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from target_dynamics.batches import BatchAnswer

ROUNDS: t.Final = 5
"""How often a part is sent at most."""

_WAIT_SECONDS: t.Final = 5.0
"""How long to wait where an answer does not say."""


def turned_away(answer: BatchAnswer) -> bool:
    """Whether a part was turned away."""
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS


def wait_of(answers: Iterable[BatchAnswer]) -> float | None:
    """Return how many seconds to wait before parts are sent again; None if none was turned away."""
    told = [retry_after(one.headers) for one in answers if turned_away(one)]
    return max((_WAIT_SECONDS if seconds is None else seconds for seconds in told), default=None)
