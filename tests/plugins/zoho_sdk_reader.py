"""Reads modules of an org with Zoho's own SDK; the order and the records are JSON (see `zoho_sdk.py`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam, RecordOperations, ResponseWrapper
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig


def _sign_in(order: dict[str, Any]) -> None:
    folder = Path(order["folder"])
    environment = DataCenter.Environment(order["url"], order["accounts_url"] + "/oauth/v2/token", order["upload_url"])
    token = OAuthToken(
        client_id=order["client_id"], client_secret=order["client_secret"], refresh_token=order["refresh_token"]
    )
    Initializer.initialize(
        environment=environment,
        token=token,
        store=FileStore(str(folder / "sdk-secret-tokens.csv")),
        sdk_config=SDKConfig(auto_refresh_fields=False, pick_list_validation=False),
        resource_path=str(folder),
    )


def _read(module: str, fields: list[str]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    page_token = None
    while True:
        params = ParameterMap()
        params.add(GetRecordsParam.fields, ",".join(fields))
        params.add(GetRecordsParam.per_page, 200)
        if page_token is not None:
            params.add(GetRecordsParam.page_token, page_token)
        answer = RecordOperations(module).get_records(params)
        if answer.get_status_code() == 204:
            return records
        body = answer.get_object()
        if not isinstance(body, ResponseWrapper):
            told = body and f"{body.get_code().get_value()}: {body.get_message()}"
            raise SystemExit(f"{answer.get_status_code()} {told}")
        for record in body.get_data():
            values = {name: _plain(record.get_key_value(name)) for name in fields}
            records.append({"id": str(record.get_id()), **values})
        page_token = body.get_info().get_next_page_token()
        if not body.get_info().get_more_records():
            return records


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "get_value"):
        return _plain(value.get_value())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "get_id"):
        return str(value.get_id())
    return str(value)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    _sign_in(given)
    json.dump({module: _read(module, fields) for module, fields in given["fields"].items()}, sys.stdout)
