from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from service_emulators.testing import start_pipedrive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.testing import PipedriveEmulator


@pytest.fixture
def company() -> Iterator[PipedriveEmulator]:
    with start_pipedrive(burst=0) as emulator:
        yield emulator


def ask(company: PipedriveEmulator, path: str = "token", secret: str = "", **form: str) -> requests.Response:
    pair = (company.oauth.client_id, secret or company.oauth.client_secret)
    return requests.post(f"{company.url}/oauth/{path}", data=form, auth=pair, timeout=5)


def renewed(company: PipedriveEmulator, token: str = "") -> dict[str, Any]:
    answer = ask(company, grant_type="refresh_token", refresh_token=token or company.oauth.refresh_token)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def status(company: PipedriveEmulator, access_token: str) -> int:
    headers = {"authorization": f"Bearer {access_token}"}
    return requests.get(f"{company.url}/api/v1/users/me", headers=headers, timeout=5).status_code


def test_a_refresh_gives_an_access_token_for_an_hour_and_the_same_refresh_token(company: PipedriveEmulator) -> None:
    body = renewed(company)
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    assert body["refresh_token"] == company.oauth.refresh_token
    assert body["api_domain"] == f"https://{company.company_domain}.pipedrive.com"
    assert "base" in body["scope"].split()
    assert status(company, body["access_token"]) == 200
    company.control.set_clock(offset_seconds=3600)
    assert status(company, body["access_token"]) == 401


def test_the_first_access_token_ends_as_well(company: PipedriveEmulator) -> None:
    assert status(company, company.access_token) == 200
    company.control.set_clock(offset_seconds=3600)
    assert status(company, company.access_token) == 401


def test_with_rotation_only_the_new_refresh_token_is_good(company: PipedriveEmulator) -> None:
    company.control.switch(refresh_tokens="rotated")
    second = renewed(company)["refresh_token"]
    assert second != company.oauth.refresh_token
    refused = ask(company, grant_type="refresh_token", refresh_token=company.oauth.refresh_token)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert renewed(company, second)["refresh_token"] != second


def test_each_use_gives_a_refresh_token_sixty_more_days(company: PipedriveEmulator) -> None:
    for days in (59, 118):
        company.control.set_clock(offset_seconds=days * 86_400)
        renewed(company)
    company.control.set_clock(offset_seconds=178 * 86_400)
    refused = ask(company, grant_type="refresh_token", refresh_token=company.oauth.refresh_token)
    assert refused.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
    ],
)
def test_what_is_wrong_is_a_400(company: PipedriveEmulator, form: dict[str, str], error: str) -> None:
    answer = ask(company, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_stranger_is_refused(company: PipedriveEmulator) -> None:
    answer = ask(company, secret="wrong", grant_type="refresh_token", refresh_token=company.oauth.refresh_token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    url = f"{company.url}/oauth/token"
    assert requests.post(url, data={"grant_type": "refresh_token"}, timeout=5).json()["error"] == "invalid_client"
    as_json = requests.post(url, json={"grant_type": "refresh_token"}, timeout=5)
    assert as_json.json()["error"] == "invalid_request"


def test_a_revoked_refresh_token_takes_its_access_tokens_along(company: PipedriveEmulator) -> None:
    access = renewed(company)["access_token"]
    assert ask(company, "revoke", token=company.oauth.refresh_token).status_code == 200
    assert status(company, access) == 401
    assert ask(company, grant_type="refresh_token", refresh_token=company.oauth.refresh_token).status_code == 400


def test_asking_for_tokens_costs_nothing(company: PipedriveEmulator) -> None:
    company.control.reset_counters()
    renewed(company)
    assert company.control.counters()["cost"] == 0


def test_only_administrators_change_fields(company: PipedriveEmulator) -> None:
    url = f"{company.url}/api/v2/dealFields"
    body = {"field_name": "Branch", "field_type": "varchar"}
    refused = requests.post(url, json=body, headers={"x-api-token": company.user_token}, timeout=5)
    assert (refused.status_code, refused.json()["success"]) == (403, False)
    assert requests.get(url, headers={"x-api-token": company.user_token}, timeout=5).status_code == 200
    assert requests.post(url, json=body, headers={"x-api-token": company.api_token}, timeout=5).status_code == 200


def test_activity_types_are_listed(company: PipedriveEmulator) -> None:
    url = f"{company.url}/api/v1/activityTypes"
    body = requests.get(url, headers={"x-api-token": company.api_token}, timeout=5).json()
    assert {"call", "meeting", "task"} <= {one["key_string"] for one in body["data"]}
    assert company.control.counters()["cost"] == 20
