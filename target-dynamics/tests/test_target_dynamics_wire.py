"""What goes over the wire, as a server that notes every request sees it."""

from __future__ import annotations

import json
import threading
import typing as t
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sync_ledger.errors import ConfigError, ServiceUnavailableError
from target_dynamics.connecting import login
from target_dynamics_login import client_of, oauth_of, settings_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service_emulators.dynamics.emulator import DynamicsEmulator
    from target_dynamics.client import DynamicsClient

Handler = t.Callable[[BaseHTTPRequestHandler], tuple[int, dict[str, str], t.Any]]


class Noting:
    """A server that answers as it is told and notes path and headers of each request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.answers: list[tuple[int, dict[str, str], t.Any]] = []
        noting = self

        class Request(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                noting.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, headers, body = noting.answers.pop(0)
                content = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: t.Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def noting() -> Iterator[Noting]:
    found = Noting()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def client(dynamics: DynamicsEmulator, noting: Noting, tmp_path: Path) -> Iterator[DynamicsClient]:
    """A client that signs in to the emulator and calls the noting server."""
    found = client_of(settings_of(dynamics, tmp_path, api_url=noting.url))
    yield found
    found.close()


def test_cookies_are_not_sent_back_and_every_request_has_an_id_of_its_own(
    client: DynamicsClient, noting: Noting
) -> None:
    noting.answers = [(200, {"Set-Cookie": "ARRAffinity=one; Path=/"}, {"value": []})] * 3
    for _ in range(3):
        client.get("/accounts", {"$filter": "name eq 'A + B'"})
    assert all("cookie" not in headers for _, headers in noting.seen)
    assert len({uuid.UUID(headers["x-ms-client-request-id"]) for _, headers in noting.seen}) == 3
    path, headers = noting.seen[0]
    assert path == "/api/data/v9.2/accounts?$filter=name%20eq%20%27A%20%2B%20B%27"
    assert (headers["odata-version"], headers["odata-maxversion"]) == ("4.0", "4.0")
    assert headers["accept"] == "application/json"


def test_the_next_page_is_asked_of_the_same_host_as_it_was_given(client: DynamicsClient, noting: Noting) -> None:
    rest = "/api/data/v9.2/accounts?$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E"
    noting.answers = [
        (200, {}, {"value": [{"n": 1}], "@odata.nextLink": f"https://elsewhere.example.com{rest}"}),
        (200, {}, {"value": [{"n": 2}]}),
    ]
    assert list(client.pages("/accounts", page_size=7)) == [[{"n": 1}], [{"n": 2}]]
    assert noting.seen[1][0] == rest
    assert [headers["prefer"] for _, headers in noting.seen] == ["odata.maxpagesize=7"] * 2


def test_a_redirect_is_not_followed(client: DynamicsClient, noting: Noting) -> None:
    noting.answers = [(302, {"Location": f"{noting.url}/elsewhere"}, {})]
    with pytest.raises(ConfigError, match=r"redirect.*org_url and api_url"):
        client.get("/accounts")
    assert len(noting.seen) == 1


def test_a_proxy_that_refuses_is_told_from_a_missing_privilege(client: DynamicsClient, noting: Noting) -> None:
    noting.answers = [(403, {}, "<html>blocked</html>")]
    with pytest.raises(ServiceUnavailableError, match=r"GET /accounts .403.; check the proxy"):
        client.get("/accounts")


def test_what_is_no_environment_says_so(client: DynamicsClient, noting: Noting) -> None:
    noting.answers = [(404, {}, {"detail": "no"})]
    with pytest.raises(ConfigError, match=r"no Web API of Dataverse .404.; check settings org_url and api_url"):
        _ = client.organisation


@pytest.mark.parametrize("host", ["login.microsoftonline.us", "login.partner.microsoftonline.cn", "127.0.0.1:9"])
def test_a_sovereign_cloud_is_asked_at_its_own_authority(
    dynamics: DynamicsEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing leaves this machine
    monkeypatch.setenv("NO_PROXY", "")
    settings = settings_of(dynamics, tmp_path, authority_url=f"https://{host}/")
    with pytest.raises(ServiceUnavailableError, match=f"Entra ID does not answer at https://{host}: "):
        oauth_of(settings, sleep=lambda _: None).tokens()


def test_nothing_shows_what_lets_in(
    dynamics: DynamicsEmulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(dynamics, tmp_path)
    client = client_of(settings)
    caplog.set_level("DEBUG")
    client.get("/WhoAmI")
    token = client.auth.tokens().access_token
    shown = repr([client, client.auth, login(settings), client.auth.tokens()]) + caplog.text
    assert settings["client_secret"] not in shown
    assert token not in shown
    assert all(one["query"] == "" for one in dynamics.control.requests() if "token" in one["path"])
