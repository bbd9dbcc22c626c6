"""Zoho's own Python SDK (`zohocrmsdk8-0`) as a stranger reads an org with it, in a process of its own.

The SDK keeps its state in module globals, installs a log handler and writes files, so it does not share a process with
the tests: `zoho_sdk_reader.py` is that process. It can be pointed at any host, over plain HTTP too: an `Environment` of
ours carries the address of the API, of the accounts server and of uploads, and stays in force as long as the org's
`api_domain` is none of Zoho's own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def read_with_sdk(org: dict[str, Any], fields: dict[str, list[str]], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Signs in with a refresh token and reads all records of some modules, page by page.

    Args:
        org: what `ZohoEmulator.describe` tells.
        fields: API names of fields by that of the module.
        folder: where the SDK may keep its token file and its field definitions.

    Returns:
        Records by module, with `id` and the fields; times and the ids of related records as text.
    """
    names = ("url", "accounts_url", "upload_url", "client_id", "client_secret", "refresh_token")
    order = {**{name: org[name] for name in names}, "fields": fields, "folder": str(folder)}
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).with_name("zoho_sdk_reader.py"))],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if finished.returncode:
        raise AssertionError(f"the SDK ended with {finished.returncode}: {finished.stderr[-2000:]}")
    records: dict[str, list[dict[str, Any]]] = json.loads(finished.stdout)
    return records
