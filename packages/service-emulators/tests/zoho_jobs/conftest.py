"""A Zoho CRM org over real HTTP, shared by the tests of a module and emptied before each."""

from __future__ import annotations

import contextlib
import csv
import http.server
import io
import json
import threading
import time
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from service_emulators.zoho.bulk.tables import JOBS, ROWS, UPLOADS
from service_emulators.zoho.catalog import Field
from service_emulators.zoho.emulator import ZohoEmulator
from service_emulators.zoho.switches import ZohoSwitches
from service_emulators.zoho.tables import KEYS, RECYCLE_BIN
from service_emulators.zoho.watch.channels import CHANNELS
from sqlalchemy import delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAST = {"bulk_start_ms": 0, "bulk_polls": 0, "credits": 0}


class Org:
    """The emulator and a session with its access token."""

    def __init__(self, emulator: ZohoEmulator) -> None:
        self.emulator = emulator
        self.control = emulator.control
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Zoho-oauthtoken {emulator.access_token}"

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        """Calls an address of the service."""
        return self.session.request(method, self.emulator.url + path, json=body, timeout=10, **kwargs)

    def ok(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        """Calls and returns the body of a successful answer."""
        response = self.call(method, path, body, **kwargs)
        assert response.ok, response.text
        return response.json() if response.content else None

    def refused(self, method: str, path: str, body: Any = None, status: int = 400, **kwargs: Any) -> dict[str, Any]:
        """Calls and returns the body of an error."""
        response = self.call(method, path, body, **kwargs)
        assert response.status_code == status, (response.status_code, response.text)
        answer: dict[str, Any] = response.json()
        return answer

    def add(self, module: str, *records: dict[str, Any]) -> list[str]:
        """Creates records; returns their ids."""
        data = self.ok("POST", f"/crm/v8/{module}", {"data": list(records)})["data"]
        assert [item["code"] for item in data] == ["SUCCESS"] * len(records), data
        return [item["details"]["id"] for item in data]

    def records(self, module: str) -> list[dict[str, Any]]:
        """Returns all records of a module, without a call."""
        return self.emulator.records(module)

    def upload(self, content: str | bytes, name: str = "rows.csv") -> str:
        """Uploads a CSV file; returns its id."""
        headers = {"feature": "bulk-write", "X-CRM-ORG": self.emulator.org.zgid}
        files = {"file": ("rows.zip", self.archive(content, name))}
        answer: dict[str, Any] = self.ok("POST", "/crm/v8/upload", files=files, headers=headers)
        return str(answer["details"]["file_id"])

    def write(self, content: str | bytes, module: str = "Accounts", operation: str = "insert", **resource: Any) -> str:
        """Uploads a file whose header row names the fields and starts a bulk write job; returns its id."""
        answer = self.ok("POST", "/crm/bulk/v8/write", self.job(content, module, operation, **resource))
        return str(answer["details"]["id"])

    def job(
        self, content: str | bytes, module: str = "Accounts", operation: str = "insert", **resource: Any
    ) -> dict[str, Any]:
        """Uploads a file; returns the body of a request for a bulk write job."""
        given = {
            "type": "data",
            "module": {"api_name": module},
            "file_id": self.upload(content),
            "file_names": ["rows.csv"],
        }
        return {"operation": operation, "resource": [{**given, **resource}]}

    def details(self, job: str) -> dict[str, Any]:
        """Returns the details of a bulk write job."""
        answer: dict[str, Any] = self.ok("GET", f"/crm/bulk/v8/write/{job}")
        return answer

    def ended(self, job: str) -> dict[str, Any]:
        """Waits for the end of a bulk write job; returns its details."""
        return self.until(lambda: self.details(job), lambda found: found["status"] in {"COMPLETED", "FAILED"})

    def result(self, job: str) -> list[dict[str, str]]:
        """Waits for the end of a bulk write job; returns the rows of its result."""
        details = self.ended(job)
        assert details["status"] == "COMPLETED", details
        return rows_of(self.session.get(details["result"]["download_url"], timeout=10).content)

    @staticmethod
    def until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 10) -> Any:
        """Looks until what is seen is good; returns it."""
        end = time.monotonic() + seconds
        while not good(seen := look()):
            assert time.monotonic() < end, seen
            time.sleep(0.005)
        return seen

    @staticmethod
    def archive(content: str | bytes, *names: str) -> bytes:
        """Returns a zip archive of a file under one name or several."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            for name in names or ("rows.csv",):
                file.writestr(name, content)
        return packed.getvalue()


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Returns the rows of the only CSV file of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        (name,) = file.namelist()
        return list(csv.DictReader(io.StringIO(file.read(name).decode(), newline="")))


def add_key(emulator: ZohoEmulator, module: str, label: str = "JDE Number") -> None:
    """Gives a module a unique text field, as an administrator does."""
    catalog = emulator.parts.catalog
    with emulator.store.lock:
        field = Field(
            id=emulator.store.new_id(),
            api_name=label.replace(" ", "_"),
            label=label,
            data_type="text",
            length=20,
            custom=True,
            unique={"case_sensitive": False},
        )
        catalog.create_field(catalog.modules()[module], field)
        emulator.store.commit()


@pytest.fixture(scope="module")
def shared_org() -> Iterator[Org]:
    with ZohoEmulator(**FAST) as emulator:
        for module in ("Accounts", "Contacts"):
            add_key(emulator, module)
        yield Org(emulator)


@pytest.fixture
def org(shared_org: Org) -> Org:
    """An org without records, jobs and channels, whose jobs begin at once; JDE_Number is unique."""
    emulator = shared_org.emulator
    emulator.control.switch(**{**msgspec.to_builtins(ZohoSwitches()), **FAST})
    emulator.control.clear_faults()
    emulator.control.set_clock()
    with emulator.store.lock:
        tables = [module.table for module in emulator.parts.catalog.modules().values()]
        for table in (*tables, KEYS, RECYCLE_BIN, JOBS, ROWS, UPLOADS, CHANNELS):
            emulator.store.connection.execute(delete(table))
        emulator.store.commit()
    emulator.control.reset_counters()
    return shared_org


@pytest.fixture
def org_with() -> Iterator[Callable[..., Org]]:
    """Starts orgs of the test's own, with any argument of the emulator."""
    with contextlib.ExitStack() as stack:

        def start(**arguments: Any) -> Org:
            return Org(stack.enter_context(ZohoEmulator(**{**FAST, **arguments})))

        yield start


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps the bodies it is sent."""

    got: list[Any]

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A receiver of calls: its address, and the bodies it got so far."""
    got: list[Any] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Hook,), {"got": got}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()
