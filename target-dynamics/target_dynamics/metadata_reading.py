"""Asking for a table's metadata, in one call."""

from __future__ import annotations

import typing as t

from target_dynamics.batches import BatchRequest
from target_dynamics.metadata import listed, questions, read_metadata
from target_dynamics.refusals import concerning

if t.TYPE_CHECKING:
    from target_dynamics.client import DynamicsClient
    from target_dynamics.metadata import Metadata


def metadata_of(client: DynamicsClient, logical: str) -> Metadata:
    """Return what the service says of a table now, in one call.

    Args:
        client: Client of the environment.
        logical: Logical name of the table.

    Raises:
        ServiceError: If it does not say.
    """
    what = f"the metadata of {logical}"
    strong = {"Consistency": "Strong"}
    with concerning(what):
        answers = client.batch([BatchRequest("GET", f"/{path}", None, strong) for path in questions(logical)])
        for answer in answers:
            if answer.error is not None:
                raise answer.error
    return read_metadata([listed(answer.data, what) for answer in answers])
