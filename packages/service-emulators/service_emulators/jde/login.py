"""Token services, the default configuration, and who is calling (AIS fact sheet sections 1 and 2)."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Any

from service_emulators.jde.answers import json_answer
from service_emulators.jde.errors import ServiceError
from service_emulators.jde.requests import Credentials, TokenRequest, decode

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.jde.emulator import Emulator
    from service_emulators.jde.sessions import Session
    from service_emulators.jde.switches import Switches

_COOKIE = "JSESSIONID"
_DATE_CODES = {
    "MM/dd/yyyy": "MDE",
    "dd/MM/yyyy": "DME",
    "dd/MM/yy": "DMY",
    "yyyy/MM/dd": "EMD",
    "MM/dd/yy": "MDY",
    "yy/MM/dd": "YMD",
}
_CAPABILITIES_V1 = """
    grid editable log processingOption ignoreFDAFindOnEntry selectAllGridRows applicationStack thumbnailSize
    gridCellClick query taskAuthorization urlMediaObjects jargon aliasNaming dataservice dataServiceAggregation
    outputType complexQuery validate
""".split()  # noqa: SIM905 - names, read more easily so
_CAPABILITIES_V2 = ["version2services", "nextPage", "simpleGetServices", "formServiceOrderBy", "messageService"]


def caller_address(request: Request) -> str:
    """Return the caller's address, the device of those who name none."""
    return request.client.host if request.client else ""


def check_json(request: Request) -> None:
    """Refuse a body that is not declared as JSON.

    Raises:
        ServiceError: 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ServiceError(415, "Unsupported Media Type", "NotSupportedException")


def basic_credentials(request: Request, body: Credentials) -> Credentials | None:
    """Return user and password of a Basic header, if there is one.

    Raises:
        ServiceError: 403, the header cannot be read.
    """
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ServiceError(403, "Authorization Failure: unreadable Authorization header") from None
    known = _in_headers(request, body)
    return Credentials(username=username, password=password, environment=known.environment, role=known.role)


def signed_on(emulator: Emulator, request: Request, body: Credentials) -> Session | None:
    """Return the session of the call's token, None for a stateless call with valid user and password.

    Raises:
        ServiceError: 444 for a bad token, 403 for bad or missing credentials.
    """
    token = body.token or request.headers.get("jde-ais-auth")
    if token:
        device = body.device_name or request.headers.get("jde-ais-auth-device") or caller_address(request)
        return emulator.sessions.use(token, device, request.cookies.get(_COOKIE), emulator.switches)
    identify(emulator, request, body)
    return None


def identify(emulator: Emulator, request: Request, body: Credentials) -> tuple[str, str]:
    """Check who is calling, by JWT, Basic header or body; return the environment and role to use.

    An AIS token is no bearer token: with one in that header nobody is identified.

    Raises:
        ServiceError: 403.
    """
    scheme, _, jwt = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if not emulator.switches.jwt or not secrets.compare_digest(jwt.encode(), emulator.switches.jwt.encode()):
            raise ServiceError(403, "Authorization Failure: Invalid JWT", "AuthorizationException")
        return emulator.account.place(_in_headers(request, body))
    return emulator.account.check(_user_and_password(emulator, request, body))


def _in_headers(request: Request, body: Credentials) -> Credentials:
    """Return who is calling with environment and role completed from the headers of token requests."""
    return Credentials(
        username=body.username,
        password=body.password,
        environment=body.environment or request.headers.get("jde-ais-auth-environment"),
        role=body.role or request.headers.get("jde-ais-auth-role"),
    )


def _user_and_password(emulator: Emulator, request: Request, body: Credentials) -> Credentials:
    basic = basic_credentials(request, body)
    if basic and emulator.switches.allow_basic:
        return basic
    if body.username is not None and emulator.switches.allow_user_password:
        return body
    raise ServiceError(403, "Authorization Failure: no credentials this server accepts", "AuthorizationException")


class TokenServices:
    """Endpoints of the token services and of the default configuration."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def request_token(self, request: Request) -> Response:
        """Answer ``tokenrequest``: log in and set the session cookie."""
        emulator = self._emulator
        body = TokenRequest()
        if request.method == "POST":
            check_json(request)
            body = decode(await request.body(), TokenRequest)
        environment, role = identify(emulator, request, body)
        device = body.device_name or request.headers.get("jde-ais-auth-device") or caller_address(request)
        session = emulator.sessions.issue(device, environment, role)
        response = json_answer(_token_answer(emulator, session))
        response.set_cookie(_COOKIE, session.ais_cookie, path="/jderest", httponly=True)
        return response

    async def log_out(self, request: Request) -> Response:
        """Answer ``tokenrequest/logout``."""
        check_json(request)
        session = self._session(request, decode(await request.body(), TokenRequest))
        self._emulator.sessions.end(session)
        return json_answer({"status": "Success"})

    async def validate(self, request: Request) -> Response:
        """Answer ``tokenrequest/validate``; asking restarts the idle clock only with ``touch``."""
        check_json(request)
        body = decode(await request.body(), TokenRequest)
        self._session(request, body, touch=body.touch)
        return json_answer({"isValidSession": True})

    def _session(self, request: Request, body: TokenRequest, *, touch: bool = True) -> Session:
        token = body.token or request.headers.get("jde-ais-auth") or ""
        device = body.device_name or request.headers.get("jde-ais-auth-device") or caller_address(request)
        emulator = self._emulator
        cookie = request.cookies.get(_COOKIE)
        return emulator.sessions.use(token, device, cookie, emulator.switches, touch=touch)

    async def default_configuration(self, request: Request) -> Response:
        """Answer ``defaultconfig``; no log-in needed."""
        second = request.url.path.startswith("/jderest/v2/")
        capabilities = [*_CAPABILITIES_V1, *(_CAPABILITIES_V2 if second else [])]
        required = [one for one in request.query_params.get("requiredCapabilities", "").split(",") if one]
        return json_answer(_configuration(self._emulator, capabilities, required))


