"""The accounts server: errors inside HTTP 200, the throttle, eviction, data centres, scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from service_emulators.zoho.scopes import allows
from service_emulators.zoho.testing import start_zoho

if TYPE_CHECKING:
    from service_emulators.zoho.emulator import ZohoEmulator

    from conftest import Org


def token(emulator: ZohoEmulator, **changes: str) -> requests.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": emulator.accounts.client_id,
        "client_secret": emulator.accounts.client_secret,
        "refresh_token": emulator.accounts.refresh_token,
        **changes,
    }
    return requests.post(f"{emulator.url}/oauth/v2/token", data=form, timeout=10)


def use(emulator: ZohoEmulator, access: str, path: str = "/crm/v8/org") -> requests.Response:
    return requests.get(emulator.url + path, headers={"Authorization": f"Zoho-oauthtoken {access}"}, timeout=10)


def test_a_refresh_gives_a_token_that_works_for_an_hour(fresh_org: Org) -> None:
    emulator = fresh_org.emulator
    answer = token(emulator).json()
    assert set(answer) == {"access_token", "scope", "api_domain", "token_type", "expires_in"}
    assert (answer["api_domain"], answer["expires_in"]) == (emulator.url, 3600)
    assert use(emulator, answer["access_token"]).status_code == 200
    emulator.control.set_clock(offset_seconds=3601)
    expired = use(emulator, answer["access_token"])
    assert (expired.status_code, expired.json()["code"]) == (401, "INVALID_TOKEN")
    assert "refresh_token" not in answer


def test_parameters_may_come_in_the_query(fresh_org: Org) -> None:
    emulator = fresh_org.emulator
    accounts = emulator.accounts
    params = {"grant_type": "refresh_token", "client_id": accounts.client_id, "client_secret": accounts.client_secret}
    params["refresh_token"] = accounts.refresh_token
    assert "access_token" in requests.post(f"{emulator.url}/oauth/v2/token", params=params, timeout=10).json()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"refresh_token": "1000.none"}, "invalid_code"),
        ({"client_id": "1000.NONE"}, "invalid_client"),
        ({"client_secret": "none"}, "invalid_client_secret"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_code"),
        ({"grant_type": "client_credentials", "scope": "ZohoCRM.modules.ALL", "soid": "ZohoCRM.1"}, "invalid_soid"),
        ({"grant_type": "client_credentials", "scope": "ZohoMail.messages.ALL"}, "invalid_scope"),
    ],
)
def test_errors_come_with_status_200(org: Org, changes: dict[str, str], error: str) -> None:
    response = token(org.emulator, **changes)
    assert (response.status_code, response.json()) == (200, {"error": error})


def test_client_credentials_give_a_token_of_the_scopes_asked_for(fresh_org: Org) -> None:
    emulator = fresh_org.emulator
    grant = {"grant_type": "client_credentials", "soid": emulator.accounts.soid, "scope": "ZohoCRM.org.READ"}
    answer = token(emulator, **grant).json()
    assert answer["scope"] == "ZohoCRM.org.READ"
    assert use(emulator, answer["access_token"]).status_code == 200
    refused = use(emulator, answer["access_token"], "/crm/v8/users")
    assert (refused.status_code, refused.json()["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_the_eleventh_token_within_ten_minutes_is_refused(fresh_org: Org) -> None:
    emulator = fresh_org.emulator
    emulator.control.set_clock(now="2026-11-25T10:00:00")
    assert [token(emulator).status_code for _ in range(10)] == [200] * 10
    refused = token(emulator)
    assert refused.status_code == 400
    assert refused.json() == {
        "error_description": "You have made too many requests continuously. Please try again after some time.",
        "error": "Access Denied",
        "status": "failure",
    }
    emulator.control.set_clock(now="2026-11-25T10:10:01")
    assert token(emulator).status_code == 200


def test_the_thirty_first_token_evicts_the_first() -> None:
    with start_zoho(token_throttle=0) as emulator:
        given = [token(emulator).json()["access_token"] for _ in range(31)]
        assert use(emulator, given[0]).json()["code"] == "INVALID_TOKEN"
        assert all(use(emulator, access).status_code == 200 for access in given[1:])


def test_elsewhere_the_client_is_unknown_and_its_tokens_are_invalid() -> None:
    with start_zoho(home="eu", data_center="us") as emulator:
        assert token(emulator).json() == {"error": "invalid_client"}
        assert use(emulator, emulator.access_token).json()["code"] == "INVALID_TOKEN"
        emulator.control.switch(data_center="eu")
        assert "access_token" in token(emulator).json()
        assert use(emulator, emulator.access_token).status_code == 200


def test_a_revoked_app_gets_no_more_tokens(fresh_org: Org) -> None:
    emulator = fresh_org.emulator
    emulator.control.expire_tokens()
    assert use(emulator, emulator.access_token).status_code == 401
    assert "access_token" in token(emulator).json()
    emulator.control.revoke_tokens()
    assert token(emulator).json() == {"error": "invalid_code"}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "AUTHENTICATION_FAILURE"),
        ({"Authorization": "Zoho-oauthtoken none"}, "INVALID_TOKEN"),
        ({"Authorization": "Bearer none"}, "INVALID_TOKEN"),
    ],
)
def test_no_token_and_a_wrong_one(org: Org, header: dict[str, str], code: str) -> None:
    response = requests.get(f"{org.emulator.url}/crm/v8/Accounts?fields=id", headers=header, timeout=10)
    assert (response.status_code, response.json()["code"]) == (401, code)


@pytest.mark.parametrize(
    ("granted", "needed", "allowed"),
    [
        ("ZohoCRM.modules.ALL", "ZohoCRM.modules.Accounts.READ", True),
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.Accounts.READ", True),
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.Accounts.CREATE", False),
        ("ZohoCRM.modules.accounts.ALL", "ZohoCRM.modules.Accounts.CREATE", True),
        ("ZohoCRM.modules.Contacts.ALL", "ZohoCRM.modules.Accounts.READ", False),
        ("ZohoCRM.settings.ALL", "ZohoCRM.settings.fields.CREATE", True),
        ("ZohoCRM.settings.modules.READ", "ZohoCRM.settings.fields.READ", False),
        ("ZohoCRM.coql.READ", "ZohoCRM.coql.READ", True),
    ],
)
def test_what_a_scope_covers(granted: str, needed: str, *, allowed: bool) -> None:
    assert allows([granted], needed) is allowed


def test_each_call_needs_its_scope() -> None:
    needed: dict[tuple[str, str], Any] = {
        ("GET", "/crm/v8/Accounts?fields=id"): None,
        ("POST", "/crm/v8/Accounts/upsert"): {"data": [{"Account_Name": "x"}]},
        ("GET", "/crm/v8/settings/fields?module=Accounts"): None,
        ("GET", "/crm/v8/Accounts/search?word=x"): None,
    }
    with start_zoho(scopes=["ZohoCRM.modules.Contacts.ALL", "ZohoCRM.settings.modules.ALL"]) as emulator:
        headers = {"Authorization": f"Zoho-oauthtoken {emulator.access_token}"}
        for (method, path), body in needed.items():
            response = requests.request(method, emulator.url + path, headers=headers, json=body, timeout=10)
            assert (response.status_code, response.json()["code"]) == (401, "OAUTH_SCOPE_MISMATCH"), path
        assert emulator.control.counters()["cost"] == 0
