"""Which tables take the bulk messages (Dataverse sheet section 10): asked, since documents disagree."""

from __future__ import annotations

import threading
import typing as t

from target_dynamics import queries
from target_dynamics.metadata import listed
from target_dynamics.refusals import concerning

if t.TYPE_CHECKING:
    from target_dynamics.client import DynamicsClient


class Messages:
    """The bulk messages of an environment's tables, each asked for once.

    Args:
        client: Client of the environment.
    """

    def __init__(self, client: DynamicsClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], bool] = {}

    def has(self, logical: str, message: str) -> bool:
        """Return whether a table takes a message.

        Args:
            logical: Logical name of the table.
            message: Name of the message, such as `CreateMultiple`.
        """
        with self._lock:
            if (logical, message) not in self._known:
                where = (
                    f"sdkmessageid/name eq {queries.text(message)} and primaryobjecttypecode eq {queries.text(logical)}"
                )
                what = f"whether {logical} takes {message}"
                with concerning(what):
                    params = {"$select": "sdkmessagefilterid", "$filter": where}
                    data = self._client.get("/sdkmessagefilters", params).data
                self._known[logical, message] = bool(listed(data, what))
            return self._known[logical, message]