def _configuration(emulator: Emulator, capabilities: list[str], required: list[str]) -> dict[str, Any]:
    account, switches = emulator.account, emulator.switches
    return {
        "jasHost": "jas.example",
        "jasPort": "8080",
        "jasProtocol": "http",
        "defaultEnvironment": account.environments[0],
        "defaultRole": account.roles[0],
        "displayEnvironment": True,
        "displayRole": True,
        "displayJasServer": False,
        "defaultJasServer": "http://jas.example:8080",
        "ssoAllowed": False,
        "allowSelfSignedSsl": False,
        "sessionTimeout": str(switches.session_timeout_minutes),
        "timeToLive": str(switches.time_to_live_minutes),
        "aisVersion": "EnterpriseOne 9.2.8.2",
        "keepJasSessionOpen": True,
        "requiredCapabilityMissing": not set(required) <= set(capabilities),
        "defaultCachingOn": False,
        "disconnectedTimeout": "30",
        "allowBasicAuth": switches.allow_basic,
        "allowUserPassword": switches.allow_user_password,
        "capabilityList": [
            {
                "name": name,
                "shortDescription": name,
                "longDescription": name,
                "asOfRelease": "9.2",
                "sinceVersion": "1.0",
            }
            for name in capabilities
        ],
    }


def _token_answer(emulator: Emulator, session: Session) -> dict[str, Any]:
    account, switches = emulator.account, emulator.switches
    return {
        "username": account.username,
        "environment": session.environment,
        "role": session.role,
        "jasserver": "http://jas.example:8080",
        "userInfo": {
            "token": session.token,
            "langPref": "  ",
            "locale": "en",
            "dateFormat": _DATE_CODES.get(switches.date_format, "MDE"),
            "dateSeperator": _separator(switches),
            "simpleDateFormat": switches.date_format,
            "timeFormat": "12",
            "decimalFormat": switches.decimal_format,
            "addressNumber": account.address_number,
            "alphaName": "Tap User",
            "appsRelease": "E920",
            "country": "  ",
            "username": account.username,
            "longUserId": account.username,
            "timeZoneOffset": "UTC-05:00",
            "dstRuleKey": "USA",
        },
        "userAuthorized": False,
        "version": None,
        "poStringJSON": None,
        "altPoStringJSON": None,
        "aisSessionCookie": session.ais_cookie,
        "adminAuthorized": False,
        "passwordAboutToExpire": False,
        "envColor": None,
        "machineName": "jas.example",
        "externalJASURL": None,
    }


def _separator(switches: Switches) -> str:
    return next((one for one in switches.date_format if not one.isalpha()), "/")
