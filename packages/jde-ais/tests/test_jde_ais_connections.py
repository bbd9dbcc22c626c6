"""Certificates, proxies, and the pace of requests."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import trustme
from hypothesis import given
from hypothesis import strategies as st
from jde_ais import AisClient, AisConfigError, AisSettings, AisUnavailable, BrowseRequest
from jde_ais.connections import fault_of_connection
from jde_ais.faults import TransientFault
from jde_ais.pace import Pace
from service_emulators.jde.testing import start_jde
from service_emulators.proxy import ForwardProxy

READ = BrowseRequest("F0101", ("AN8",))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = b'{"sessionTimeout": "30"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that does not trust the certificate hangs up


@contextmanager
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def refused(url, verify=True):
    sleeps = []
    with (
        AisClient(AisSettings(url, "U", "p", verify=verify), sleep=sleeps.append) as client,
        pytest.raises(AisConfigError) as error,
    ):
        _ = client.user
    assert sleeps == [], "a certificate does not get better by waiting"
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_certificate_of_the_own_authority(authority, bundle):
    with (
        tls_server(authority.issue_cert("127.0.0.1")) as url,
        AisClient(AisSettings(url, "U", "p", verify=bundle)) as c,
    ):
        assert c.server_config().idle_seconds == 1800


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_checking_can_be_switched_off(authority):
    with tls_server(authority.issue_cert("127.0.0.1")) as url, AisClient(AisSettings(url, "U", "p", verify=False)) as c:
        assert c.server_config().idle_seconds == 1800


def test_an_unknown_authority_is_told_from_an_expired_certificate_and_another_host(authority, bundle):
    now = datetime.now(timezone.utc)
    day = timedelta(days=1)
    expired = authority.issue_cert("127.0.0.1", not_before=now - 9 * day, not_after=now - day)
    early = authority.issue_cert("127.0.0.1", not_before=now + day, not_after=now + 9 * day)
    other = authority.issue_cert("ais.example.com")
    with tls_server(authority.issue_cert("127.0.0.1")) as url:
        words = refused(url)
        assert "unknown authority" in words
        assert "ca_bundle" in words
        assert "verify_tls" in words
    with tls_server(expired) as url:
        words = refused(url, bundle)
        assert "has expired" in words
        assert "verify_tls" in words
    with tls_server(early) as url:
        assert "not valid yet" in refused(url, bundle)
    with tls_server(other) as url:
        words = refused(url, bundle)
        assert "for another host" in words
        assert "ais_url" in words


def test_files_of_authorities_that_are_none(authority, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing of the kind")
    with tls_server(authority.issue_cert("127.0.0.1")) as url:
        assert "ca_bundle" in refused(url, str(empty))
        assert "ca_bundle" in refused(url, str(tmp_path / "none.pem"))


def test_a_server_that_does_not_speak_tls(jde):
    words = refused(jde.url.replace("http:", "https:"))
    assert "ais_url really speaks TLS" in words
    assert words.count("[") == words.count("]") == 1


@contextmanager
def answering(words):
    """A socket that says the same to everyone and hangs up."""

    def answer():
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            with connection:
                if words:
                    connection.recv(65536)
                    connection.sendall(words)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_connection_lost_while_it_is_being_secured_is_tried_again():
    sleeps = []
    with (
        answering(b"") as address,
        AisClient(AisSettings(f"https://{address}", "U", "p"), sleep=sleeps.append) as client,
        pytest.raises(AisUnavailable, match="connection to https"),
    ):
        _ = client.user
    assert sleeps


@pytest.mark.parametrize("inner", [ssl.SSLEOFError(8, "EOF occurred"), ssl.SSLZeroReturnError(6, "closed (EOF)")])
def test_both_ways_in_which_tls_ends_are_a_lost_connection(inner):
    settings = AisSettings("https://ais.invalid", "U", "p")
    error = requests.exceptions.SSLError(inner)
    assert isinstance(fault_of_connection(error, "log-in", "https://ais.invalid", settings, str), TransientFault)


PROXIED = "http://ais.invalid:7077"


def through_proxy(stub, url=None, **changes):
    """A client whose only way is the stub, which answers as proxy and server in one."""
    inner = stub.respond

    def respond(method, path, body, headers):
        assert path.startswith(PROXIED + "/jderest/"), "a proxy gets the whole address"
        return inner(method, path.removeprefix(PROXIED), body, headers)

    stub.respond = respond
    settings = AisSettings(PROXIED, "U", "p4ss", proxy_url=url or stub.url, **changes)
    return AisClient(settings, sleep=lambda _: None)


def counted(path):
    return 200, {}, b'{"ds_F0101": {"output": [{"COUNT": 3}]}}'


def test_everything_goes_through_the_proxy(stub_server, monkeypatch):
    # The setting goes before the environment's proxy, and before its exceptions.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "ais.invalid")
    with stub_server(counted) as stub, through_proxy(stub) as client:
        assert client.count("F0101") == 3
        client.close()
        assert stub.paths()[-1].endswith("/logout")


def test_user_and_password_of_the_proxy_are_sent_to_it_alone(stub_server):
    with stub_server(counted) as stub:
        url = stub.url.replace("http://", "http://jane:s3%40cret@")
        with through_proxy(stub, url) as client:
            assert client.count("F0101") == 3
        assert all(headers["Proxy-Authorization"] == "Basic amFuZTpzM0BjcmV0" for *_, headers in stub.seen)


def test_a_proxy_that_wants_a_log_in_or_fails_is_named_without_its_secrets(stub_server):
    with stub_server(lambda path: (407, {}, b"who is jane:s3%40cret?")) as stub:
        stub.config = stub.login = None
        url = stub.url.replace("http://", "http://jane:s3%40cret@")
        with through_proxy(stub, url) as client, pytest.raises(AisConfigError, match="proxy_url") as error:
            client.count("F0101")
        assert "407" in str(error.value)
        assert not [part for part in ("jane:", "s3%40cret", "s3@cret") if part in str(error.value)]
    # For TLS the proxy is asked for a tunnel first.
    with answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as address:
        settings = AisSettings("https://ais.invalid", "U", "p", proxy_url=f"http://jane:s3%40cret@{address}")
        with AisClient(settings) as client, pytest.raises(AisConfigError, match=r"407.*proxy_url") as error:
            client.count("F0101")
        assert not [part for part in ("jane:", "s3%40cret", "s3@cret") if part in repr(error.value)]
    for address in (PROXIED, PROXIED.replace("http:", "https:")):
        settings = AisSettings(address, "U", "p", proxy_url="http://jane:s3%40cret@127.0.0.1:9")
        with (
            AisClient(settings, sleep=lambda _: None) as client,
            pytest.raises(AisUnavailable, match=r"the proxy for .* fails: .*; check proxy_url") as gone,
        ):
            client.count("F0101")
        assert not [part for part in ("jane", "s3%40cret", "s3@cret") if part in repr(gone.value) + repr(settings)]


def test_tls_of_the_own_authority_through_a_proxy_with_a_log_in(authority, bundle, tmp_path):
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    with (
        start_jde(customers=30, contacts=0, tls=(chain, key)) as site,
        ForwardProxy(username="jane", password="s3@cret") as proxy,
        AisClient(
            AisSettings(site.url, site.username, site.password, verify=bundle, proxy_url=proxy.url_with_credentials)
        ) as client,
    ):
        assert client.count("F0101") == site.store.count("F0101")
        assert sum(proxy.tunnels.values()) >= 1


@pytest.mark.parametrize(
    "url", ["proxy:3128", "socks5://p:1", "http://", "http://p:0", "http://u:s3cret@p/x", "", " http://p"]
)
def test_an_address_that_is_no_proxy_is_refused(url):
    with pytest.raises(AisConfigError, match="proxy_url") as refused:
        AisClient(AisSettings("http://x", "U", "p", proxy_url=url))
    assert "s3cret" not in str(refused.value)


class Ticking:
    """A clock that goes on by sleeping, and a little by itself."""

    def __init__(self):
        self.now = 5.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@given(st.integers(1, 50), st.lists(st.floats(0, 3), max_size=80))
def test_no_second_has_more_requests_than_allowed(rate, pauses):
    clock = Ticking()
    pace = Pace(rate, clock, clock.sleep)
    sent = []
    for pause in [0.0] * 5 + pauses:
        clock.now += pause
        before = clock.now
        pace.wait()
        sent.append(clock.now)
        assert clock.now - before <= 1 / rate + 1e-9, "nobody waits longer than needed"
    for place in range(rate, len(sent)):
        assert sent[place] - sent[place - rate] >= 1 - 1e-6


def test_no_limit_means_no_wait():
    clock = Ticking()
    pace = Pace(0, clock, clock.sleep)
    for _ in range(100):
        pace.wait()
    assert clock.now == 5.0


def test_threads_share_one_pace(jde):
    clock, waits = Ticking(), []
    settings = jde.settings(requests_per_second=4, max_concurrency=6)
    with AisClient(settings, clock=clock, sleep=waits.append) as client:
        threads = [threading.Thread(target=client.browse, args=(READ,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # The clock stands still: settings, log-in, six reads and the log-out are a quarter of a second apart.
    assert sorted(waits) == [n / 4 for n in range(1, 9)]


def test_attempts_count_as_requests(jde):
    jde.control.fault("status", path="v2/dataservice$", status=503, times=2)
    clock, waits = Ticking(), []
    with AisClient(jde.settings(requests_per_second=1), clock=clock, sleep=waits.append) as client:
        client.browse(READ)
    paced = [wait for wait in waits if wait == int(wait)]
    assert sorted(paced) == [1, 2, 3, 4, 5]
