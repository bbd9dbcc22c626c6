"""Credentials, bursts, the daily budget, forced 429s and Cloudflare."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import requests
from service_emulators.testing import start_pipedrive

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Company

ME = "/v1/users/me"
years = itertools.count(2001)


def statuses(company: Company, count: int, path: str = ME, **params: Any) -> list[int]:
    return [company.call("GET", path, **params).status_code for _ in range(count)]


@pytest.fixture
def freeze(company: Company) -> Callable[[int], str]:
    """Stops the clock of the shared company at a second of a minute that no other test uses."""
    year = next(years)
    return lambda second: company.control.set_clock(now=f"{year}-08-01T12:00:{second:02d}")


def test_credentials_by_header_query_and_bearer(company: Company) -> None:
    url = company.emulator.url + "/api/v1/users/me"
    token, access = company.emulator.api_token, company.emulator.access_token
    for options in (
        {"headers": {"x-api-token": token}},
        {"params": {"api_token": token}},
        {"headers": {"Authorization": f"Bearer {access}"}},
    ):
        data = requests.get(url, timeout=10, **options).json()["data"]
        assert data["company_domain"] == company.emulator.company_domain
        assert data["access"][0]["admin"] is True
    assert requests.get(company.emulator.url + "/v1/users/me", params={"api_token": token}, timeout=10).ok


@pytest.mark.parametrize(
    "path", ["/api/v2/organizations", "/api/v1/users/me", "/api/v2/nothing", "/", "/api/v2/persons/1"]
)
@pytest.mark.parametrize("headers", [{}, {"x-api-token": "f" * 40}, {"Authorization": "Bearer nope"}])
def test_strangers_get_401_everywhere(company: Company, path: str, headers: dict[str, str]) -> None:
    response = requests.get(company.emulator.url + path, headers=headers, timeout=10)
    assert response.status_code == 401
    assert response.json() == {
        "success": False,
        "error": "unauthorized access",
        "errorCode": 401,
        "error_info": "Please check developers.pipedrive.com",
    }
    assert response.headers["x-401-by-gw"] == "true"
    assert response.headers["x-correlation-id"]
    assert company.control.counters()["cost"] == 0


def test_no_secret_in_the_request_log(company: Company) -> None:
    requests.get(
        company.emulator.url + "/api/v1/users/me", params={"api_token": company.emulator.api_token}, timeout=10
    )
    assert company.emulator.api_token not in str(company.control.requests())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/organizations/1"),
        ("POST", "/organizations/1"),
        ("PATCH", "/organizations"),
        ("PATCH", "/v1/notes/1"),
        ("GET", "/leads"),
        ("GET", "/organizations/1/2/3"),
    ],
)
def test_unknown_paths_and_methods_are_404(company: Company, method: str, path: str) -> None:
    assert company.call(method, path, None if method == "GET" else {"name": "x"}).status_code == 404


def test_v1_of_entities_that_moved_is_gone_and_the_rest_can_be(company: Company) -> None:
    assert company.call("GET", "/v1/organizations").status_code == 410
    assert company.call("GET", ME).ok
    company.control.switch(v1="gone")
    assert company.call("GET", ME).status_code == 410


@pytest.mark.parametrize(("plan", "limit"), [("lite", 20), ("growth", 40)])
def test_bursts_are_limited_by_plan_in_a_rolling_window(plan: str, limit: int) -> None:
    with start_pipedrive(plan=plan) as emulator:  # type: ignore[arg-type]  # parametrised
        session = requests.Session()
        session.headers["x-api-token"] = emulator.api_token
        url = emulator.url + "/api/v1/users/me"
        emulator.control.set_clock(now="2026-08-01T12:00:00")
        first = session.get(url)
        assert first.headers["x-ratelimit-limit"] == str(limit)
        assert first.headers["x-ratelimit-remaining"] == str(limit - 1)
        assert first.headers["x-ratelimit-reset"] == "2"
        emulator.control.set_clock(now="2026-08-01T12:00:01")
        assert {session.get(url).status_code for _ in range(limit - 1)} == {200}
        refused = session.get(url)
        assert refused.status_code == 429
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["x-ratelimit-reset"] == "1"
        assert "retry-after" not in refused.headers
        bearer = {"Authorization": f"Bearer {emulator.access_token}"}
        assert requests.get(url, headers=bearer, timeout=10).headers["x-ratelimit-limit"] == str(4 * limit)
        emulator.control.set_clock(now="2026-08-01T12:00:02")
        assert session.get(url).status_code == 200, "one request has left the window"
        assert session.get(url).status_code == 429, "the others have not"
        emulator.control.set_clock(now="2026-08-01T12:00:03")
        assert session.get(url).status_code == 200


def test_searches_have_a_bucket_of_their_own(company: Company, freeze: Callable[[int], str]) -> None:
    company.control.switch(burst=3, search_burst=10)
    freeze(0)
    params = {"term": "ab"}
    assert statuses(company, 11, "/organizations/search", **params) == [200] * 10 + [429]
    assert statuses(company, 4) == [200, 200, 200, 429]
    freeze(2)
    assert statuses(company, 1, "/itemSearch", **params) == [200]


def test_a_refused_request_costs_nothing_and_has_no_effect(company: Company, freeze: Callable[[int], str]) -> None:
    company.control.switch(burst=1)
    freeze(0)
    before = company.emulator.store.count("organizations")
    company.organization()
    assert company.call("POST", "/organizations", {"name": "A"}).status_code == 429
    counters = company.control.counters()
    assert (counters["writes"], counters["cost"], counters["rejected"]) == (1, 5, 1)
    assert company.emulator.store.count("organizations") == before + 1


def test_costs_are_counted(company: Company) -> None:
    made = company.organization()["id"]
    company.ok("PATCH", f"/organizations/{made}", {"name": "B"})
    company.ok("GET", f"/organizations/{made}")
    company.ok("GET", "/organizations", limit=500)
    company.ok("GET", "/organizations/search", term="ab")
    company.refused("POST", "/organizations", {})
    company.ok("DELETE", f"/organizations/{made}")
    company.ok("GET", ME)
    counters = company.control.counters()
    assert counters["cost"] == 5 + 5 + 1 + 10 + 20 + 5 + 3 + 2
    assert counters["writes"] == 3
    assert counters["by_endpoint"]["PATCH /api/v2/organizations/{id}"] == 1


def test_the_daily_budget_ends_and_comes_back_at_midnight(company: Company) -> None:
    company.control.set_clock(now="2026-08-02T23:59:50")
    company.control.switch(daily_budget=23, daily_headers=True)
    first = company.call("GET", "/organizations")
    assert first.headers["x-daily-ratelimit-token-remaining"] == "13"
    assert company.call("GET", "/organizations").ok
    refused = company.call("GET", "/organizations")
    assert refused.status_code == 429
    assert int(refused.headers["x-ratelimit-remaining"]) > 0, "the only documented-looking hint at the budget"
    assert refused.headers["x-daily-ratelimit-token-remaining"] == "0"
    assert company.call("GET", "/organizations/1").status_code != 429, "what is cheaper still goes"
    company.control.set_clock(now="2026-08-03T00:00:00")
    assert company.call("GET", "/organizations").ok


def test_the_budget_follows_plan_and_seats() -> None:
    with start_pipedrive(plan="growth", seats=3, burst=0, daily_headers=True) as emulator:
        headers = {"x-api-token": emulator.api_token}
        answer = requests.get(emulator.url + "/api/v1/users/me", headers=headers, timeout=10)
        assert answer.headers["x-daily-ratelimit-token-limit"] == str(30_000 * 2 * 3)
        assert answer.headers["x-daily-ratelimit-token-remaining"] == str(180_000 - 2)
        emulator.control.switch(daily_headers=False)
        answer = requests.get(emulator.url + "/api/v1/users/me", headers=headers, timeout=10)
        assert "x-daily-ratelimit-token-limit" not in answer.headers


def test_429_can_be_forced_for_some_calls(company: Company) -> None:
    company.control.switch(rate_limit="burst", rate_limit_calls=3, retry_after=True)
    refused = company.call("GET", ME)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert (refused.headers["x-ratelimit-remaining"], refused.headers["x-ratelimit-reset"]) == ("0", "2")
    assert refused.json()["errorCode"] == 429
    assert statuses(company, 4) == [429, 429, 200, 200]
    company.control.switch(rate_limit="ambiguous", retry_after=False)
    refused = company.call("GET", ME)
    assert refused.status_code == 429
    assert not [name for name in refused.headers if "ratelimit" in name.lower() or name.lower() == "retry-after"]
    company.control.switch(rate_limit="daily")
    refused = company.call("GET", ME)
    assert (refused.status_code, int(refused.headers["x-ratelimit-remaining"]) > 0) == (429, True)
    company.control.switch(rate_limit="normal")
    assert statuses(company, 1) == [200]


def test_cloudflare_blocks_who_keeps_pushing(company: Company, freeze: Callable[[int], str]) -> None:
    company.control.switch(rate_limit="burst", rate_limit_calls=6, cloudflare_after=4, cloudflare_seconds=30)
    freeze(0)
    assert statuses(company, 6) == [429, 429, 429, 429, 403, 403]
    blocked = company.call("POST", "/organizations", {"name": "A"})
    assert blocked.status_code == 403
    assert blocked.headers["content-type"].startswith("text/html")
    assert "produced by Cloudflare" in blocked.text
    company.control.switch(rate_limit="normal")
    freeze(29)
    assert statuses(company, 1) == [403]
    freeze(31)
    assert statuses(company, 1) == [200]


def test_refusals_spread_over_time_do_not_block(company: Company, freeze: Callable[[int], str]) -> None:
    company.control.switch(rate_limit="burst", cloudflare_after=2)
    for second in range(0, 60, 6):
        freeze(second)
        assert statuses(company, 1) == [429]
