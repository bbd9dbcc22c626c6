"""Zoho's own Python SDK (`zohocrmsdk8-0`) as a stranger reads an org with it, in a process of its own.

The SDK keeps its state in module globals, installs a log handler and writes files, so it does not share a process with
the tests. It can be pointed at any host: an `Environment` of ours carries the address of the API, of the accounts server
and of uploads, and stays in force as long as the org's `api_domain` is none of Zoho's own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def read_with_sdk(org: dict[str, Any], module: str, fields: list[str], folder: Path) -> list[dict[str, Any]]:
    """Signs in with a refresh token and reads all records of a module, page by page.

    Args:
        org: what `ZohoEmulator.describe` tells.
        module: API name.
        fields: API names.
        folder: where the SDK may keep its token file and its field definitions.

    Returns:
        Records with `id` and the fields, times and related records as text.
    """
    known = ("url", "accounts_url", "upload_url", "client_id", "client_secret", "refresh_token")
    order = {name: org[name] for name in known}
    order.update(module=module, fields=fields, folder=str(folder))
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", __file__],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if finished.returncode:
        raise AssertionError(f"the SDK ended with {finished.returncode}: {finished.stderr[-2000:]}")
    records: list[dict[str, Any]] = json.loads(finished.stdout)
    return records


def _sign_in(order: dict[str, Any]) -> None:
    from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
    from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
    from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
    from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
    from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig

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


def _read(order: dict[str, Any]) -> list[dict[str, Any]]:
    from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
    from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam, RecordOperations, ResponseWrapper

    records: list[dict[str, Any]] = []
    page_token = None
    while True:
        params = ParameterMap()
        params.add(GetRecordsParam.fields, ",".join(order["fields"]))
        params.add(GetRecordsParam.per_page, 200)
        if page_token is not None:
            params.add(GetRecordsParam.page_token, page_token)
        answer = RecordOperations(order["module"]).get_records(params)
        if answer.get_status_code() == 204:
            return records
        body = answer.get_object()
        if not isinstance(body, ResponseWrapper):
            raise SystemExit(
                f"{answer.get_status_code()}: {body and (body.get_code().get_value(), body.get_message())}"
            )
        for record in body.get_data():
            values = {name: _plain(record.get_key_value(name)) for name in order["fields"]}
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
    json.dump(_read(given), sys.stdout)
