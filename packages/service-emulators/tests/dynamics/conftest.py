"""A Dataverse environment over real HTTP, shared by the tests of a module and put back in order before each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from service_emulators.dynamics.switches import DynamicsSwitches
from service_emulators.dynamics.testing import start_dynamics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.dynamics.emulator import DynamicsEmulator


class Environment:
    """The emulator and a session with an access token."""

    def __init__(self, emulator: DynamicsEmulator) -> None:
        self.emulator = emulator
        self.control = emulator.control
        self.root = f"{emulator.url}/api/data/v9.2/"
        self.session = requests.Session()
        self.sign_in()

    def sign_in(self) -> None:
        """Takes a new access token."""
        self.session.headers["Authorization"] = f"Bearer {self.emulator.token()}"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Calls the Web API; `_` in the name of a header is `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, self.root + path, json=body, headers=named, timeout=10)

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Calls and returns the body of a successful answer."""
        response = self.call(method, path, body, **headers)
        assert response.status_code in {200, 201, 204}, (response.status_code, response.text)
        return response.json() if response.content else None

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        """Calls and returns status, code and message of an error."""
        response = self.call(method, path, body, **headers)
        assert response.status_code >= 400, (response.status_code, response.text)
        error = response.json()["error"]
        return response.status_code, error["code"], error["message"]

    def add(self, set_name: str, **values: Any) -> str:
        """Adds a row and returns its id."""
        response = self.call("POST", set_name, values)
        assert response.status_code == 204, response.text
        return response.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    def row(self, set_name: str, row_id: str, **headers: str) -> dict[str, Any]:
        """Returns a row with all columns."""
        return dict(self.ok("GET", f"{set_name}({row_id})", **headers))

    def number(self) -> str:
        """Returns an external id that no row of this environment has."""
        self.numbers = getattr(self, "numbers", 1000) + 1
        return str(self.numbers)


def label(text: str) -> dict[str, Any]:
    """Returns a label as bodies give it."""
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


@pytest.fixture(scope="module")
def shared_environment() -> Iterator[Environment]:
    with start_dynamics(demo_columns=True) as emulator:
        yield Environment(emulator)


@pytest.fixture
def crm(shared_environment: Environment) -> Environment:
    """An environment of which all but the data of earlier tests is fresh."""
    environment = shared_environment
    environment.control.switch(**msgspec.to_builtins(DynamicsSwitches()))
    environment.control.clear_faults()
    environment.control.set_clock()
    environment.control.set_user()
    environment.control.forgive()
    environment.control.reset_limits()
    environment.control.reset_counters()
    environment.sign_in()
    return environment


@pytest.fixture
def fresh_crm() -> Iterator[Environment]:
    """An environment of its own, without custom columns."""
    with start_dynamics() as emulator:
        yield Environment(emulator)
