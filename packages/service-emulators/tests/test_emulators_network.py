"""HTTPS with a certificate of one's own, and the forward proxy."""

from __future__ import annotations

import datetime as dt

import pytest
import requests
import trustme
from service_emulators.testing import ForwardProxy, start_jde

NO_TRUST = "certificate verify failed"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A private authority: its own certificate's file, and a way to issue others."""
    folder = tmp_path_factory.mktemp("tls")
    private = trustme.CA()
    private.cert_pem.write_to_path(str(folder / "ca.pem"))

    def issue(**options):
        issued = private.issue_cert("127.0.0.1", "localhost", **options)
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        return folder / "server.pem", folder / "server.pem"

    return folder / "ca.pem", issue


def config_of(url, **options):
    return requests.get(f"{url}/jderest/v2/defaultconfig", timeout=20, **options)


def test_https_with_a_private_authority(authority):
    trusted, issue = authority
    with start_jde(tls=issue()) as jde:
        assert jde.url.startswith("https://127.0.0.1:")
        assert config_of(jde.url, verify=str(trusted)).ok
        with pytest.raises(requests.exceptions.SSLError, match=NO_TRUST):
            config_of(jde.url)
        assert jde.control.counters()["requests"] == 1
        jde.control.fault("reset")
        with pytest.raises(requests.ConnectionError):
            config_of(jde.url, verify=str(trusted))
        jde.control.fault("truncate")
        with pytest.raises(requests.RequestException):
            config_of(jde.url, verify=str(trusted))
        assert config_of(jde.url, verify=str(trusted)).ok


def test_an_expired_certificate_is_refused_by_clients_but_not_by_the_control_client(authority):
    trusted, issue = authority
    past = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    with start_jde(tls=issue(not_before=past, not_after=past + dt.timedelta(days=1))) as jde:
        with pytest.raises(requests.exceptions.SSLError, match="expired"):
            config_of(jde.url, verify=str(trusted))
        assert jde.control.switches()["latency"] == 0


def test_a_wrong_file_is_an_error_at_once(tmp_path):
    (tmp_path / "no.pem").write_text("no certificate")
    with pytest.raises(OSError, match="PEM"), start_jde(tls=(tmp_path / "no.pem", tmp_path / "no.pem")):
        pass


def test_plain_requests_pass_the_proxy_and_are_counted():
    with start_jde() as jde, ForwardProxy() as proxy:
        answer = config_of(jde.url, proxies={"http": proxy.url})
        assert answer.json()["aisVersion"]
        body = {"username": jde.username, "password": jde.password}
        through = {"http": proxy.url}
        answer = requests.post(f"{jde.url}/jderest/v2/tokenrequest", json=body, proxies=through, timeout=20)
        assert answer.json()["userInfo"]["token"]
        assert dict(proxy.requests) == {
            f"GET {jde.url}/jderest/v2/defaultconfig": 1,
            f"POST {jde.url}/jderest/v2/tokenrequest": 1,
        }
        assert (dict(proxy.tunnels), proxy.refused) == ({}, 0)
        assert proxy.received > len(answer.content)
        assert jde.control.counters()["requests"] == 2


def test_https_goes_through_a_tunnel(authority):
    trusted, issue = authority
    with start_jde(tls=issue()) as jde, ForwardProxy() as proxy, requests.Session() as session:
        session.proxies = {"https": proxy.url}
        for _ in range(3):
            assert session.get(f"{jde.url}/jderest/v2/defaultconfig", verify=str(trusted), timeout=20).ok
        assert dict(proxy.tunnels) == {jde.url.removeprefix("https://"): 1}
        assert not proxy.requests


def test_a_proxy_may_want_credentials():
    with start_jde() as jde, ForwardProxy(username="corp", password="p4ss") as proxy:
        assert config_of(jde.url, proxies={"http": proxy.url}).status_code == 407
        assert jde.control.counters()["requests"] == 0
        assert config_of(jde.url, proxies={"http": proxy.url_with_credentials}).ok
        assert proxy.refused == 1


def test_what_can_not_be_reached_is_a_bad_gateway():
    with start_jde() as jde:
        gone = jde.url
    with ForwardProxy() as proxy:
        assert config_of(gone, proxies={"http": proxy.url}).status_code == 502
        with pytest.raises(requests.exceptions.ProxyError, match="502"):
            config_of(gone.replace("http:", "https:"), proxies={"https": proxy.url})
        assert requests.get(proxy.url, timeout=20).status_code == 400
