"""The way to the server: name, port, TLS; told apart, since each has another person to ask."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import requests
from doctor_findings import failed, good, warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

    from doctor_findings import Finding
    from jde_ais import AisSettings

_EXPIRED, _NOT_YET_VALID, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's codes of what is wrong with a certificate (its manual, X509_STORE_CTX_get_error)."""

_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}
_LONGEST_WAIT_SECONDS = 15
_DAYS_OF_NOTICE = 30


@dataclass(frozen=True)
class Route:
    """How requests travel, the way the client sends them.

    Attributes:
        url: Address of the AIS Server.
        proxy: Address of the proxy between; None without one.
        verify: Whether the certificate is checked, or the file or folder of the authorities to trust.
        timeout: Seconds to wait.
    """

    url: SplitResult
    proxy: SplitResult | None
    verify: bool | str
    timeout: int

    @classmethod
    def of(cls, settings: AisSettings) -> Route:
        """Find out how requests to the server travel; the environment has a say in it."""
        own = {} if settings.proxy_url is None else {"http": settings.proxy_url, "https": settings.proxy_url}
        with requests.Session() as session:
            merged = session.merge_environment_settings(settings.base_url, own, None, settings.verify, None)
        proxy = requests.utils.select_proxy(settings.base_url, merged["proxies"])
        return cls(
            url=urlsplit(settings.base_url),
            proxy=urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else None,
            verify=settings.verify if merged["verify"] is None else merged["verify"],
            timeout=min(settings.timeout_seconds, _LONGEST_WAIT_SECONDS),
        )

    @property
    def first_stop(self) -> tuple[str, int]:
        """Host and port that the first connection leads to."""
        stop = self.proxy or self.url
        return stop.hostname or "", stop.port or (443 if stop.scheme == "https" else 80)

    @property
    def via(self) -> str:
        """The setting that names the first stop."""
        return "ais_url" if self.proxy is None else "proxy_url (or HTTPS_PROXY and NO_PROXY)"

    def context(self) -> ssl.SSLContext:
        """Make the TLS context that the client's requests have.

        Raises:
            OSError: When the file of authorities cannot be read.
        """
        if self.verify is False:
            return ssl._create_unverified_context()  # noqa: S323, SLF001 -- as the setting verify_tls says
        trusted = requests.utils.DEFAULT_CA_BUNDLE_PATH if self.verify is True else self.verify
        is_folder = Path(trusted).is_dir()
        return ssl.create_default_context(cafile=None if is_folder else trusted, capath=trusted if is_folder else None)


def check_network(settings: AisSettings) -> Iterator[Finding]:
    """Check the way to the server; ends with the first failure.

    Args:
        settings: Address, proxy and trust.

    Yields:
        What each step found.
    """
    route = Route.of(settings)
    host, port = route.first_stop
    what = "the proxy" if route.proxy else "the AIS Server"
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        text = f"the name of {what}, {host}, cannot be resolved: {error.strerror or error}"
        yield failed("name", text, f"check the host in {route.via}, and the name servers of this machine")
        return
    yield good("name", f"{host} is {', '.join(sorted({str(one[4][0]) for one in addresses}))}")
    try:
        socket.create_connection((host, port), timeout=route.timeout).close()
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"{what} does not answer at {host}:{port}: {reason}"
        yield failed("port", text, f"check the port in {route.via}, firewalls, and whether the server runs")
        return
    yield good("port", f"{what} answers at {host}:{port}")
    yield _tls(route)


def _tls(route: Route) -> Finding:
    if route.url.scheme != "https":
        if _is_here(route.url.hostname or ""):
            return good("TLS", "none, and none is needed on this machine")
        text = "none: password and data cross the network in the clear"
        return warning("TLS", text, "have TLS set up on the AIS Server and give its https address in ais_url")
    try:
        certificate = _certificate(route)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error, route)
    except ssl.SSLError as error:
        text = f"no TLS connection: {error.reason or type(error).__name__}"
        return failed("TLS", text, "check that ais_url names the TLS port; an http address may be the right one")
    except http.client.HTTPException as error:
        return failed("TLS", f"the proxy gives no way: {type(error).__name__}", f"check {route.via}")
    except OSError as error:
        remedy = "check ca_bundle and the proxy, and that ais_url names the TLS port"
        return failed("TLS", f"no TLS connection: {error.strerror or error}", remedy)
    if route.verify is False:
        text = "the certificate is not checked (verify_tls is false): anybody in between could read the password"
        return warning("TLS", text, "give the file of your certificate authority in ca_bundle and leave verify_tls on")
    return _trusted(certificate)


def _certificate(route: Route) -> dict[str, object]:
    """Shake hands and return the server's certificate; empty when it is not checked."""
    host, port = route.url.hostname or "", route.url.port or 443
    stop, stop_port = route.first_stop
    connection = http.client.HTTPSConnection(stop, stop_port, timeout=route.timeout, context=route.context())
    if route.proxy is not None:
        connection.set_tunnel(host, port, headers=_proxy_log_in(route.proxy))
    try:
        connection.connect()
        peer = connection.sock
        return dict(peer.getpeercert() or {}) if isinstance(peer, ssl.SSLSocket) else {}
    finally:
        connection.close()


def _proxy_log_in(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _untrusted(error: ssl.SSLCertVerificationError, route: Route) -> Finding:
    host = route.url.hostname
    if error.verify_code == _EXPIRED:
        return failed("TLS", f"the certificate of {host} has expired", "have it renewed on the AIS Server")
    if error.verify_code == _NOT_YET_VALID:
        return failed("TLS", f"the certificate of {host} is not valid yet", "check the clock of this machine")
    if error.verify_code in {_OTHER_HOST, _OTHER_ADDRESS}:
        remedy = "give the name that stands in the certificate in ais_url, or have a certificate made for this one"
        return failed("TLS", f"the certificate is for another host than {host}", remedy)
    if error.verify_code in _UNKNOWN_AUTHORITY:
        known = "the usual ones" if route.verify is True else f"those in {route.verify}"
        text = f"the certificate of {host} is from an authority that is not among {known}: {error.verify_message}"
        remedy = "give the file with your company's certificate authority (PEM, intermediate ones too) in ca_bundle"
        return failed("TLS", text, remedy)
    return failed("TLS", f"the certificate of {host} is not trusted: {error.verify_message}", "check ca_bundle")


def _trusted(certificate: dict[str, object]) -> Finding:
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), tz=timezone.utc)
    days = (ends - datetime.now(timezone.utc)).days
    if days < _DAYS_OF_NOTICE:
        return warning("TLS", f"the certificate expires in {days} days", "have it renewed on the AIS Server in time")
    return good("TLS", f"trusted; the certificate is good until {ends:%Y-%m-%d}")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
