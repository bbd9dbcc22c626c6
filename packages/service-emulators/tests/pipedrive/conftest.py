"""A Pipedrive company over real HTTP, shared by the tests of a module and put back in order before each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from service_emulators.pipedrive.switches import PipedriveSwitches
from service_emulators.testing import start_pipedrive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.testing import PipedriveEmulator


class Company:
    """The emulator and a session with its API token."""

    def __init__(self, emulator: PipedriveEmulator) -> None:
        self.emulator = emulator
        self.control = emulator.control
        self.session = requests.Session()
        self.session.headers["x-api-token"] = emulator.api_token
        self._codes: dict[tuple[str, str], str] = {}

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        """Calls API v2 (or v1 with a path that begins with /v1)."""
        prefix = "/api" if path.startswith("/v1") else "/api/v2"
        return self.session.request(method, self.emulator.url + prefix + path, json=body, params=params, timeout=10)

    def ok(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Calls and returns `data` of a successful answer."""
        response = self.call(method, path, body, **params)
        assert response.ok, response.text
        return response.json()["data"]

    def refused(self, method: str, path: str, body: Any = None, **params: Any) -> str:
        """Calls and returns the text of a 400."""
        response = self.call(method, path, body, **params)
        assert response.status_code == 400, (response.status_code, response.text)
        return str(response.json()["error"])

    def code(self, entity: str, label: str) -> str:
        """Returns the key of a custom field (`organization`, `person` ...)."""
        if (entity, label) not in self._codes:
            for field in self.ok("GET", f"/{entity}Fields", limit=500):
                self._codes[entity, field["field_name"]] = field["field_code"]
        return self._codes[entity, label]

    def field(self, entity: str, name: str, kind: str, *options: str) -> dict[str, Any]:
        """Creates a custom field."""
        body: dict[str, Any] = {"field_name": name, "field_type": kind}
        if options:
            body["options"] = [{"label": label} for label in options]
        result: dict[str, Any] = self.ok("POST", f"/{entity}Fields", body)
        return result

    def organization(self, name: str = "Acme", **values: Any) -> dict[str, Any]:
        """Creates an organization."""
        result: dict[str, Any] = self.ok("POST", "/organizations", {"name": name, **values})
        return result

    def person(self, name: str = "Ana Ruiz", **values: Any) -> dict[str, Any]:
        """Creates a person."""
        result: dict[str, Any] = self.ok("POST", "/persons", {"name": name, **values})
        return result


@pytest.fixture(scope="module")
def shared_company() -> Iterator[Company]:
    with start_pipedrive(burst=0) as emulator:
        yield Company(emulator)


@pytest.fixture
def company(shared_company: Company) -> Company:
    """A company without burst limits; all but the data of earlier tests is fresh."""
    switches = PipedriveSwitches(burst=0, search_burst=0, daily_budget=0)
    shared_company.control.switch(**msgspec.to_builtins(switches))
    shared_company.control.clear_faults()
    shared_company.control.set_clock()
    shared_company.control.reset_counters()
    return shared_company


@pytest.fixture
def fresh_company() -> Iterator[Company]:
    """A company of its own, with the limits of its plan."""
    with start_pipedrive() as emulator:
        yield Company(emulator)
