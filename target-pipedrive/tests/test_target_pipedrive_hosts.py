from __future__ import annotations

import pytest
from sync_ledger.errors import ConfigError
from target_pipedrive.hosts import domain, hosts


@pytest.mark.parametrize(
    ("api_url", "company", "v1", "v2"),
    [
        (None, None, "https://api.pipedrive.com/v1/users/me", "https://api.pipedrive.com/api/v2/persons"),
        (None, "acme", "https://acme.pipedrive.com/api/v1/users/me", "https://acme.pipedrive.com/api/v2/persons"),
        ("http://127.0.0.1:1/", "acme", "http://127.0.0.1:1/api/v1/users/me", "http://127.0.0.1:1/api/v2/persons"),
    ],
)
def test_addresses(api_url: str | None, company: str | None, v1: str, v2: str) -> None:
    found = hosts(api_url, company)
    assert (found.url("/v1/users/me"), found.url("/v2/persons")) == (v1, v2)


@pytest.mark.parametrize("given", ["acme", " ACME ", "acme.pipedrive.com", "https://acme.pipedrive.com/"])
def test_a_company_domain_may_be_given_as_a_whole_address(given: str) -> None:
    assert domain(given) == "acme"


@pytest.mark.parametrize("given", ["", "acme.example.com", "a/b", "-acme", "acme?x=1"])
def test_what_is_no_company_domain_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="company_domain"):
        domain(given)


@pytest.mark.parametrize(
    "given",
    [
        "acme.pipedrive.com",
        "ftp://acme",
        "http://",
        "http://u:geheim@host",
        "http://host?api_token=geheim",
        "http://h:x",
    ],
)
def test_what_is_no_plain_address_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ConfigError, match="api_url") as caught:
        hosts(given)
    assert "geheim" not in str(caught.value)
