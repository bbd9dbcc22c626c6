"""Deals, activities, products, pipelines and stages of v2; notes, users and fields of v1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company


def test_deals_get_pipeline_stage_and_times(company: Company) -> None:
    deal = company.ok("POST", "/deals", {"title": "D", "value": 12.5})
    assert (deal["pipeline_id"], deal["stage_id"], deal["status"], deal["currency"]) == (1, 1, "open", "EUR")
    company.control.set_clock(now="2026-09-01T10:00:00")
    won = company.ok("PATCH", f"/deals/{deal['id']}", {"status": "won", "stage_id": 2})
    assert won["won_time"] == won["close_time"] == won["stage_change_time"] == "2026-09-01T10:00:00Z"
    assert won["local_won_date"] == "2026-09-01"
    reopened = company.ok("PATCH", f"/deals/{deal['id']}", {"status": "open"})
    assert (reopened["won_time"], reopened["close_time"], reopened["local_close_date"]) == (None, None, None)


def test_archived_and_deleted_deals_have_lists_of_their_own(company: Company) -> None:
    ids = [company.ok("POST", "/deals", {"title": f"D{number}"})["id"] for number in range(3)]
    archived = company.ok("PATCH", f"/deals/{ids[1]}", {"is_archived": True})
    assert archived["archive_time"]
    company.ok("DELETE", f"/deals/{ids[2]}")
    wanted = ",".join(str(number) for number in ids)

    def listed(path: str, **params: Any) -> list[int]:
        return [deal["id"] for deal in company.ok("GET", path, ids=wanted, **params)]

    assert listed("/deals") == [ids[0]]
    assert listed("/deals/archived") == [ids[1]]
    assert listed("/deals", status="deleted") == [ids[2]]
    assert listed("/deals", status="open,deleted") == [ids[0], ids[2]]
    company.control.set_clock(offset_seconds=31 * 24 * 3600)
    assert listed("/deals", status="deleted") == []
    assert company.control.counters()["by_endpoint"]["GET /api/v2/deals/archived"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/deals", {}),
        ("/deals", {"title": "D", "status": "deleted"}),
        ("/deals", {"title": "D", "value": "12"}),
        ("/deals", {"title": "D", "stage_id": 99}),
        ("/deals", {"title": "D", "probability": 101}),
        ("/deals", {"title": "D", "expected_close_date": "2026-09-01T00:00:00Z"}),
        ("/deals", {"title": "D", "user_id": 13}),
        ("/activities", {"type": "smoke"}),
        ("/activities", {"done": 1}),
        ("/activities", {"person_id": 1}),
        ("/activities", {"due_date": "1.9.2026"}),
        ("/activities", {"due_time": "9:00"}),
        ("/activities", {"participants": [{"person_id": 987654}]}),
        ("/activities", {"custom_fields": {}}),
        ("/products", {"code": "x"}),
        ("/products", {"name": "P", "prices": {"EUR": 1}}),
        ("/products", {"name": "P", "prices": [{"price": 1}]}),
        ("/products", {"name": "P", "prices": [{"currency": "EUR"}, {"currency": "EUR"}]}),
        ("/products", {"name": "P", "billing_frequency": "daily"}),
        ("/pipelines", {"name": "P", "order_nr": 1}),
        ("/stages", {"name": "S"}),
        ("/stages", {"name": "S", "pipeline_id": 99}),
        ("/stages", {"name": "S", "pipeline_id": 1, "is_deal_rot_enabled": True}),
    ],
)
def test_bodies_are_strict(company: Company, path: str, body: dict[str, Any]) -> None:
    company.refused("POST", path, body)


def test_a_stage_belongs_to_its_pipeline(company: Company) -> None:
    pipeline = company.ok("POST", "/pipelines", {"name": "Second"})
    assert pipeline["order_nr"] > 1
    assert "no stage" in company.refused("POST", "/deals", {"title": "D", "pipeline_id": pipeline["id"]})
    stages = [company.ok("POST", "/stages", {"name": "S", "pipeline_id": pipeline["id"]}) for _ in range(2)]
    assert [stage["order_nr"] for stage in stages] == [1, 2]
    deal = company.ok("POST", "/deals", {"title": "D", "stage_id": stages[1]["id"]})
    assert deal["pipeline_id"] == pipeline["id"]
    assert "another pipeline" in company.refused(
        "POST", "/deals", {"title": "D", "pipeline_id": 1, "stage_id": stages[0]["id"]}
    )
    listed = company.ok("GET", "/stages", pipeline_id=pipeline["id"], sort_by="order_nr", sort_direction="desc")
    assert [stage["id"] for stage in listed] == [stages[1]["id"], stages[0]["id"]]


def test_activities_take_their_person_from_the_participants(company: Company) -> None:
    first, second = company.person()["id"], company.person()["id"]
    made = company.ok(
        "POST",
        "/activities",
        {
            "type": "meeting",
            "due_date": "2026-09-01",
            "due_time": "09:30",
            "duration": "01:30",
            "participants": [{"person_id": first}, {"person_id": second, "primary": True}],
            "attendees": [{"email": "a@x.example"}],
            "location": {"value": "Hafenstr. 3"},
        },
    )
    assert (made["person_id"], made["subject"], made["due_time"], made["duration"]) == (
        second,
        "Meeting",
        "09:30:00",
        "01:30:00",
    )
    assert "attendees" not in made
    path = f"/activities/{made['id']}"
    assert company.ok("GET", path, include_fields="attendees")["attendees"] == [{"email": "a@x.example"}]
    done = company.ok("PATCH", path, {"done": True})
    assert done["marked_as_done_time"]
    assert [item["id"] for item in company.ok("GET", "/activities", person_id=second, done="true")] == [made["id"]]
    assert company.ok("GET", "/activities", person_id=second, done="false") == []


def test_activities_sort_by_due_date_with_and_without_one(company: Company) -> None:
    deal = company.ok("POST", "/deals", {"title": "D"})["id"]
    dates = ["2026-09-02", None, "2026-09-01", None]
    ids = [
        company.ok("POST", "/activities", {"deal_id": deal, **({"due_date": date} if date else {})})["id"]
        for date in dates
    ]
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = company.call("GET", "/activities", deal_id=deal, sort_by="due_date", limit=1, **cursor).json()
        seen.extend(item["id"] for item in page["data"])
        if page["additional_data"]["next_cursor"] is None:
            break
        cursor = {"cursor": page["additional_data"]["next_cursor"]}
    assert seen == [ids[1], ids[3], ids[2], ids[0]]


def test_products_answer_201(company: Company) -> None:
    response = company.call(
        "POST", "/products", {"name": "Pencil", "code": "P", "category": 4, "prices": [{"currency": "EUR", "price": 2}]}
    )
    assert response.status_code == 201
    product = response.json()["data"]
    assert product["prices"] == [
        {"product_id": product["id"], "currency": "EUR", "price": 2, "cost": 0, "direct_cost": None, "notes": ""}
    ]
    assert company.ok("PATCH", f"/products/{product['id']}", {"unit": "box"})["unit"] == "box"
    assert company.ok("GET", "/products", sort_by="name", updated_since="2026-01-01T00:00:00Z")


def test_notes(company: Company) -> None:
    organization = company.organization("Noted")["id"]
    company.control.set_clock(now="2026-09-05T08:00:00")
    note = company.ok(
        "POST", "/v1/notes", {"content": "<p>x</p>", "org_id": organization, "pinned_to_organization_flag": 1}
    )
    assert (note["add_time"], note["active_flag"]) == ("2026-09-05 08:00:00", True)
    assert note["pinned_to_organization_flag"] is True
    assert (note["organization"], note["person"]) == ({"name": "Noted"}, None)
    assert note["user"]["is_you"] is True
    path = f"/v1/notes/{note['id']}"
    company.control.set_clock(now="2026-09-05T09:00:00")
    assert company.ok("PUT", path, {"content": "y"})["update_time"] == "2026-09-05 09:00:00"
    found = company.ok("GET", "/v1/notes", updated_since="2026-09-05T09:00:00Z", org_id=organization)
    assert [item["id"] for item in found] == [note["id"]]
    assert company.call("DELETE", path).json() == {"success": True, "data": True}
    assert company.call("GET", path).status_code == 404
    assert company.call("GET", "/v1/notes", org_id=organization).json()["data"] is None


def test_v1_lists_page_by_start(company: Company) -> None:
    organization = company.organization()["id"]
    ids = [company.ok("POST", "/v1/notes", {"content": "x", "org_id": organization})["id"] for _ in range(3)]
    page = company.call("GET", "/v1/notes", org_id=organization, limit=2, sort="id DESC").json()
    assert [note["id"] for note in page["data"]] == [ids[2], ids[1]]
    assert page["additional_data"]["pagination"] == {
        "start": 0,
        "limit": 2,
        "more_items_in_collection": True,
        "next_start": 2,
    }
    page = company.call("GET", "/v1/notes", org_id=organization, limit=2, start=2, sort="id DESC").json()
    assert [note["id"] for note in page["data"]] == [ids[0]]
    assert page["additional_data"]["pagination"]["more_items_in_collection"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": "x"},
        {"org_id": 1},
        {"content": "x", "org_id": "1"},
        {"content": "x", "org_id": 987654},
        {"content": "x", "org_id": 1, "pinned_to_organization_flag": True},
        {"content": "x", "org_id": 1, "colour": "red"},
    ],
)
def test_note_bodies_are_strict_in_the_words_of_v1(company: Company, body: dict[str, Any]) -> None:
    response = company.call("POST", "/v1/notes", body)
    assert response.status_code == 400
    assert set(response.json()) == {"success", "error", "error_info", "data", "additional_data"}


def test_users(company: Company) -> None:
    users = company.call("GET", "/v1/users").json()
    assert [user["is_you"] for user in users["data"]] == [True, False]
    assert "additional_data" not in users
    assert company.ok("GET", "/v1/users/14")["access"][0]["admin"] is False
    assert company.call("GET", "/v1/users/99").status_code == 404


def test_v1_fields(company: Company) -> None:
    fields = company.ok("GET", "/v1/organizationFields", limit=500)
    by_name = {field["name"]: field for field in fields}
    number = by_name["JDE Number"]
    assert (number["key"], number["edit_flag"]) == (company.code("organization", "JDE Number"), True)
    assert by_name["Name"]["edit_flag"] is False
    assert company.ok("GET", f"/v1/organizationFields/{number['id']}") == number
    assert company.call("GET", "/v1/organizationFields/99999").status_code == 410
