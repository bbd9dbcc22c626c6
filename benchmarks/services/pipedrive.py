"""Pipedrive, and a loop that searches each row by its external ID and then creates or updates it."""

from __future__ import annotations

import typing as t

import requests
from services.service import Service

if t.TYPE_CHECKING:
    from services.service import Account, Row


def _settings(account: Account) -> dict[str, str]:
    return {"TARGET_PIPEDRIVE_API_URL": account["url"], "TARGET_PIPEDRIVE_API_TOKEN": account["api_token"]}


def _loop(account: Account, rows: list[Row]) -> None:
    with requests.Session() as session:
        session.headers["x-api-token"] = account["api_token"]
        base = f"{account['url']}/api/v2"
        fields = session.get(f"{base}/organizationFields", params={"limit": 500}).json()["data"]
        codes = {field["field_name"]: field["field_code"] for field in fields}
        for row in rows:
            found = session.get(
                f"{base}/itemSearch/field",
                params={
                    "term": row["id"],
                    "entity_type": "organization",
                    "field": codes["JDE Number"],
                    "match": "exact",
                },
            ).json()["data"]
            custom = {codes[name]: row[name] for name in ("Credit Limit", "Tax ID")}
            body = {"name": row["name"], "custom_fields": {codes["JDE Number"]: row["id"], **custom}}
            if found:
                answer = session.patch(f"{base}/organizations/{found[0]['id']}", json=body)
            else:
                answer = session.post(f"{base}/organizations", json=body)
            answer.raise_for_status()


PIPEDRIVE: t.Final = Service(
    name="pipedrive",
    unit="tokens",
    stream="organizations",
    name_field="name",
    settings=_settings,
    loop=_loop,
    listing="GET /api/v2/organizations",
    switches=("burst=0", "search_burst=0", "daily_budget=0", "search_lag_ms=0"),
)
