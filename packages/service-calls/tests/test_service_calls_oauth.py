"""A token endpoint of a few lines; what the services' own endpoints do is tested in the targets."""

from __future__ import annotations

import itertools
import json
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from filelock import FileLock
from service_calls import OAuth, Service, TokenLimit, Tokens, Transport, kept_tokens, oauth

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SettingError(Exception):
    pass


class UnavailableError(Exception):
    pass


SERVICE = Service("Acme", "target-acme", "acme_url", SettingError, UnavailableError)


class Endpoint(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.numbers = itertools.count(1)
        self.asked: list[str] = []
        self.seen: list[str | None] = []
        self.noted: list[int] = []
        self.before_answer: t.Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.server.before_answer()
        self._answer({"token": f"t{next(self.server.numbers)}"})

    def do_GET(self) -> None:
        self.server.seen.append(self.headers["authorization"])
        self._answer({})

    def log_message(self, *_: t.Any) -> None:
        pass

    def _answer(self, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Login(OAuth):
    scheme = "Acme"
    limit = TokenLimit(3, 60.0, 0.0)

    def __init__(self, url: str, file: Path, origin: str = "one", **options: t.Any) -> None:
        super().__init__(SERVICE, file, origin, **options)
        self._url = url

    def fetch(self, kept: Tokens | None) -> Tokens:
        return self.ask(self._url, {"secret": "s3cret"}, read=self._read)

    @staticmethod
    def _read(response: requests.Response, asked_at: float) -> Tokens:
        return Tokens(response.json()["token"], "", asked_at + 3600)


def refusal(token: str) -> requests.Response:
    """Return the answer to a request that had a token."""
    response = requests.Response()
    response.request = requests.Request("GET", "http://x", headers={"authorization": f"Acme {token}"}).prepare()
    return response


def test_threads_and_processes_share_a_token_and_its_replacement(endpoint: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "new" / "tokens.json"
    sharing = [Login(endpoint.url, file) for _ in range(4)]  # what another process would have
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: sharing[number % 4].tokens().access_token, range(32)))
        assert found == {"t1"}
        list(pool.map(lambda number: sharing[number % 4].refused(refusal("t1")), range(32)))
    assert {one.tokens().access_token for one in sharing} == {"t2"}
    assert endpoint.asked == ["secret=s3cret"] * 2


def test_two_log_ins_share_a_file(endpoint: Endpoint, tmp_path: Path) -> None:
    one, two = (Login(endpoint.url, tmp_path / "tokens.json", origin) for origin in ("one", "two"))
    assert (one.tokens().access_token, two.tokens().access_token) == ("t1", "t2")
    again = Login(endpoint.url, tmp_path / "tokens.json", "one")
    assert again.tokens().access_token == "t1"
    assert len(endpoint.asked) == 2


def test_the_limit_holds_whoever_asks(endpoint: Endpoint, tmp_path: Path) -> None:
    file, now = tmp_path / "tokens.json", time.time()
    login = Login(endpoint.url, file, clock=lambda: now)
    for number in (1, 2):
        login.tokens()
        assert login.refused(refusal(f"t{number}")).fresh
    other = Login(endpoint.url, file, clock=lambda: now + 59)
    stale = refusal(other.tokens().access_token)
    with pytest.raises(UnavailableError, match=r"Acme gives 3 access tokens in 1 min.*tokens\.json"):
        other.refused(stale)
    assert len(endpoint.asked) == 3
    late = Login(endpoint.url, file, clock=lambda: now + 61)
    late.tokens()
    late.refused(stale)
    assert late.tokens().access_token == "t4"


def test_a_question_is_noted_before_it_is_sent_and_struck_out_if_it_never_arrived(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.json"
    endpoint.before_answer = lambda: endpoint.noted.append(len(kept_tokens(file)["one"].asked_at))
    Login(endpoint.url, file).tokens()
    assert endpoint.noted == [1]
    with pytest.raises(UnavailableError, match="Acme's token endpoint does not answer: connection refused"):
        Login("http://127.0.0.1:9", file, "two", sleep=lambda _: None).tokens()
    assert kept_tokens(file)["two"].asked_at == []


def test_a_lock_that_is_held_for_too_long_is_named(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "LOCK_SECONDS", 0.1)
    with (
        FileLock(f"{tmp_path}/tokens.json.lock"),
        pytest.raises(UnavailableError, match=r"tokens\.json\.lock for 0\.1 s; if none is running, delete that file"),
    ):
        Login(endpoint.url, tmp_path / "tokens.json").tokens()


def test_every_request_carries_the_token_and_a_netrc_is_left_alone(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n", "utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    transport = Transport(SERVICE, Login(endpoint.url, tmp_path / "tokens.json"), timeout_seconds=5)
    assert transport.send("GET", endpoint.url).status_code == 200
    transport.close()
    assert endpoint.seen == ["Acme t1"]


@pytest.mark.parametrize("address", ["http://", "nowhere://x"])
def test_an_address_that_is_none_names_its_settings(tmp_path: Path, address: str, endpoint: Endpoint) -> None:
    transport = Transport(SERVICE, Login(endpoint.url, tmp_path / "tokens.json"), timeout_seconds=5)
    with pytest.raises(SettingError, match="check settings acme_url"):
        transport.send("GET", address)
    transport.close()
