"""The AIS Server: whether it is one, of which release, what it can do, and whether it lets us in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from doctor_findings import failed, good, of_error, warning
from jde_ais import AisConfigError, AisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from doctor_findings import Finding
    from jde_ais import AisClient, AisSettings

OLDEST_TOOLS = "9.2.1.2"
"""The first Tools release with the services of version 2 (Oracle, JD Edwards REST API, "REST endpoints")."""

_NEEDED = ("dataservice", "dataServiceAggregation", "outputType", "complexQuery", "aliasNaming")
_LOOK = "see the log of the AIS Server"
_CONFIGURATION = "/defaultconfig?all=true"


def check_server(settings: AisSettings) -> Iterator[Finding]:
    """Check that an AIS Server with the services of version 2 is there; needs no log-in.

    Args:
        settings: Address, proxy and trust.

    Yields:
        What was found.
    """
    status, body = _ask(settings, f"/v2{_CONFIGURATION}")
    if not _describes(body):
        old = _ask(settings, _CONFIGURATION)[1] if status == HTTPStatus.NOT_FOUND else {}
        yield _too_old(old) if _describes(old) else _no_server(settings, status)
        return
    yield good("AIS Server", f"{body.get('aisVersion') or 'of unknown version'}, services of version 2")
    listed = body.get("capabilityList")
    names = {str(one.get("name")) for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()
    yield _capabilities(names)


def check_log_in(client: AisClient) -> Iterator[Finding]:
    """Log in, once: JD Edwards locks a user after a few wrong passwords.

    Args:
        client: The client; it keeps the session for the checks that follow.

    Yields:
        The log-in, the limits of its session, and whether the user's dates can be written.
    """
    try:
        user = client.user
    except AisConfigError as error:
        check = "date format" if "date format" in str(error) else "log-in"
        yield of_error(check, error, otherwise=_LOOK)
        return
    except AisError as error:
        found = of_error("log-in", error, otherwise=_LOOK)
        once = "" if client.settings.auth_method == "jwt" else " (tried once: JD Edwards locks users)"
        yield failed("log-in", f"{found.text}{once}", found.remedy)
        return
    place = f"environment {user.environment or '(default)'}, role {user.role or '(default)'}"
    yield good("log-in", f"{user.username} signed on to {place}")
    yield _session(client)
    yield _dates(user.date_format)


def _ask(settings: AisSettings, path: str) -> tuple[int, dict[str, Any]]:
    """Ask the server without a log-in; status 0 stands for no answer, an empty body for one that is no JSON object."""
    proxies = {} if settings.proxy_url is None else {"http": settings.proxy_url, "https": settings.proxy_url}
    try:
        answer = requests.get(
            settings.base_url + path,
            headers={"Accept": "application/json"},
            auth=lambda request: request,  # keeps requests from adding a log-in out of a .netrc file
            proxies=proxies,
            verify=settings.verify,
            timeout=settings.timeout_seconds,
            allow_redirects=False,
        )
    except (requests.RequestException, OSError):
        return 0, {}
    try:
        body = answer.json() if answer.ok else {}
    except ValueError:
        body = {}
    return answer.status_code, body if isinstance(body, dict) else {}


def _describes(body: dict[str, Any]) -> bool:
    return "aisVersion" in body or "capabilityList" in body


def _too_old(body: dict[str, Any]) -> Finding:
    version = body.get("aisVersion") or "of unknown version"
    text = f"{version} has no services of version 2, by which tables are read"
    return failed("AIS Server", text, f"have the AIS Server brought to Tools {OLDEST_TOOLS} or later")


def _no_server(settings: AisSettings, status: int) -> Finding:
    place = settings.base_url
    address = "ais_url must be the address of the AIS Server, before /jderest"
    if not status:
        return failed("AIS Server", f"no answer from {place}", f"{address}; a TLS server must be given as https")
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return failed("AIS Server", "the proxy wants a log-in", "give user and password in proxy_url")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return failed("AIS Server", f"{place} leads elsewhere (HTTP {status})", address)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "see the log of the AIS Server or of the proxy before it, and whether the server has started"
        return failed("AIS Server", f"{place} answers HTTP {status}", remedy)
    return failed("AIS Server", f"something else answers at {place} (HTTP {status})", address)


def _capabilities(names: set[str]) -> Finding:
    missing = [name for name in _NEEDED if name not in names]
    if not names:
        return warning("capabilities", "the server does not tell them", f"check that its Tools are {OLDEST_TOOLS}+")
    if not missing:
        return good("capabilities", f"{', '.join(_NEEDED)} are there")
    text, remedy = f"the server does not name {', '.join(missing)}", "have the AIS Server brought to a newer release"
    return failed("capabilities", text, remedy) if "dataservice" in missing else warning("capabilities", text, remedy)


def _session(client: AisClient) -> Finding:
    config = client.server_config()
    if not config.idle_seconds or not config.lifetime_seconds:
        return good("session", "the server does not tell its limits; the tap renews its token after 25 minutes")
    idle, life = config.idle_seconds // 60, config.lifetime_seconds // 60
    return good("session", f"ends after {idle} min unused, {life} min in all; the tap renews it before")


def _dates(pattern: str) -> Finding:
    if "yyyy" in pattern:
        return good("date format", f"{pattern}, the user's")
    text = f"{pattern}, the user's, has two digits for the year: only 1970 to 2039 can be asked for"
    return warning("date format", text, "give the user's profile (P0092) a date format with four, like MM/dd/yyyy")
