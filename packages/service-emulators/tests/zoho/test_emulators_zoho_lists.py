"""Lists, pages, search and deleted records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Org


@pytest.fixture
def module(org: Org, request: pytest.FixtureRequest) -> str:
    """A custom module of this test alone."""
    name = f"M{abs(hash(request.node.name))}"
    org.control.add_module(name)
    return name


def fill(org: Org, module: str, count: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, count, 100):
        rows = [{"Name": f"N{number:05}"} for number in range(start, min(start + 100, count))]
        ids += [entry["details"]["id"] for entry in org.write("POST", f"/{module}", rows)]
    return ids


def test_a_list_gives_the_fields_asked_for_newest_first(org: Org, module: str) -> None:
    ids = fill(org, module, 3)
    answer = org.ok("GET", f"/{module}", fields="Name,Owner,Email")
    assert [row["id"] for row in answer["data"]] == ids[::-1]
    assert set(answer["data"][0]) == {"id", "Name", "Owner", "Email"}
    assert answer["data"][0]["Email"] is None
    assert set(answer["data"][0]["Owner"]) == {"name", "id", "email"}
    assert answer["info"] == {
        "call": False,
        "per_page": 200,
        "count": 3,
        "page": 1,
        "sort_by": "id",
        "sort_order": "desc",
        "email": False,
        "more_records": False,
        "next_page_token": None,
        "previous_page_token": None,
        "page_token_expiry": None,
    }


def test_nothing_is_204_and_not_modified_304(org: Org, module: str) -> None:
    empty = org.call("GET", f"/{module}", fields="id")
    assert (empty.status_code, empty.content) == (204, b"")
    org.control.set_clock(now="2026-03-01T08:00:00")
    fill(org, module, 1)

    def since(moment: str) -> int:
        return org.call("GET", f"/{module}", headers={"If-Modified-Since": moment}, fields="id").status_code

    assert since("2026-03-01T09:00:00+01:00") == 200
    assert since("2026-03-01T08:00:01Z") == 304
    org.control.switch(if_modified_since="exclusive")
    assert since("2026-03-01T08:00:00Z") == 304
    assert since("2026-03-01") == 400


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "REQUIRED_PARAM_MISSING"),
        ({"fields": ",".join(["Phone"] * 51)}, "LIMIT_EXCEEDED"),
        ({"fields": "Nothing"}, "INVALID_DATA"),
        ({"fields": "id", "per_page": 201}, "LIMIT_EXCEEDED"),
        ({"fields": "id", "per_page": 0}, "INVALID_DATA"),
        ({"fields": "id", "page": 11}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"),
        ({"fields": "id", "page": 1, "page_token": "x"}, "AMBIGUITY_DURING_PROCESSING"),
        ({"fields": "id", "page_token": "x"}, "INVALID_DATA"),
        ({"fields": "id", "sort_by": "Phone"}, "INVALID_DATA"),
        ({"fields": "id", "updated_since": "x"}, "INVALID_DATA"),
        ({"fields": "id", "ids": "x"}, "INVALID_DATA"),
        ({"fields": "id", "ids": ",".join(["1"] * 101)}, "LIMIT_EXCEEDED"),
    ],
)
def test_parameters_that_do_not_fit(org: Org, params: dict[str, Any], code: str) -> None:
    assert org.refused("GET", "/Accounts", **params)["code"] == code


def test_pages_by_token_reach_what_pages_by_number_do_not(org: Org, module: str) -> None:
    ids = fill(org, module, 2_100)
    found: list[str] = []
    params: dict[str, Any] = {"fields": "Name", "sort_order": "asc"}
    while True:
        answer = org.ok("GET", f"/{module}", **params)
        found += [row["id"] for row in answer["data"]]
        assert answer["info"]["count"] == len(answer["data"])
        if not answer["info"]["more_records"]:
            break
        params["page_token"] = answer["info"]["next_page_token"]
    assert found == ids
    assert answer["info"]["page"] == 11
    assert org.refused("GET", f"/{module}", fields="Name", page=11)["code"] == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    assert len(org.ok("GET", f"/{module}", fields="Name", page=10)["data"]) == 200
    assert org.ok("GET", f"/{module}/actions/count") == {"count": 2_100}


def test_a_token_is_bound_to_its_parameters_and_lives_a_day(org: Org, module: str) -> None:
    org.control.set_clock(now="2026-03-01T08:00:00")
    fill(org, module, 3)
    # A token of the emulator lives by its clock; the access token does too.
    info = org.ok("GET", f"/{module}", fields="Name", per_page=2)["info"]
    token = info["next_page_token"]
    assert info["page_token_expiry"] == "2026-03-02T09:00:00+01:00"
    other = org.refused("GET", f"/{module}", fields="Email", per_page=2, page_token=token)
    assert other["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert len(org.ok("GET", f"/{module}", fields="Name", per_page=2, page_token=token)["data"]) == 1
    org.control.switch(access_token_seconds=10**6)
    access = org.emulator.accounts._issue("test", ("ZohoCRM.modules.ALL",))
    org.control.set_clock(now="2026-03-02T08:00:01")
    header = {"Authorization": f"Zoho-oauthtoken {access}"}
    late = org.call("GET", f"/{module}", headers=header, fields="Name", per_page=2, page_token=token)
    assert late.json()["code"] == "EXPIRED_VALUE"


def test_pages_stay_right_while_records_come_and_go(org: Org, module: str) -> None:
    ids = fill(org, module, 6)
    answer = org.ok("GET", f"/{module}", fields="Name", per_page=3, sort_order="asc")
    org.call("DELETE", f"/{module}/{ids[0]}")
    fill(org, module, 1)
    token = answer["info"]["next_page_token"]
    answer = org.ok("GET", f"/{module}", fields="Name", per_page=3, sort_order="asc", page_token=token)
    assert [row["id"] for row in answer["data"]] == ids[3:]


def test_order_and_ids(org: Org, module: str) -> None:
    org.control.set_clock(now="2026-03-01T08:00:00")
    first, second, third = fill(org, module, 3)
    org.control.set_clock(now="2026-03-01T08:00:05")
    org.write("PUT", f"/{module}", [{"id": first, "Email": "a@b.example"}])

    def ids(**params: Any) -> list[str]:
        return [row["id"] for row in org.ok("GET", f"/{module}", fields="Name", **params)["data"]]

    assert ids(sort_by="Modified_Time") == [first, third, second]
    assert ids(sort_by="Modified_Time", sort_order="asc") == [second, third, first]
    assert ids(ids=f"{second},{first}") == [second, first]
    header = {"If-Modified-Since": "2026-03-01T08:00:05Z"}
    answer = org.ok("GET", f"/{module}", headers=header, fields="Modified_Time")
    assert answer["data"] == [{"id": first, "Modified_Time": "2026-03-01T09:00:05+01:00"}]


def test_search_lags_and_equals_is_loose(org: Org, module: str) -> None:
    org.control.set_clock(now="2026-03-01T08:00:00")
    org.write("POST", f"/{module}", [{"Name": "100", "Email": "ana@x.example"}, {"Name": "1001 (Berlin, Mitte)"}])

    def found(**params: Any) -> list[str]:
        response = org.call("GET", f"/{module}/search", fields="Name", **params)
        return [row["Name"] for row in response.json()["data"]] if response.status_code == 200 else []

    assert found(criteria="(Name:equals:100)") == []
    org.control.set_clock(now="2026-03-01T08:00:03")
    assert found(criteria="(Name:equals:100)") == ["1001 (Berlin, Mitte)", "100"]
    assert found(criteria="((Name:equals:100)and(Email:starts_with:ana))") == ["100"]
    assert found(criteria=r"(Name:equals:\(Berlin\, Mitte\))") == ["1001 (Berlin, Mitte)"]
    assert found(criteria="((Name:in:100,7)or(Name:equals:mitte))") == ["1001 (Berlin, Mitte)", "100"]
    assert found(criteria="(Created_Time:between:2026-03-01T08:00:00+00:00,2026-03-01T09:00:01+01:00)") == [
        "1001 (Berlin, Mitte)",
        "100",
    ]
    assert found(criteria="(Name:not_equal:100)") == []
    assert found(email="ana@x.example") == ["100"]
    assert found(word="berlin") == ["1001 (Berlin, Mitte)"]
    assert found(word="nothing") == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "REQUIRED_PARAM_MISSING"),
        ({"criteria": "(Name)"}, "INVALID_DATA"),
        ({"criteria": "(Phone:near:1)"}, "INVALID_DATA"),
        ({"criteria": "(Nothing:equals:1)"}, "INVALID_DATA"),
        ({"criteria": "((Phone:equals:1)and(Phone:equals:2)or(Phone:equals:3))"}, "INVALID_DATA"),
        ({"criteria": "(" + "and".join(["(Phone:equals:1)"] * 11) + ")"}, "LIMIT_EXCEEDED"),
        ({"word": "x", "phone": "1"}, "AMBIGUITY_DURING_PROCESSING"),
        ({"word": "x", "page": 11}, "LIMIT_REACHED"),
        ({"word": "x", "other": 1}, "INVALID_DATA"),
    ],
)
def test_searches_that_do_not_fit(org: Org, params: dict[str, Any], code: str) -> None:
    assert org.refused("GET", "/Accounts/search", **params)["code"] == code


def test_deleted_records_are_listed_by_the_time_of_deletion(org: Org, module: str) -> None:
    assert org.call("GET", f"/{module}/deleted").status_code == 204
    org.control.set_clock(now="2026-03-01T08:00:00")
    first, second = fill(org, module, 2)
    org.call("DELETE", f"/{module}/{first}")
    org.control.set_clock(now="2026-03-01T09:00:00")
    org.control.delete_record(module, second)
    answer = org.ok("GET", f"/{module}/deleted")
    assert answer["info"] == {"per_page": 200, "count": 2, "page": 1, "more_records": False}
    last = answer["data"][0]
    assert (last["id"], last["display_name"], last["type"]) == (second, "N00001", "recycle")
    assert last["deleted_time"] == "2026-03-01T10:00:00+01:00"
    assert last["deleted_by"]["name"] == "Sam Sales"
    assert last["created_by"]["name"] == "Integration User"

    def since(moment: str) -> int:
        return org.call("GET", f"/{module}/deleted", headers={"If-Modified-Since": moment}).status_code

    assert since("2026-03-01T10:00:00+01:00") == 200
    assert since("2026-03-01T10:00:01+01:00") == 304


def test_after_sixty_days_a_deletion_is_for_good(fresh_org: Org) -> None:
    org = fresh_org
    org.control.switch(access_token_seconds=10**9)
    org.session.headers["Authorization"] = (
        f"Zoho-oauthtoken {org.emulator.accounts._issue('t', ('ZohoCRM.modules.ALL',))}"
    )
    org.control.set_clock(now="2026-03-01T08:00:00")
    org.control.delete_record("Accounts", org.add("Accounts", Account_Name="Gone"))
    org.control.set_clock(now="2026-05-01T08:00:00")
    (entry,) = org.ok("GET", "/Accounts/deleted")["data"]
    assert (entry["type"], entry["created_by"]) == ("permanent", None)
    assert org.call("GET", "/Accounts/deleted", type="recycle").status_code == 204
    org.control.set_clock(now="2026-08-30T08:00:00")
    assert org.call("GET", "/Accounts/deleted").status_code == 204
