"""A Zoho CRM org over real HTTP, shared by the tests of a module and put back in order before each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from service_emulators.zoho.switches import ZohoSwitches
from service_emulators.zoho.testing import start_zoho

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service_emulators.zoho.emulator import ZohoEmulator


class Org:
    """The emulator and a session with an access token."""

    def __init__(self, emulator: ZohoEmulator) -> None:
        self.emulator = emulator
        self.control = emulator.control
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Zoho-oauthtoken {emulator.access_token}"

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **params: Any
    ) -> requests.Response:
        """Calls API v8."""
        url = f"{self.emulator.url}/crm/v8{path}"
        return self.session.request(method, url, json=body, params=params, headers=headers, timeout=10)

    def ok(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **params: Any) -> Any:
        """Calls and returns the body of a wholly successful answer."""
        response = self.call(method, path, body, headers, **params)
        assert response.status_code in {200, 201}, (response.status_code, response.text)
        return response.json()

    def refused(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **params: Any
    ) -> dict[str, Any]:
        """Calls and returns the error of a 400 that is about the whole request."""
        response = self.call(method, path, body, headers, **params)
        assert response.status_code == 400, (response.status_code, response.text)
        error: dict[str, Any] = response.json()
        assert set(error) == {"code", "details", "message", "status"}
        assert error["status"] == "error"
        return error

    def write(self, method: str, path: str, rows: list[Any], **more: Any) -> list[dict[str, Any]]:
        """Writes records and returns the entry of each."""
        response = self.call(method, path, {"data": rows, **more})
        assert "data" in response.json(), response.text
        return list(response.json()["data"])

    def add(self, module: str, **values: Any) -> str:
        """Adds a record and returns its id."""
        (entry,) = self.write("POST", f"/{module}", [values])
        assert entry["code"] == "SUCCESS", entry
        return str(entry["details"]["id"])

    def row(self, module: str, record_id: str) -> dict[str, Any]:
        """Returns a record with all fields."""
        return dict(self.ok("GET", f"/{module}/{record_id}")["data"][0])

    def field(self, module: str, **field: Any) -> str:
        """Creates a field and returns its id."""
        answer = self.ok("POST", "/settings/fields", {"fields": [field]}, module=module)
        return str(answer["fields"][0]["details"]["id"])

    def fields(self, module: str) -> dict[str, dict[str, Any]]:
        """Returns the fields of a module by API name."""
        return {field["api_name"]: field for field in self.ok("GET", "/settings/fields", module=module)["fields"]}


@pytest.fixture(scope="module")
def prepare() -> Callable[[Org], object]:
    """What a module does to its org before the first test; a module may override it."""
    return lambda _org: None


@pytest.fixture(scope="module")
def shared_org(prepare: Callable[[Org], object]) -> Iterator[Org]:
    with start_zoho(demo_fields=True) as emulator:
        org = Org(emulator)
        prepare(org)
        yield org


@pytest.fixture
def org(shared_org: Org) -> Org:
    """An org without limits; all but the data of earlier tests is fresh."""
    switches = ZohoSwitches(credits=0, concurrency=0, sub_concurrency=0)
    shared_org.control.switch(**msgspec.to_builtins(switches))
    shared_org.control.clear_faults()
    shared_org.control.set_clock()
    shared_org.control.reset_counters()
    shared_org.control.call("DELETE", "/automation")
    return shared_org


@pytest.fixture
def fresh_org() -> Iterator[Org]:
    """An org of its own, with the limits of its edition and without custom fields."""
    with start_zoho() as emulator:
        yield Org(emulator)
