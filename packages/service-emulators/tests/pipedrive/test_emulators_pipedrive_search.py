"""Searches: lag, case, fields, matches."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company

numbers = itertools.count(70_001)


def by_field(company: Company, term: str, field: str, entity: str = "organization", **params: Any) -> list[int]:
    found = company.ok("GET", "/itemSearch/field", term=term, entity_type=entity, field=field, **params)
    return [item["id"] for item in found]


def hits(company: Company, path: str, **params: Any) -> list[int]:
    return [hit["item"]["id"] for hit in company.ok("GET", path, **params)["items"]]


def test_search_lags_three_seconds_behind_creates_changes_and_deletes(company: Company) -> None:
    key = company.code("organization", "JDE Number")
    old, new = str(next(numbers)), str(next(numbers))
    company.control.set_clock(now="2026-07-01T00:00:00")
    made = company.organization(custom_fields={key: old})
    path = f"/organizations/{made['id']}"
    assert by_field(company, old, key) == []
    company.control.set_clock(now="2026-07-01T00:00:02")
    assert by_field(company, old, key) == []
    company.control.set_clock(now="2026-07-01T00:00:03")
    assert by_field(company, old, key) == [made["id"]]
    company.ok("PATCH", path, {"custom_fields": {key: new}})
    assert (by_field(company, old, key), by_field(company, new, key)) == ([made["id"]], [])
    company.control.set_clock(now="2026-07-01T00:00:07")
    assert (by_field(company, old, key), by_field(company, new, key)) == ([], [made["id"]])
    company.ok("DELETE", path)
    assert by_field(company, new, key) == [made["id"]]
    company.control.set_clock(now="2026-07-01T00:00:11")
    assert by_field(company, new, key) == []


def test_field_search_is_case_sensitive_and_matches_three_ways(company: Company) -> None:
    company.control.switch(search_lag_ms=0)
    key = company.code("organization", "Customer Group")
    made = company.organization(custom_fields={key: "Monkey_1%"})["id"]
    assert by_field(company, "Monkey_1%", key) == [made]
    assert by_field(company, "monkey_1%", key) == []
    assert by_field(company, "Monk", key) == []
    assert by_field(company, "Monk", key, match="beginning") == [made]
    assert by_field(company, "onkey", key, match="beginning") == []
    assert by_field(company, "key_1", key, match="middle") == [made]
    assert by_field(company, "keyX1", key, match="middle") == []
    found = company.ok("GET", "/itemSearch/field", term="Monkey_1%", entity_type="organization", field=key)
    assert found == [{"id": made, "name": "Acme"}]


def test_entity_search_ignores_case(company: Company) -> None:
    company.control.switch(search_lag_ms=0)
    key = company.code("organization", "JDE Number")
    number = f"AB{next(numbers)}"
    made = company.organization("Łódź Süd GmbH", custom_fields={key: number}, address={"value": "Wyspa 9"})["id"]
    assert hits(company, "/organizations/search", term="łódź SÜD", fields="name") == [made]
    assert hits(company, "/organizations/search", term="łódź", exact_match="true") == []
    assert hits(company, "/organizations/search", term="łódź süd gmbh", exact_match="true") == [made]
    assert hits(company, "/organizations/search", term=number.lower(), exact_match="true") == [made]
    assert hits(company, "/organizations/search", term=number, fields="name") == []
    (hit,) = company.ok("GET", "/organizations/search", term="wyspa", fields="address")["items"]
    assert hit["item"] == {
        "id": made,
        "type": "organization",
        "name": "Łódź Süd GmbH",
        "address": "Wyspa 9",
        "visible_to": 3,
        "owner": {"id": 13},
        "custom_fields": [number],
        "notes": [],
    }


def test_persons_are_found_by_mail_phone_and_within_an_organization(company: Company) -> None:
    company.control.switch(search_lag_ms=0)
    mail = f"p{next(numbers)}@x.example"
    organization = company.organization("Holder")["id"]
    made = company.person(
        "Zoë Quill",
        org_id=organization,
        emails=[{"value": "first@x.example"}, {"value": mail}],
        phones=[{"value": mail}],
    )["id"]
    assert hits(company, "/persons/search", term=mail, fields="email", exact_match="true") == [made]
    assert hits(company, "/persons/search", term=mail, fields="phone", organization_id=organization) == [made]
    assert hits(company, "/persons/search", term=mail, organization_id=organization + 1000) == []
    (hit,) = company.ok("GET", "/persons/search", term=mail, exact_match="true")["items"]
    assert hit["item"]["organization"] == {"id": organization, "name": "Holder", "address": None}


def test_notes_deals_and_products_are_searchable(company: Company) -> None:
    company.control.switch(search_lag_ms=0)
    word = f"word{next(numbers)}"
    organization = company.organization()["id"]
    company.ok("POST", "/v1/notes", {"content": f"<p>{word}</p>", "org_id": organization})
    deal = company.ok("POST", "/deals", {"title": f"Deal {word}", "org_id": organization})["id"]
    product = company.ok("POST", "/products", {"name": "P", "code": word})["id"]
    assert hits(company, "/organizations/search", term=word, fields="notes") == [organization]
    assert hits(company, "/deals/search", term=word, organization_id=organization, status="open") == [deal]
    assert hits(company, "/products/search", term=word, exact_match="true") == [product]
    assert hits(company, "/itemSearch", term=word) == [deal, organization, product]
    assert hits(company, "/itemSearch", term=word, item_types="product,deal", fields="code") == [product]


def test_search_pages(company: Company) -> None:
    company.control.switch(search_lag_ms=0)
    word = f"many{next(numbers)}"
    ids = [company.organization(word)["id"] for _ in range(5)]
    first = company.call("GET", "/organizations/search", term=word, limit=3).json()
    rest = hits(company, "/organizations/search", term=word, limit=3, cursor=first["additional_data"]["next_cursor"])
    assert [hit["item"]["id"] for hit in first["data"]["items"]] + rest == ids


def test_numbers_and_amounts_are_searchable_but_options_are_not(company: Company) -> None:
    company.control.switch(search_lag_ms=0)
    limit = company.code("organization", "Credit Limit")
    made = company.organization(custom_fields={limit: 81234.5})["id"]
    assert by_field(company, "81234.5", limit) == [made]
    status = company.code("organization", "JDE Status")
    assert "not searchable" in company.refused(
        "GET", "/itemSearch/field", term="Active", entity_type="organization", field=status
    )


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/organizations/search", {"term": "a"}),
        ("/organizations/search", {}),
        ("/organizations/search", {"term": "ab", "fields": "email"}),
        ("/organizations/search", {"term": "ab", "limit": 501}),
        ("/organizations/search", {"term": "ab", "exact_match": "1"}),
        ("/itemSearch", {"term": "ab", "limit": 101}),
        ("/itemSearch", {"term": "ab", "item_types": "org"}),
        ("/itemSearch/field", {"term": "ab", "field": "name"}),
        ("/itemSearch/field", {"term": "ab", "entity_type": "organization"}),
        ("/itemSearch/field", {"term": "ab", "entity_type": "organization", "field": "0" * 40}),
        ("/itemSearch/field", {"term": "a", "entity_type": "organization", "field": "name", "match": "middle"}),
        ("/itemSearch/field", {"term": "ab", "entity_type": "organization", "field": "name", "exact_match": "true"}),
    ],
)
def test_search_parameters_are_strict(company: Company, path: str, params: dict[str, Any]) -> None:
    company.refused("GET", path, **params)


def test_one_character_is_enough_for_an_exact_search(company: Company) -> None:
    assert company.call("GET", "/organizations/search", term="a", exact_match="true").status_code == 200
    params = {"entity_type": "organization", "field": "name", "term": "a"}
    assert company.call("GET", "/itemSearch/field", **params).status_code == 200
