"""Lists of API v2: keyset pages, orders, filters, narrowing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from conftest import Company


def walk(company: Company, path: str, **params: Any) -> list[int]:
    ids: list[int] = []
    cursor = None
    while True:
        page = company.call("GET", path, **params, **({"cursor": cursor} if cursor else {})).json()
        ids.extend(record["id"] for record in page["data"])
        cursor = page["additional_data"]["next_cursor"]
        if cursor is None:
            return ids


def test_the_cursor_is_an_unpadded_keyset(company: Company) -> None:
    for _ in range(3):
        company.organization()
    page = company.call("GET", "/organizations", limit=2).json()
    cursor = page["additional_data"]["next_cursor"]
    assert "=" not in cursor
    last = page["data"][-1]["id"]
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert content == {"field": "id", "fieldValue": last, "sortDirection": "asc", "id": last}


def test_pages_are_stable_under_inserts_and_deletes(fresh_company: Company) -> None:
    ids = [fresh_company.organization(f"O{number}")["id"] for number in range(6)]
    page = fresh_company.call("GET", "/organizations", limit=3).json()
    fresh_company.ok("DELETE", f"/organizations/{ids[0]}")
    new = fresh_company.organization("late")["id"]
    rest = fresh_company.ok("GET", "/organizations", limit=10, cursor=page["additional_data"]["next_cursor"])
    assert [record["id"] for record in rest] == [*ids[3:], new]


def test_a_full_last_page_has_no_next_cursor(fresh_company: Company) -> None:
    for number in range(4):
        fresh_company.organization(f"O{number}")
    assert fresh_company.call("GET", "/organizations", limit=4).json()["additional_data"] == {"next_cursor": None}
    assert fresh_company.call("GET", "/persons").json() == {
        "success": True,
        "data": [],
        "additional_data": {"next_cursor": None},
    }


@settings(max_examples=25)
@given(
    offsets=st.lists(st.integers(0, 3), min_size=1, max_size=9),
    limit=st.integers(1, 4),
    sort=st.sampled_from(["id", "update_time", "add_time"]),
    direction=st.sampled_from(["asc", "desc"]),
)
def test_every_walk_sees_each_record_once_in_order(
    company: Company, offsets: list[int], limit: int, sort: str, direction: str
) -> None:
    pipeline = company.ok("POST", "/pipelines", {"name": "walk"})["id"]
    made = []
    for offset in offsets:  # many equal times
        company.control.set_clock(now=f"2026-05-01T00:00:0{offset}")
        made.append(company.ok("POST", "/stages", {"name": "s", "pipeline_id": pipeline}))
    expected = sorted(made, key=lambda stage: (stage[sort], stage["id"]), reverse=direction == "desc")
    params = {"pipeline_id": pipeline, "limit": limit, "sort_by": sort, "sort_direction": direction}
    assert walk(company, "/stages", **params) == [stage["id"] for stage in expected]


def test_updated_since_is_inclusive_and_until_exclusive(company: Company) -> None:
    ids = []
    for second in range(3):
        company.control.set_clock(now=f"2026-06-01T10:00:0{second}")
        ids.append(company.organization()["id"])
    found = company.ok(
        "GET", "/organizations", updated_since="2026-06-01T10:00:01Z", updated_until="2026-06-01T10:00:02Z"
    )
    assert [record["id"] for record in found] == [ids[1]]
    assert company.ok("GET", "/organizations", updated_since="2026-06-01T12:00:02+02:00", ids=f"{ids[1]},{ids[2]}")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/organizations", {"updated_since": "2026-06-01T10:00:01.000Z"}),
        ("/organizations", {"updated_since": "2026-06-01"}),
        ("/organizations", {"updated_since": "2026-06-01 10:00:01"}),
        ("/organizations", {"limit": 501}),
        ("/organizations", {"limit": 0}),
        ("/organizations", {"limit": "ten"}),
        ("/organizations", {"sort_by": "name"}),
        ("/organizations", {"sort_direction": "up"}),
        ("/organizations", {"start": 0}),
        ("/organizations", {"cursor": "xxx"}),
        ("/organizations", {"cursor": "bm90IGpzb24"}),
        ("/organizations", {"owner_id": "me"}),
        ("/organizations", {"include_labels": "1"}),
        ("/organizations", {"include_fields": "people"}),
        ("/organizations", {"ids": "1,x"}),
        ("/organizations", {"ids": ",".join(str(number) for number in range(1, 102))}),
        ("/organizations", {"org_id": 1}),
        ("/products", {"updated_until": "2026-06-01T10:00:00Z"}),
        ("/pipelines", {"updated_since": "2026-06-01T10:00:00Z"}),
        ("/stages", {"updated_since": "2026-06-01T10:00:00Z"}),
    ],
)
def test_list_parameters_are_strict(company: Company, path: str, params: dict[str, Any]) -> None:
    company.refused("GET", path, **params)


def test_a_cursor_belongs_to_one_order(company: Company) -> None:
    company.organization()
    company.organization()
    cursor = company.call("GET", "/organizations", limit=1).json()["additional_data"]["next_cursor"]
    company.refused("GET", "/organizations", cursor=cursor, sort_by="update_time")
    company.refused("GET", "/organizations", cursor=cursor, sort_direction="desc")


def test_the_limit_can_be_capped_instead(company: Company) -> None:
    company.control.switch(limit_over_max="cap")
    assert company.call("GET", "/organizations", limit=5000).status_code == 200


def test_custom_fields_narrow_what_returns(company: Company) -> None:
    key = company.code("organization", "JDE Number")
    company.organization(custom_fields={key: "7"})
    shown = company.ok("GET", "/organizations", custom_fields=key, limit=500)[-1]
    assert shown["custom_fields"] == {key: "7"}
    company.refused("GET", "/organizations", custom_fields="nope")
    many = [company.field("organization", f"N{number}", "varchar")["field_code"] for number in range(16)]
    assert company.call("GET", "/organizations", custom_fields=",".join(many[:15])).status_code == 200
    assert "maximum of 15" in company.refused("GET", "/organizations", custom_fields=",".join(many))


def test_filters(company: Company) -> None:
    first, second = company.organization()["id"], company.organization()["id"]
    person = company.person(org_id=first)["id"]
    company.person(org_id=second)
    deal = company.ok("POST", "/deals", {"title": "D", "person_id": person})["id"]
    assert [record["id"] for record in company.ok("GET", "/persons", org_id=first)] == [person]
    assert [record["id"] for record in company.ok("GET", "/persons", deal_id=deal)] == [person]
    assert [record["id"] for record in company.ok("GET", "/organizations", ids=f"{second},{first},999999")] == [
        first,
        second,
    ]
    assert company.ok("GET", "/organizations", owner_id=14) == []
    assert company.call("GET", "/organizations", filter_id=1).status_code == 404


def test_labels_and_counters_come_on_request(company: Company) -> None:
    organization = company.organization(label_ids=[5, 7])
    company.person(org_id=organization["id"])
    company.ok("POST", "/deals", {"title": "D", "org_id": organization["id"], "status": "won"})
    path = f"/organizations/{organization['id']}"
    shown = company.ok("GET", path, include_labels="true", include_fields="people_count,won_deals_count,files_count")
    assert shown["labels"] == [{"id": 5, "label": "Customer"}, {"id": 7, "label": "Warm lead"}]
    assert (shown["people_count"], shown["won_deals_count"], shown["files_count"]) == (1, 1, 0)
    assert "people_count" not in company.ok("GET", path)


def test_lists_can_lag_behind_writes(company: Company) -> None:
    company.control.switch(list_lag_ms=2000)
    made = company.organization()["id"]
    assert made not in walk(company, "/organizations", limit=500)
    assert company.ok("GET", f"/organizations/{made}")["id"] == made
    company.control.set_clock(offset_seconds=2.5)
    assert made in walk(company, "/organizations", limit=500)
