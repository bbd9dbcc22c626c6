"""Faults in front of the real service: what was lost, and what took effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from conftest import Company


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["status", "reset", "timeout"])
def test_a_create_whose_answer_is_lost(company: Company, kind: str, when: str, made: int) -> None:
    before = company.emulator.store.count("organizations")
    company.control.fault(kind, method="POST", path="/organizations$", when=when, delay_ms=30)
    try:
        assert company.call("POST", "/organizations", {"name": "Lost"}).status_code == 500
    except requests.RequestException:
        assert kind != "status"
    assert company.emulator.store.count("organizations") == before + made
    counters = company.control.counters()
    assert (counters["writes"], counters["cost"]) == (made, 5 * made)
    assert company.call("GET", "/organizations").ok


def test_a_truncated_list_is_not_json(company: Company) -> None:
    company.organization()
    company.control.fault("truncate", path="/organizations")
    with pytest.raises(requests.RequestException):
        company.call("GET", "/organizations").json()


def test_keep_alive_survives_a_fault_on_another_connection(company: Company) -> None:
    other = requests.Session()
    other.headers["x-api-token"] = company.emulator.api_token
    url = company.emulator.url + "/api/v2/organizations"
    assert other.get(url, timeout=5).ok
    company.control.fault("reset", method="POST")
    with pytest.raises(requests.ConnectionError):
        company.call("POST", "/organizations", {"name": "A"})
    assert other.get(url, timeout=5).ok
