"""Entra ID's token endpoint and the bearer check (fact sheet section 1)."""

from __future__ import annotations

import base64
import datetime as dt
import re
import time
import uuid
from urllib.parse import quote_plus

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from service_emulators.dynamics.assertions import ASSERTION_TYPE, thumbprint
from service_emulators.dynamics.testing import start_dynamics

FORM = "application/x-www-form-urlencoded"


def ask(emulator, tenant=None, auth=None, **form):
    given = {
        "client_id": emulator.entra.app.client_id,
        "client_secret": emulator.entra.client_secret,
        "grant_type": "client_credentials",
        "scope": f"{emulator.org_url}/.default",
        **form,
    }
    url = f"{emulator.url}/{tenant or emulator.entra.tenant_id}/oauth2/v2.0/token"
    return requests.post(
        url, {name: value for name, value in given.items() if value is not None}, auth=auth, timeout=10
    )


def who_am_i(emulator, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{emulator.url}/api/data/v9.2/WhoAmI", headers=headers, timeout=10)


def test_a_secret_in_the_body_gets_a_token_that_works(crm):
    answer = ask(crm.emulator)
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3599
    assert "refresh_token" not in body
    answer = who_am_i(crm.emulator, body["access_token"])
    assert set(answer.json()) == {"@odata.context", "BusinessUnitId", "UserId", "OrganizationId"}
    assert answer.headers["x-ms-dop-hint"] == "4"


def test_a_secret_in_the_header_does_as_well(crm):
    user, secret = crm.emulator.entra.app.client_id, crm.emulator.entra.client_secret
    assert ask(crm.emulator, auth=(user, quote_plus(secret)), client_id=None, client_secret=None).status_code == 200
    answer = ask(crm.emulator, auth=(user, "wrong"), client_id=None, client_secret=None)
    assert answer.json()["error_codes"] == [7000215]


def test_the_emulators_own_address_and_the_tenants_domain_will_do(crm):
    assert ask(crm.emulator, scope=f"{crm.emulator.url}/.default").status_code == 200
    assert ask(crm.emulator, tenant=crm.emulator.entra.domain).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": str(uuid.UUID(int=1))}, 400, "unauthorized_client", 700016),
        ({"scope": "https://emulator.crm.dynamics.com"}, 400, "invalid_scope", 70011),
        ({"scope": None}, 400, "invalid_scope", 70011),
        (
            {"scope": "https://emulator.crm.dynamics.com/.default https://graph.microsoft.com/.default"},
            400,
            "invalid_scope",
            70011,
        ),
        ({"scope": "https://other.crm.dynamics.com/.default"}, 400, "invalid_resource", 500011),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": None}, 400, "invalid_request", 9002313),
        ({"grant_type": None}, 400, "invalid_request", 9002313),
        ({"client_assertion": "x"}, 400, "invalid_request", 9002313),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"tenant": str(uuid.UUID(int=2))}, 400, "invalid_request", 90002),
    ],
)
def test_what_is_refused(crm, form, status, error, code):
    answer = ask(crm.emulator, **form)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert re.search(
        r"\r\nTrace ID: .*\r\nCorrelation ID: .*\r\nTimestamp: [-0-9]{10} [:0-9]{8}Z$", body["error_description"]
    )
    assert set(body) >= {"timestamp", "trace_id", "correlation_id", "error_uri"}


def test_what_is_no_form_is_malformed(crm):
    url = f"{crm.emulator.url}/{crm.emulator.entra.tenant_id}/oauth2/v2.0/token"
    assert requests.post(url, json={}, timeout=10).json()["error_codes"] == [9002313]
    twice = "client_id=a&client_id=b&grant_type=client_credentials"
    answer = requests.post(url, twice, headers={"Content-Type": FORM}, timeout=10)
    assert answer.json()["error_codes"] == [9002313]


def test_a_secret_expires_and_tokens_stay():
    with start_dynamics() as emulator:
        token = ask(emulator).json()["access_token"]
        emulator.control.expire_secret()
        answer = ask(emulator)
        assert (answer.status_code, answer.json()["error_codes"]) == (401, [7000222])
        assert who_am_i(emulator, token).status_code == 200


def test_tokens_expire_by_their_time_and_on_demand(crm):
    crm.control.switch(access_token_seconds=5)
    body = ask(crm.emulator).json()
    assert body["expires_in"] == 5
    assert who_am_i(crm.emulator, body["access_token"]).status_code == 200
    crm.control.set_clock(offset_seconds=6)
    assert who_am_i(crm.emulator, body["access_token"]).status_code == 401
    token = ask(crm.emulator).json()["access_token"]
    crm.control.expire_tokens()
    assert who_am_i(crm.emulator, token).status_code == 401


def test_without_a_token_there_is_a_challenge_and_no_body(crm):
    answer = requests.get(f"{crm.root}WhoAmI", timeout=10)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=https://login.microsoftonline.com/")
    assert who_am_i(crm.emulator, "made.up.token").status_code == 401


