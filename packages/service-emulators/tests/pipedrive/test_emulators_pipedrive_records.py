"""Organizations and persons of API v2: shapes, strict bodies, partial updates, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company

ADDRESS_PARTS = {
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
}


def test_a_new_organization_has_every_property_and_every_custom_field(company: Company) -> None:
    key = company.code("organization", "JDE Number")
    made = company.organization("Müller & Söhne", custom_fields={key: "1001"}, add_time="2020-02-03T04:05:06Z")
    assert made["owner_id"] == 13
    assert made["add_time"] == "2020-02-03T04:05:06Z"
    assert made["update_time"].endswith("Z")
    assert len(made["update_time"]) == len("2026-01-01T00:00:00Z")
    assert (made["address"], made["label_ids"], made["is_deleted"]) == (None, [], False)
    assert len(made["custom_fields"]) == 9
    assert made["custom_fields"][key] == "1001"
    assert [value for code, value in made["custom_fields"].items() if code != key] == [None] * 8
    assert company.ok("GET", f"/organizations/{made['id']}") == made


def test_address_parts_left_out_become_null_on_post_and_patch(company: Company) -> None:
    made = company.organization(address={"value": "Hafenstr. 3, 20457 Hamburg", "locality": "Hamburg"})
    assert made["address"]["locality"] == "Hamburg"
    assert {name for name, value in made["address"].items() if value is None} == ADDRESS_PARTS - {"locality"}
    path = f"/organizations/{made['id']}"
    patched = company.ok("PATCH", path, {"address": {"value": "Hafenstr. 4", "postal_code": "20457"}})
    assert (patched["address"]["locality"], patched["address"]["postal_code"]) == (None, "20457")
    assert company.ok("PATCH", path, {"address": None})["address"] is None


def test_emails_and_phones_are_replaced_as_a_whole(company: Company) -> None:
    made = company.person(
        emails=[{"value": "a@x.example", "primary": True, "label": "work"}, {"value": "b@x.example", "label": "home"}],
        phones=[{"value": "+49 40 1"}],
    )
    assert made["phones"] == [{"value": "+49 40 1", "primary": True, "label": "work"}]
    path = f"/persons/{made['id']}"
    changed = company.ok("PATCH", path, {"emails": [{"value": "c@x.example"}]})
    assert changed["emails"] == [{"value": "c@x.example", "primary": True, "label": "work"}]
    assert changed["phones"] == made["phones"]
    assert company.ok("PATCH", path, {"phones": []})["phones"] == []
    assert company.ok("PATCH", path, {"emails": None})["emails"] == []


def test_patch_is_partial_and_null_clears(company: Company) -> None:
    key, terms = company.code("organization", "JDE Number"), company.code("organization", "Payment Terms")
    made = company.organization(custom_fields={key: "1", terms: "N30"}, website="https://a.example", label_ids=[5])
    changed = company.ok(
        "PATCH", f"/organizations/{made['id']}", {"website": None, "label_ids": None, "custom_fields": {terms: None}}
    )
    assert (changed["website"], changed["label_ids"], changed["name"]) == (None, [], "Acme")
    assert (changed["custom_fields"][key], changed["custom_fields"][terms]) == ("1", None)


def test_every_patch_moves_update_time_even_without_a_difference(company: Company) -> None:
    company.control.set_clock(now="2026-03-01T08:00:00")
    made = company.organization("Same")
    company.control.set_clock(now="2026-03-01T08:00:09")
    changed = company.ok("PATCH", f"/organizations/{made['id']}", {"name": "Same"})
    assert (made["update_time"], changed["update_time"]) == ("2026-03-01T08:00:00Z", "2026-03-01T08:00:09Z")
    assert changed["add_time"] == "2026-03-01T08:00:00Z"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "name: Parameter 'name' is required"),
        ({"name": ""}, "name: must not be empty"),
        ({"name": "  "}, "name: must not be empty"),
        ({"name": 7}, "name: must be a string"),
        ({"name": None}, "name: must not be null"),
        ({"name": "x" * 256}, "name: must be at most 255 characters long"),
        ({"name": "A", "foo": 1}, "foo: Parameter 'foo' is not allowed for this request"),
        ({"name": "A", "update_time": "2026-01-01T00:00:00Z"}, "Parameter 'update_time' is not allowed"),
        ({"name": "A", "id": 4}, "Parameter 'id' is not allowed"),
        ({"name": "A", "owner_id": "13"}, "owner_id: must be an integer"),
        ({"name": "A", "owner_id": 13.0}, "owner_id: must be an integer"),
        ({"name": "A", "owner_id": True}, "owner_id: must be an integer"),
        ({"name": "A", "owner_id": 99}, "owner_id: user 99 was not found"),
        ({"name": "A", "add_time": "2026-01-01T00:00:00.5Z"}, "whole seconds"),
        ({"name": "A", "add_time": "2026-01-01 00:00:00"}, "RFC 3339"),
        ({"name": "A", "add_time": "2026-13-01T00:00:00Z"}, "is not a time"),
        ({"name": "A", "add_time": 1767225600}, "must be a string in RFC 3339 format"),
        ({"name": "A", "visible_to": 2}, "visible_to: must be one of"),
        ({"name": "A", "visible_to": "3"}, "visible_to: must be one of"),
        ({"name": "A", "label_ids": 5}, "label_ids: must be an array"),
        ({"name": "A", "label_ids": [1]}, "label_ids: 0 must be one of"),
        ({"name": "A", "address": "Hafenstr. 3"}, "address: must be an object"),
        ({"name": "A", "address": {"locality": "Hamburg"}}, "address: Parameter 'value' is required"),
        ({"name": "A", "address": {"value": "x", "city": "y"}}, "Parameter 'city' is not allowed"),
        ({"name": "A", "address": {"value": "x", "postal_code": 20457}}, "postal_code must be a string"),
        ({"name": "A", "address": None}, "address: must not be null"),
        ({"name": "A", "annual_revenue": "5"}, "annual_revenue: must be an integer"),
        ({"name": "A", "annual_revenue": 5.5}, "annual_revenue: must be an integer"),
        ({"name": "A", "industry": 99}, "industry: must be one of"),
    ],
)
def test_organization_bodies_are_strict(company: Company, body: dict[str, Any], reason: str) -> None:
    before = company.emulator.store.count("organizations")
    response = company.call("POST", "/organizations", body)
    assert response.status_code == 400
    answer = response.json()
    assert answer["success"] is False
    assert answer["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
    assert answer["error"].startswith("Validation failed: ")
    assert reason in answer["error"]
    assert company.emulator.store.count("organizations") == before


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "Parameter 'name' is required"),
        ({"name": "A", "first_name": "B"}, "either name, or first_name and last_name"),
        ({"name": "A", "org_id": 987654}, "org_id: 987654 was not found"),
        ({"name": "A", "email": []}, "Parameter 'email' is not allowed"),
        ({"name": "A", "emails": "a@x.example"}, "emails: must be an array"),
        ({"name": "A", "emails": ["a@x.example"]}, "emails: must be an object"),
        ({"name": "A", "emails": [{"primary": True}]}, "Parameter 'value' is required"),
        ({"name": "A", "emails": [{"value": ""}]}, "value must not be empty"),
        ({"name": "A", "emails": [{"value": "x", "primary": 1}]}, "primary must be a boolean"),
        ({"name": "A", "emails": [{"value": "x", "label": "fax"}]}, "label must be one of"),
        ({"name": "A", "phones": [{"value": 1}]}, "value must be a string"),
        ({"name": "A", "phones": [{"value": "1", "type": "x"}]}, "Parameter 'type' is not allowed"),
        (
            {"name": "A", "phones": [{"value": "1", "primary": True}, {"value": "2", "primary": True}]},
            "only one item may be primary",
        ),
    ],
)
def test_person_bodies_are_strict(company: Company, body: dict[str, Any], reason: str) -> None:
    assert reason in company.refused("POST", "/persons", body)


def test_names_are_split_and_joined(company: Company) -> None:
    made = company.person("Ana María Ruiz")
    assert (made["first_name"], made["last_name"]) == ("Ana", "María Ruiz")
    changed = company.ok("PATCH", f"/persons/{made['id']}", {"last_name": "Gil"})
    assert changed["name"] == "Ana Gil"
    made = company.ok("POST", "/persons", {"first_name": "Bo"})
    assert (made["name"], made["last_name"]) == ("Bo", None)


def test_add_time_can_not_be_patched_and_an_empty_patch_is_refused(company: Company) -> None:
    made = company.organization()
    path = f"/organizations/{made['id']}"
    assert "'add_time' is not allowed" in company.refused("PATCH", path, {"add_time": "2026-01-01T00:00:00Z"})
    assert "at least one property" in company.refused("PATCH", path, {})


def test_bodies_must_be_json_objects(company: Company) -> None:
    url = company.emulator.url + "/api/v2/organizations"
    assert "not valid JSON" in company.session.post(url, data="{", headers={"Content-Type": "application/json"}).text
    assert "content type" in company.session.post(url, data={"name": "A"}).text
    assert "must be an object" in company.refused("POST", "/organizations", [{"name": "A"}])


@pytest.mark.parametrize("malformed", [[], "x", None, 7])
def test_malformed_custom_fields_end_in_a_500(company: Company, malformed: Any) -> None:
    response = company.call("POST", "/organizations", {"name": "A", "custom_fields": malformed})
    assert response.status_code == 500
    assert response.json() == {"success": False, "error": "Internal Server Error", "code": "ERR_UNKNOWN"}


def test_features_that_are_off_refuse_their_properties(company: Company) -> None:
    assert company.call("POST", "/persons", {"name": "A", "job_title": "CFO"}).status_code == 403
    assert company.call("POST", "/persons", {"name": "A", "marketing_status": "subscribed"}).status_code == 403
    assert "job_title" not in company.person()
    company.control.switch(contact_sync=True)
    assert company.person(job_title="CFO")["job_title"] == "CFO"
    company.control.switch(firmographics=False)
    assert "website" in company.refused("POST", "/organizations", {"name": "A", "website": "x"})
    assert "website" not in company.organization()


def test_what_may_be_seen_depends_on_the_plan(company: Company) -> None:
    assert company.organization(visible_to=7)["visible_to"] == 7
    company.control.switch(plan="lite")
    assert "visible_to" in company.refused("POST", "/organizations", {"name": "A", "visible_to": 7})


def test_other_readings_are_switches(company: Company) -> None:
    company.control.switch(null_on_create="accept", free_labels=True, person_name_required=False)
    assert company.organization(address=None)["address"] is None
    assert company.person(phones=[{"value": "1", "label": "fax"}])["phones"][0]["label"] == "fax"
    assert company.ok("POST", "/persons", {})["name"] is None


def test_deletion_hides_a_record_and_frees_its_persons(company: Company) -> None:
    organization = company.organization()
    person = company.person(org_id=organization["id"])
    path = f"/organizations/{organization['id']}"
    assert company.ok("DELETE", path) == {"id": organization["id"]}
    missing = company.call("GET", path)
    assert missing.status_code == 404
    assert missing.json()["error"] == "Entity was not found"
    assert company.call("PATCH", path, {"name": "B"}).status_code == 404
    assert company.call("DELETE", path).status_code == 404
    assert organization["id"] not in [item["id"] for item in company.ok("GET", "/organizations", limit=500)]
    assert company.ok("GET", f"/persons/{person['id']}")["org_id"] is None
    assert "was not found" in company.refused("POST", "/persons", {"name": "A", "org_id": organization["id"]})
    company.control.switch(deleted_get="record", deleted_patch=410)
    assert company.ok("GET", path)["is_deleted"] is True
    assert company.call("PATCH", path, {"name": "B"}).status_code == 410
    company.control.set_clock(offset_seconds=31 * 24 * 3600)
    assert company.call("GET", path).status_code == 404
    assert company.call("PATCH", path, {"name": "B"}).status_code == 404


def test_ids_are_never_given_again(company: Company) -> None:
    first = company.organization()["id"]
    company.ok("DELETE", f"/organizations/{first}")
    assert company.organization()["id"] > first


@pytest.mark.parametrize(("path", "status"), [("0", 404), ("-1", 404), ("999999999", 404), ("abc", 400), ("1.5", 400)])
def test_ids_of_the_path(company: Company, path: str, status: int) -> None:
    assert company.call("GET", f"/organizations/{path}").status_code == status


def test_a_refused_change_leaves_nothing_behind(company: Company) -> None:
    key = company.code("organization", "JDE Number")
    made = company.organization(custom_fields={key: "1"})
    company.refused("PATCH", f"/organizations/{made['id']}", {"name": "B", "custom_fields": {key: 5}})
    assert company.ok("GET", f"/organizations/{made['id']}") == made
