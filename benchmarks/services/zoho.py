"""Zoho CRM, and a loop of one upsert for each row."""

from __future__ import annotations

import typing as t

import requests
from services.service import Service

if t.TYPE_CHECKING:
    from services.service import Account, Row


def _settings(account: Account) -> dict[str, str]:
    names = ("accounts_url", "upload_url", "client_id", "client_secret", "refresh_token")
    return {f"TARGET_ZOHO_{name.upper()}": account[name] for name in names}


def _loop(account: Account, rows: list[Row]) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Zoho-oauthtoken {account['access_token']}"
        for row in rows:
            values = {"Account_Name": row["Account_Name"], "Credit_Limit": row["Credit Limit"], "Tax_ID": row["Tax ID"]}
            body = {
                "data": [{"JDE_Number": row["id"], **values}],
                "duplicate_check_fields": ["JDE_Number"],
                "trigger": [],
            }
            answer = session.post(f"{account['url']}/crm/v8/Accounts/upsert", json=body)
            answer.raise_for_status()


ZOHO: t.Final = Service(
    name="zoho",
    unit="credits",
    stream="Accounts",
    name_field="Account_Name",
    settings=_settings,
    loop=_loop,
    listing="POST /crm/v8/coql",
    options=("--zoho-fields",),
    switches=("credits=0", "concurrency=0", "sub_concurrency=0", "token_throttle=0"),
    prefix="zoho_",
)
