"""Notifications: enabling, renewing and disabling channels, and the calls that tell of changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Org

WATCH = "/crm/v8/actions/watch"
NOW = "2026-03-01T08:00:00+00:00"
Hook = tuple[str, list[Any]]


@pytest.fixture
def still(org: Org) -> Org:
    org.control.set_clock(now=NOW)
    return org


def channel(url: str = "https://hook.example/zoho", **values: Any) -> dict[str, Any]:
    given = {"channel_id": "1000000068001", "events": ["Accounts.all"], "token": "s3cret", "notify_url": url, **values}
    return {name: value for name, value in given.items() if value is not None}


def enable(org: Org, *channels: dict[str, Any]) -> list[dict[str, Any]]:
    response = org.call("POST", WATCH, {"watch": list(channels)})
    assert response.status_code == 201, response.text
    return list(response.json()["watch"])


def expiry(org: Org, **values: Any) -> str:
    (item,) = enable(org, channel(**values))
    return str(item["details"]["events"][0]["channel_expiry"])


def heard(org: Org, hook: Hook, count: int = 1) -> list[Any]:
    """Waits for so many calls and a little longer; returns their bodies."""
    org.until(lambda: hook[1], lambda got: len(got) >= count)
    time.sleep(0.05)
    assert len(hook[1]) == count
    return hook[1]


# --- enabling ---


def test_a_channel_is_enabled_per_module(still: Org) -> None:
    events = ["Accounts.create", "Accounts.edit", "Vendors.delete"]
    (item,) = enable(still, channel(events=events, channel_expiry="2026-03-08T08:00:00+00:00"))
    assert (item["code"], item["status"]) == ("SUCCESS", "success")
    assert item["message"] == "Successfully subscribed for actions-watch of the given module"
    found = item["details"]["events"]
    assert [entry["resource_name"] for entry in found] == ["Accounts", "Vendors"]
    assert found[0] == {
        "channel_expiry": "2026-03-08T09:00:00+01:00",
        "resource_uri": f"{still.emulator.url}/crm/v8/Accounts",
        "resource_id": found[0]["resource_id"],
        "resource_name": "Accounts",
        "channel_id": "1000000068001",
    }


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, "2026-03-01T10:00:00+01:00"),
        ("2026-03-08T08:00:00+00:00", "2026-03-08T09:00:00+01:00"),
        ("2026-03-08T08:00:01+00:00", "2026-03-01T10:00:00+01:00"),
        ("2027-01-01T00:00:00+00:00", "2026-03-01T10:00:00+01:00"),
        ("2026-03-01T08:30:00+00:00", "2026-03-01T09:30:00+01:00"),
    ],
)
def test_more_than_a_week_becomes_an_hour_without_a_word(still: Org, asked: str | None, given: str) -> None:
    assert expiry(still, channel_expiry=asked) == given


@pytest.mark.parametrize(
    ("code", "name", "values"),
    [
        ("MANDATORY_NOT_FOUND", "channel_id", {"channel_id": None}),
        ("MANDATORY_NOT_FOUND", "events", {"events": None}),
        ("MANDATORY_NOT_FOUND", "notify_url", {"notify_url": None}),
        ("INVALID_DATA", "channel_id", {"channel_id": "mine"}),
        ("INVALID_DATA", "events", {"events": []}),
        ("INVALID_DATA", "events", {"events": ["Nowhere.all"]}),
        ("INVALID_DATA", "events", {"events": ["Accounts.update"]}),
        ("INVALID_DATA", "notify_url", {"notify_url": "hook"}),
        ("INVALID_DATA", "token", {"token": "x" * 51}),
        ("INVALID_DATA", "channel_expiry", {"channel_expiry": "tomorrow"}),
        ("INVALID_DATA", "channel_expiry", {"channel_expiry": "2026-02-01T00:00:00+00:00"}),
        ("INVALID_DATA", "return_affected_field_values", {"return_affected_field_values": "yes"}),
        ("INVALID_DATA", "notification_condition", {"notification_condition": [{"type": "other"}]}),
        ("INVALID_DATA", "more", {"more": 1}),
    ],
)
def test_a_channel_that_does_not_fit_is_refused(still: Org, code: str, name: str, values: dict[str, Any]) -> None:
    (item,) = still.refused("POST", WATCH, {"watch": [channel(**values)]})["watch"]
    assert (item["code"], item["details"]["api_name"], item["status"]) == (code, name, "error")
    assert item["details"]["json_path"].startswith(f"$.watch[0].{name}")
    assert still.call("GET", WATCH).status_code == 204


def test_some_channels_may_be_refused(still: Org) -> None:
    response = still.call("POST", WATCH, {"watch": [channel(), channel(channel_id="x")]})
    assert response.status_code == 207
    assert [item["status"] for item in response.json()["watch"]] == ["success", "error"]


def test_at_most_fifty_channels_and_at_least_one(still: Org) -> None:
    many = [channel(channel_id=str(number)) for number in range(51)]
    assert still.refused("POST", WATCH, {"watch": many})["details"]["maximum_length"] == 50
    assert still.refused("POST", WATCH, {"watch": []})["code"] == "INVALID_DATA"
    assert still.refused("POST", WATCH, {})["code"] == "MANDATORY_NOT_FOUND"
    enable(still, *many[:50])


# --- looking, changing, disabling ---


def test_channels_are_listed_by_module_and_page(still: Org) -> None:
    enable(still, channel(events=["Accounts.all", "Contacts.edit"]), channel(channel_id="7", token=None))
    answer = still.ok("GET", WATCH)
    listed = [(entry["channel_id"], entry["resource_name"], entry["events"]) for entry in answer["watch"]]
    assert listed == [
        ("1000000068001", "Accounts", ["Accounts.all"]),
        ("1000000068001", "Contacts", ["Contacts.edit"]),
        ("7", "Accounts", ["Accounts.all"]),
    ]
    assert answer["info"] == {"per_page": 200, "count": 3, "page": 1, "more_records": False}
    assert [entry["token"] for entry in answer["watch"]] == ["s3cret", "s3cret", None]
    assert len(still.ok("GET", WATCH, params={"channel_id": "7"})["watch"]) == 1
    assert len(still.ok("GET", WATCH, params={"module": "Contacts"})["watch"]) == 1
    page = still.ok("GET", WATCH, params={"per_page": 2, "page": 2})
    assert (page["info"]["count"], page["info"]["more_records"]) == (1, False)
    assert still.call("GET", WATCH, params={"channel_id": "8"}).status_code == 204


def test_a_channel_expires(still: Org) -> None:
    enable(still, channel(channel_expiry="2026-03-01T08:10:00+00:00"))
    still.control.set_clock(offset_seconds=599)
    assert still.call("GET", WATCH).status_code == 200
    still.control.set_clock(offset_seconds=1)
    assert still.call("GET", WATCH).status_code == 204


@pytest.mark.parametrize("wrapped", [True, False])
def test_patch_renews_and_leaves_the_rest(still: Org, *, wrapped: bool) -> None:
    enable(still, channel())
    change = {"channel_id": 1000000068001, "channel_expiry": "2026-03-08T07:00:00+00:00"}
    answer = still.ok("PATCH", WATCH, {"watch": [change]} if wrapped else change)
    assert answer["watch"][0]["details"]["events"][0]["channel_expiry"] == "2026-03-08T08:00:00+01:00"
    (entry,) = still.ok("GET", WATCH)["watch"]
    assert (entry["token"], entry["events"]) == ("s3cret", ["Accounts.all"])


def test_patch_adds_and_removes_events(still: Org) -> None:
    enable(still, channel())
    still.ok("PATCH", WATCH, {"watch": [{"channel_id": "1000000068001", "events": ["Contacts.edit"]}]})
    assert len(still.ok("GET", WATCH)["watch"]) == 2
    gone = {"channel_id": "1000000068001", "events": ["Accounts.all"], "_delete_events": True}
    answer = still.ok("PATCH", WATCH, {"watch": [gone]})
    assert answer["watch"][0]["message"] == "Successfully removed the subscribe details"
    (entry,) = still.ok("GET", WATCH)["watch"]
    assert entry["events"] == ["Contacts.edit"]


def test_put_replaces_all_of_it(still: Org) -> None:
    enable(still, channel(return_affected_field_values=True))
    still.ok("PUT", WATCH, {"watch": [channel(events=["Contacts.all"], token=None)]})
    (entry,) = still.ok("GET", WATCH)["watch"]
    assert (entry["events"], entry["token"], entry["return_affected_field_values"]) == (["Contacts.all"], None, False)


def test_unknown_channels_are_not_subscribed(still: Org) -> None:
    for method in ("PUT", "PATCH"):
        (item,) = still.refused(method, WATCH, {"watch": [channel()]})["watch"]
        assert item["code"] == "NOT_SUBSCRIBED"
    (item,) = still.refused("DELETE", WATCH, params={"channel_ids": "1"})["watch"]
    assert item["code"] == "NOT_SUBSCRIBED"


def test_channels_are_disabled(still: Org) -> None:
    enable(still, channel(), channel(channel_id="7"))
    response = still.call("DELETE", WATCH, params={"channel_ids": "7,8"})
    assert response.status_code == 207
    assert response.json()["watch"][0]["details"]["channel_id"] == "7"
    assert [entry["channel_id"] for entry in still.ok("GET", WATCH)["watch"]] == ["1000000068001"]
    assert still.refused("DELETE", WATCH)["code"] == "EXPECTED_PARAM_MISSING"


# --- being told ---


def test_own_writes_are_told_with_token_and_fields(org: Org, hook: Hook) -> None:
    (record,) = org.add("Accounts", {"Account_Name": "A", "Phone": "1"})
    enable(org, channel(hook[0] + "?tenant=4", return_affected_field_values=True))
    body = {"data": [{"id": record, "Phone": "2", "Account_Name": "A"}]}
    org.ok("PUT", "/crm/v8/Accounts", body)
    (told,) = heard(org, hook)
    assert abs(told.pop("server_time") / 1000 - time.time()) < 60
    assert told == {
        "query_params": {"tenant": "4"},
        "module": "Accounts",
        "resource_uri": f"{org.emulator.url}/crm/v8/Accounts",
        "ids": [record],
        "affected_fields": [{record: ["Phone", "Modified_Time"]}],
        "affected_values": [{"record_id": record, "values": {"Phone": "2"}}],
        "operation": "update",
        "channel_id": "1000000068001",
        "token": "s3cret",
    }


def test_changes_of_one_request_come_together_by_operation(org: Org, hook: Hook) -> None:
    org.add("Accounts", {"Account_Name": "Old", "JDE_Number": "1"})
    enable(org, channel(hook[0]))
    rows = [{"Account_Name": f"A{number}", "JDE_Number": str(number)} for number in (1, 2, 3)]
    org.ok("POST", "/crm/v8/Accounts/upsert", {"data": rows, "duplicate_check_fields": ["JDE_Number"]})
    told = {body["operation"]: body for body in heard(org, hook, 2)}
    assert {name: len(body["ids"]) for name, body in told.items()} == {"insert": 2, "update": 1}
    assert told["insert"]["affected_fields"] == []
    assert "affected_values" not in told["update"]


def test_deletions_and_the_web_applications_changes_are_told(org: Org, hook: Hook) -> None:
    enable(org, channel(hook[0], events=["Accounts.delete", "Contacts.create"]))
    (record,) = org.add("Accounts", {"Account_Name": "A"})
    org.ok("DELETE", f"/crm/v8/Accounts/{record}")
    made = org.control.call("POST", "/records/Contacts", {"Last_Name": "Ruiz"})
    told = heard(org, hook, 2)
    assert [(body["module"], body["operation"], body["ids"]) for body in told] == [
        ("Accounts", "delete", [record]),
        ("Contacts", "insert", [made["id"]]),
    ]


def test_rows_of_bulk_jobs_are_told(org: Org, hook: Hook) -> None:
    enable(org, channel(hook[0]))
    org.result(org.write("Account_Name\nA\nB\n"))
    assert len(heard(org, hook)[0]["ids"]) == 2


@pytest.mark.parametrize(("operator", "expected"), [("or", 2), ("and", 1)])
def test_conditions_choose_by_changed_fields(org: Org, hook: Hook, operator: str, expected: int) -> None:
    (record,) = org.add("Accounts", {"Account_Name": "A"})
    group = [{"api_name": "Phone"}, {"api_name": "Fax"}]
    condition = {
        "type": "field_selection",
        "module": {"api_name": "Accounts"},
        "field_selection": {"group_operator": operator, "group": group},
    }
    enable(org, channel(hook[0], notification_condition=[condition]))
    for values in ({"Account_Name": "B"}, {"Phone": "1"}, {"Phone": "2", "Fax": "2"}):
        org.ok("PUT", f"/crm/v8/Accounts/{record}", {"data": [values]})
    assert len(heard(org, hook, expected)) == expected


def test_nothing_is_told_after_the_end(org: Org, hook: Hook) -> None:
    enable(org, channel(hook[0]))
    org.control.set_clock(offset_seconds=3601)
    org.control.call("POST", "/records/Accounts", {"Account_Name": "A"})
    org.control.set_clock()
    org.control.call("POST", "/records/Accounts", {"Account_Name": "B"})
    assert len(heard(org, hook)) == 1


def test_refused_records_are_not_told(org: Org, hook: Hook) -> None:
    enable(org, channel(hook[0]))
    org.refused("POST", "/crm/v8/Accounts", {"data": [{"Phone": "1"}]})
    org.add("Accounts", {"Account_Name": "A"})
    assert len(heard(org, hook)[0]["ids"]) == 1


def test_calls_may_come_twice_or_not_at_all(org: Org, hook: Hook) -> None:
    enable(org, channel(hook[0]))
    org.control.switch(notifications="lost")
    org.add("Accounts", {"Account_Name": "A"})
    org.control.switch(notifications="twice")
    (record,) = org.add("Accounts", {"Account_Name": "B"})
    assert [body["ids"] for body in heard(org, hook, 2)] == [[record], [record]]


def test_a_receiver_that_is_down_holds_up_nobody(org: Org, hook: Hook) -> None:
    enable(org, channel("http://127.0.0.1:9/none"), channel(hook[0], channel_id="7"))
    org.add("Accounts", {"Account_Name": "A"})
    assert heard(org, hook)[0]["channel_id"] == "7"
