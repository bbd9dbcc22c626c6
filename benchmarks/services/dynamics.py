"""Dynamics 365 (Dataverse), a loop of one PATCH by alternate key for each row, and Microsoft's Python client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import typing as t
from functools import partial
from pathlib import Path

import requests
from services.service import Service

if t.TYPE_CHECKING:
    from services.service import Account, Row

_CLIENT = Path(__file__).with_name("dataverse_client.py")
_CUSTOM = {"accounts": {"Tax ID": "text"}}


def _settings(account: Account) -> dict[str, str]:
    names = ("tenant_id", "client_id", "client_secret", "org_url", "authority_url", "api_url")
    return {f"TARGET_DYNAMICS_{name.upper()}": account[name] for name in names}


def _columns(account: Account, settings: t.Mapping[str, str]) -> None:
    """Make the column of the external ID with its key, and that of the tax ID."""
    more = {"TARGET_DYNAMICS_CUSTOM_FIELDS": json.dumps(_CUSTOM)}
    command = ["target-dynamics", "setup", "--yes"]
    subprocess.run(command, env={**os.environ, **settings, **more}, check=True, stdout=subprocess.DEVNULL)
    control = f"{account['url']}/_emulator/limits/forgive"
    requests.post(control, timeout=10).raise_for_status()


def _body(row: Row) -> Row:
    return {"name": row["name"], "creditlimit": row["Credit Limit"], "jde_taxid": row["Tax ID"]}


def _loop(account: Account, rows: list[Row]) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {account['access_token']}"
        session.headers.update({"OData-Version": "4.0", "OData-MaxVersion": "4.0"})
        for row in rows:
            url = f"{account['url']}/api/data/v9.2/accounts(jde_number='{row['id']}')"
            session.patch(url, json=_body(row)).raise_for_status()


def _client(way: str, account: Account, rows: list[Row]) -> None:
    """Write by Microsoft's client, as a process, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_text(json.dumps([{"jde_number": row["id"], **_body(row)} for row in rows]))
        given = {"DATAVERSE_URL": account["url"], "DATAVERSE_TOKEN": account["access_token"]}
        command = [sys.executable, str(_CLIENT), way, str(file)]
        subprocess.run(command, env={**os.environ, **given}, check=True)


DYNAMICS: t.Final = Service(
    name="dynamics",
    unit="requests",
    stream="accounts",
    name_field="name",
    settings=_settings,
    loop=_loop,
    listing="GET /accounts",
    prepare=_columns,
    others={"client_each": partial(_client, "each"), "client_bulk": partial(_client, "bulk")},
    switches=("requests=0", "execution_ms=0", "concurrency=0"),
    prefix="dynamics_",
)