def test_the_configuration_names_the_real_authority(crm):
    tenant = crm.emulator.entra.tenant_id
    path = "/v2.0/.well-known/openid-configuration"
    body = requests.get(f"{crm.emulator.url}/{tenant}{path}", timeout=10).json()
    assert body["token_endpoint"] == f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    assert body["issuer"] == f"https://login.microsoftonline.com/{tenant}/v2.0"
    assert body["authorization_endpoint"].endswith("/oauth2/v2.0/authorize")
    answer = requests.get(f"{crm.emulator.url}/elsewhere{path}", timeout=10)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jde-integration")])
    now = dt.datetime.now(dt.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def with_certificate(certificate):
    with start_dynamics(certificates=(certificate.public_bytes(serialization.Encoding.PEM),)) as emulator:
        yield emulator


def assertion(emulator, key, certificate, algorithm="RS256", padding="", **claims):
    app = emulator.entra.app.client_id
    given = {
        "aud": f"https://login.microsoftonline.com/{emulator.entra.tenant_id}/oauth2/v2.0/token",
        "iss": app,
        "sub": app,
        "jti": str(uuid.uuid4()),
        "nbf": int(time.time()),
        "exp": int(time.time()) + 600,
        **claims,
    }
    name, kind = ("x5t", hashes.SHA1()) if algorithm == "RS256" else ("x5t#S256", hashes.SHA256())
    return jwt.encode(given, key, algorithm, headers={name: thumbprint(certificate, kind) + padding})


def with_assertion(emulator, text):
    return ask(emulator, client_secret=None, client_assertion=text, client_assertion_type=ASSERTION_TYPE)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_certificates_key_signs_in(with_certificate, key, certificate, algorithm):
    answer = with_assertion(with_certificate, assertion(with_certificate, key, certificate, algorithm))
    assert answer.status_code == 200
    assert who_am_i(with_certificate, answer.json()["access_token"]).status_code == 200


def test_thumbprints_may_be_padded_as_msal_does(with_certificate, key, certificate):
    padded = assertion(with_certificate, key, certificate, padding="=")
    assert with_assertion(with_certificate, padded).status_code == 200


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://elsewhere.example/token"}, 700023),
        ({"exp": int(time.time()) - 3600, "nbf": int(time.time()) - 7200}, 700024),
        ({"nbf": int(time.time()) + 3600, "exp": int(time.time()) + 7200}, 700024),
        ({"iss": "someone-else"}, 700027),
        ({"sub": "someone-else"}, 700027),
    ],
)
def test_an_assertion_must_fit(with_certificate, key, certificate, claims, code):
    answer = with_assertion(with_certificate, assertion(with_certificate, key, certificate, **claims))
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (401, "invalid_client", [code])


def test_only_registered_keys_sign(with_certificate, key, certificate):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = assertion(with_certificate, stranger, certificate)
    assert with_assertion(with_certificate, good).json()["error_codes"] == [700027]
    assert with_assertion(with_certificate, "no.token").json()["error_codes"] == [700027]
    head, body, signature = assertion(with_certificate, key, certificate).split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    assert with_assertion(with_certificate, f"{unsigned}.{body}.").json()["error_codes"] == [700027]
    assert head
    assert signature


def test_users_roles_and_privileges(crm):
    crm.control.set_user(present=False)
    assert crm.refused("GET", "WhoAmI")[:2] == (403, "0x80072560")
    crm.control.set_user(disabled=True)
    assert crm.refused("GET", "WhoAmI")[:2] == (403, "0x80040225")
    crm.control.set_user(roles=[])
    assert crm.call("GET", "WhoAmI").status_code == 200
    status, code, message = crm.refused("POST", "accounts", {"name": "x"})
    assert (status, code) == (403, "0x80040220")
    assert "prvCreateAccount" in message
    crm.control.set_user(missing=["prvWriteAccount", "prvDeleteAccount"])
    row_id = crm.add("accounts", name="x")
    assert "prvWriteAccount" in crm.refused("PATCH", f"accounts({row_id})", {"name": "y"})[2]
    assert "prvDeleteAccount" in crm.refused("DELETE", f"accounts({row_id})")[2]
    crm.control.set_user(missing=["prvAppendToAccount"])
    body = {"lastname": "x", "parentcustomerid_account@odata.bind": f"/accounts({row_id})"}
    assert "prvAppendToAccount" in crm.refused("POST", "contacts", body)[2]


def test_privileges_can_be_asked_for(crm):
    crm.control.set_user(missing=["prvWriteAccount"])
    user = crm.ok("GET", "WhoAmI")["UserId"]
    answer = crm.ok("GET", f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges")
    names = {one["PrivilegeName"] for one in answer["RolePrivileges"]}
    assert "prvCreateAccount" in names
    assert "prvWriteAccount" not in names


def test_skipping_custom_logic_and_acting_for_others_take_privileges(crm):
    crm.control.set_user(missing=["prvBypassCustomPlugins", "prvActOnBehalfOfAnotherUser"])
    bypass = {"MSCRM.BypassCustomPluginExecution": "true"}
    assert "prvBypassCustomPlugins" in crm.refused("POST", "accounts", {"name": "x"}, **bypass)[2]
    person = crm.emulator.parts.environment.user_id
    assert "prvActOnBehalf" in crm.refused("POST", "accounts", {"name": "x"}, MSCRMCallerID=person)[2]
    crm.control.set_user()
    assert crm.call("POST", "accounts", {"name": "x"}, **bypass).status_code == 204
    answer = crm.ok("POST", "accounts", {"name": "x"}, MSCRMCallerID=person, Prefer="return=representation")
    assert answer["_createdby_value"] == person
    assert crm.refused("GET", "WhoAmI", CallerObjectId=str(uuid.UUID(int=3)))[0] == 404
