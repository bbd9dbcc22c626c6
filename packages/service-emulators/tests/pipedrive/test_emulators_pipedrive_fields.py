"""Custom fields: definitions, codes, values by type, options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from service_emulators.testing import start_pipedrive

if TYPE_CHECKING:
    from conftest import Company

VALUES: list[tuple[str, Any, Any]] = [
    ("varchar", "x" * 255, None),
    ("varchar_auto", "a", None),
    ("phone", "+49 40 1", None),
    ("text", "x" * 65_000, None),
    ("double", 12.5, None),
    ("double", 12, None),
    ("monetary", {"value": 12.5, "currency": "EUR"}, None),
    ("user", 13, None),
    ("date", "2026-03-01", None),
    ("daterange", {"value": "2026-03-01", "until": "2026-03-05"}, None),
    ("time", {"value": "10:00:00", "timezone_name": "Europe/Berlin"}, None),
    ("time", {"value": "10:00"}, {"value": "10:00:00", "timezone_name": "UTC"}),
    ("timerange", {"value": "10:00:00", "until": "11:00:00", "timezone_name": "UTC"}, None),
]
WRONG: list[tuple[str, Any]] = [
    ("varchar", "x" * 256),
    ("varchar", 1001),
    ("varchar", True),
    ("phone", 4940),
    ("text", "x" * 65_001),
    ("double", "12.5"),
    ("double", True),
    ("monetary", 12.5),
    ("monetary", {"value": 12.5}),
    ("monetary", {"value": "12.5", "currency": "EUR"}),
    ("monetary", {"value": 1, "currency": "euro"}),
    ("user", "13"),
    ("user", 99),
    ("org", 987654),
    ("people", 987654),
    ("date", "2026-02-30"),
    ("date", "01.03.2026"),
    ("date", "2026-03-01T00:00:00Z"),
    ("daterange", {"value": "2026-03-01"}),
    ("time", "10:00"),
    ("time", {"value": "25:00"}),
    ("timerange", {"value": "10:00"}),
    ("address", "somewhere"),
]


def test_demo_fields_are_deterministic_and_differ_by_entity_and_seed(company: Company) -> None:
    fields = company.ok("GET", "/organizationFields", limit=500)
    custom = [field for field in fields if field["is_custom_field"]]
    assert [(field["field_name"], field["field_type"]) for field in custom][:8] == [
        ("JDE Number", "varchar"),
        ("JDE Status", "enum"),
        ("Credit Limit", "double"),
        ("Payment Terms", "varchar"),
        ("Tax ID", "varchar"),
        ("Customer Group", "varchar"),
        ("Phone", "phone"),
        ("E-mail", "varchar"),
    ]
    assert all(len(field["field_code"]) == 40 for field in custom)
    assert [option["label"] for option in custom[1]["options"]] == ["Active", "On hold", "Closed"]
    assert company.code("person", "JDE Number") != company.code("organization", "JDE Number")
    with start_pipedrive(seed=2) as other:
        codes = other.store.query("SELECT code FROM custom_field_definitions")
        assert other.api_token != company.emulator.api_token
        assert company.code("organization", "JDE Number") not in [row["code"] for row in codes]


def test_a_company_without_demo_fields_can_get_them(company: Company) -> None:
    with start_pipedrive(demo_fields=False) as bare:
        assert bare.store.query("SELECT count(*) AS n FROM custom_field_definitions") == [{"n": 0}]
    made = company.field("organization", "Region", "varchar")
    again = company.field("organization", "Region", "varchar")
    assert made["field_code"] != again["field_code"], "labels are not unique"
    assert made["is_custom_field"] is True
    assert company.organization()["custom_fields"][made["field_code"]] is None


@pytest.mark.parametrize(("kind", "given", "stored"), VALUES)
def test_values_by_type(company: Company, kind: str, given: Any, stored: Any) -> None:
    code = company.field("organization", f"A {kind}", kind)["field_code"]
    made = company.organization(custom_fields={code: given})
    assert company.ok("GET", f"/organizations/{made['id']}")["custom_fields"][code] == (stored or given)


@pytest.mark.parametrize(("kind", "given"), WRONG)
def test_wrong_values_are_refused_with_the_code_of_the_field(company: Company, kind: str, given: Any) -> None:
    code = company.field("organization", f"B {kind}", kind)["field_code"]
    response = company.call("POST", "/organizations", {"name": "A", "custom_fields": {code: given}})
    assert response.status_code == 400
    assert response.json()["field_code"] == code
    assert f"custom_fields.{code}" in response.json()["error"]


def test_enum_and_set_take_option_ids_only(company: Company) -> None:
    one = company.field("organization", "One", "enum", "Red", "Green")
    many = company.field("organization", "Many", "set", "A", "B")
    red, green = (option["id"] for option in one["options"])
    a, b = (option["id"] for option in many["options"])
    made = company.organization(custom_fields={one["field_code"]: red, many["field_code"]: [b, a]})
    assert made["custom_fields"][one["field_code"]] == red
    assert made["custom_fields"][many["field_code"]] == [b, a]
    for code, wrong in (
        (one["field_code"], "Red"),
        (one["field_code"], str(green)),
        (one["field_code"], a),
        (many["field_code"], []),
        (many["field_code"], a),
        (many["field_code"], ["A"]),
    ):
        company.refused("POST", "/organizations", {"name": "A", "custom_fields": {code: wrong}})
    cleared = company.ok("PATCH", f"/organizations/{made['id']}", {"custom_fields": {many["field_code"]: None}})
    assert cleared["custom_fields"][many["field_code"]] is None
    shown = company.ok("GET", f"/organizations/{made['id']}", include_option_labels="true")
    assert shown["custom_fields"][one["field_code"]] == {"id": red, "label": "Red"}


def test_unknown_hashes_and_those_of_another_entity_are_refused(company: Company) -> None:
    for code in ("0" * 40, company.code("person", "JDE Number"), "JDE Number"):
        response = company.call("POST", "/organizations", {"name": "A", "custom_fields": {code: "1"}})
        assert response.status_code == 400
        assert response.json()["field_code"] == code


def test_options_are_added_renamed_and_deleted(company: Company) -> None:
    field = company.field("person", "Colour", "enum", "Red")
    path = f"/personFields/{field['field_code']}/options"
    (green,) = company.ok("POST", path, [{"label": "Green"}])
    company.ok("PATCH", path, [{"id": green["id"], "label": "Blue"}])
    person = company.person(custom_fields={field["field_code"]: green["id"]})
    company.refused("DELETE", path, [{"id": 1}])
    company.ok("DELETE", path, [{"id": green["id"]}])
    shown = company.ok("GET", f"/personFields/{field['field_code']}")
    assert [option["label"] for option in shown["options"]] == ["Red"]
    assert company.ok("GET", f"/persons/{person['id']}")["custom_fields"][field["field_code"]] is None
    text = company.field("person", "Plain", "varchar")["field_code"]
    company.refused("POST", f"/personFields/{text}/options", [{"label": "x"}])


def test_fields_are_renamed_and_deleted_but_keep_type_and_code(company: Company) -> None:
    field = company.field("organization", "Old", "varchar")
    path = f"/organizationFields/{field['field_code']}"
    made = company.organization(custom_fields={field["field_code"]: "x"})
    assert company.ok("PATCH", path, {"field_name": "New"})["field_code"] == field["field_code"]
    assert "not allowed" in company.refused("PATCH", path, {"field_type": "text"})
    assert company.ok("DELETE", path)["field_name"] == "New"
    assert company.call("GET", path).status_code == 404
    assert field["field_code"] not in company.ok("GET", f"/organizations/{made['id']}")["custom_fields"]
    assert company.call("DELETE", "/organizationFields/name").status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"field_name": "X"},
        {"field_type": "varchar"},
        {"field_name": "", "field_type": "varchar"},
        {"field_name": "X", "field_type": "string"},
        {"field_name": "X", "field_type": "int"},
        {"field_name": "X", "field_type": "varchar", "options": [{"label": "a"}]},
        {"field_name": "X", "field_type": "enum", "options": []},
        {"name": "X", "field_type": "varchar"},
    ],
)
def test_field_bodies_are_strict(company: Company, body: dict[str, Any]) -> None:
    company.refused("POST", "/organizationFields", body)


def test_field_lists_page_and_show_blocks_when_asked(company: Company) -> None:
    whole = company.ok("GET", "/personFields", limit=500)
    first = company.call("GET", "/personFields", limit=3).json()
    cursor = first["additional_data"]["next_cursor"]
    rest = company.ok("GET", "/personFields", limit=500, cursor=cursor)
    assert first["data"] + rest == whole
    assert "ui_visibility" not in whole[0]
    shown = company.ok("GET", "/personFields/name", include_fields="ui_visibility,required_fields")
    assert set(shown) - set(whole[0]) == {"ui_visibility", "required_fields"}


def test_activity_fields_are_read_only(company: Company) -> None:
    assert company.ok("GET", "/activityFields")
    assert company.call("POST", "/activityFields", {"field_name": "X", "field_type": "text"}).status_code == 404


def test_the_plan_limits_custom_fields() -> None:
    with start_pipedrive(plan="lite", burst=0) as emulator:
        catalog_size = 14
        session_headers = {"x-api-token": emulator.api_token}
        statuses = [
            requests.post(
                emulator.url + "/api/v2/dealFields",
                json={"field_name": f"F{number}", "field_type": "varchar"},
                headers=session_headers,
                timeout=10,
            ).status_code
            for number in range(30 - catalog_size + 1)
        ]
        assert statuses == [200] * (30 - catalog_size) + [403]
