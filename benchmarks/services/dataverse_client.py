"""Microsoft's Python client of Dataverse, used as its README says.

    dataverse_client.py each|bulk ROWS

`each` upserts the rows one by one, `bulk` in lists of 1,000, which become UpsertMultiple. Address and access token come
from the variables DATAVERSE_URL and DATAVERSE_TOKEN.
"""

from __future__ import annotations

import json
import os
import sys
import time
import typing as t
from pathlib import Path

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.models.upsert import UpsertItem
from requests.adapters import HTTPAdapter

if t.TYPE_CHECKING:
    import requests

ENVIRONMENT = "https://emulator.crm.dynamics.com"
ROWS_PER_CALL: t.Final = 1000
"""The client does not cut lists; Microsoft's pages recommend 100 to 1,000 rows in a call."""


class Token:
    """The access token the emulator gave."""

    def get_token(self, *_scopes: str, **_options: t.Any) -> AccessToken:
        """Return it."""
        return AccessToken(os.environ["DATAVERSE_TOKEN"], int(time.time()) + 3000)


class Loopback(HTTPAdapter):
    """Carries the requests to the emulator, since the client takes https addresses only."""

    def send(self, request: requests.PreparedRequest, *args: t.Any, **options: t.Any) -> requests.Response:
        """Send a request to the same path there."""
        request.url = str(request.url).replace(ENVIRONMENT, os.environ["DATAVERSE_URL"], 1)
        return super().send(request, *args, **options)


def main() -> None:
    """Write all rows."""
    way, rows = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    items = [UpsertItem({"jde_number": row.pop("jde_number")}, row) for row in rows]
    size = ROWS_PER_CALL if way == "bulk" else 1
    with DataverseClient(ENVIRONMENT, Token()) as client:
        client._session.mount(ENVIRONMENT, Loopback())  # noqa: SLF001 - its session is not offered
        for start in range(0, len(items), size):
            client.records.upsert("account", items[start : start + size])


if __name__ == "__main__":
    main()
