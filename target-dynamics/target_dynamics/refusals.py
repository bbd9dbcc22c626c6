"""Calls that are no row's: a refusal of one is nobody's row's fault, and ends the run with a line that says which."""

from __future__ import annotations

import contextlib
import typing as t

from sync_ledger.errors import ServiceUnavailableError

from target_dynamics.answers import RefusedError

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def concerning(what: str) -> Iterator[None]:
    """Raise a refusal as a fault of the run.

    Args:
        what: What is asked for, such as `the rows of accounts`.

    Raises:
        ServiceUnavailableError: If Dataverse refuses it.
    """
    try:
        yield
    except RefusedError as error:
        raise ServiceUnavailableError(f"Dataverse refuses {what}: {error}") from None
