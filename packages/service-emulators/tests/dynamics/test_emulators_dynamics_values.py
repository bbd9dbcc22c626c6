"""Values on the wire (fact sheet sections 3, 7 and 8), over HTTP and as pure functions."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.dynamics.definitions.conditions import condition
from service_emulators.dynamics.errors import ApiError
from service_emulators.dynamics.times import parse_date, parse_time, stored_time
from service_emulators.dynamics.urls import FORBIDDEN, parse, relative


@pytest.mark.parametrize(
    ("set_name", "values", "code"),
    [
        ("accounts", {"name": "x" * 161}, "0x80044331"),
        ("accounts", {"description": "x" * 2001}, "0x80044331"),
        ("accounts", {"name": 1}, "0x80048d19"),
        ("accounts", {"nothing": 1}, "0x80048d19"),
        ("accounts", {"jde_an8": "1"}, "0x80048d19"),
        ("accounts", {"numberofemployees": -1}, "0x8004432f"),
        ("accounts", {"numberofemployees": 1_000_000_001}, "0x8004432f"),
        ("accounts", {"numberofemployees": 1.5}, "0x80048d19"),
        ("accounts", {"numberofemployees": "1"}, "0x80048d19"),
        ("accounts", {"numberofemployees": True}, "0x80048d19"),
        ("accounts", {"creditlimit": -1}, "0x80044330"),
        ("accounts", {"creditlimit": 1e15}, "0x80044330"),
        ("accounts", {"creditlimit": "1"}, "0x80048d19"),
        ("accounts", {"creditonhold": "true"}, "0x80048d19"),
        ("accounts", {"creditonhold": 1}, "0x80048d19"),
        ("accounts", {"paymenttermscode": 99}, "0x8004431a"),
        ("accounts", {"paymenttermscode": "Net 30"}, "0x80048d19"),
        ("accounts", {"accountid": "x"}, "0x80048d19"),
        ("accounts", {"lastonholdtime": "2026-01-09"}, "0x80048d19"),
        ("accounts", {"lastonholdtime": "yesterday"}, "0x80048d19"),
        ("accounts", {"lastonholdtime": "1752-12-31T23:59:59Z"}, "0x80040239"),
        ("contacts", {"lastname": "x" * 51}, "0x80044331"),
        ("contacts", {"birthdate": "2026-01-09T00:00:00Z"}, "0x80048d19"),
        ("contacts", {"birthdate": "1752-12-31"}, "0x80040239"),
        ("contacts", {"preferredcontactmethodcode": 9}, "0x8004431a"),
    ],
)
def test_what_is_refused(crm, set_name, values, code):
    assert crm.refused("POST", set_name, {"name": "a", **values} if set_name == "accounts" else values)[:2] == (
        400,
        code,
    )


def test_the_text_of_a_length(crm):
    message = crm.refused("POST", "accounts", {"name": "x" * 161})[2]
    assert message == (
        "A validation error occurred.  The length of the 'name' attribute of the 'account' entity exceeded the maximum "
        "allowed length of '160'."
    )


@pytest.mark.parametrize(
    ("set_name", "name", "value", "stored"),
    [
        ("accounts", "name", "ä" * 160, "ä" * 160),
        ("accounts", "description", "", None),
        ("accounts", "creditlimit", 1234.567, 1234.57),
        ("accounts", "creditlimit", 100_000_000_000_000, 1e14),
        ("accounts", "numberofemployees", 0, 0),
        ("accounts", "creditonhold", True, True),
        ("accounts", "lastonholdtime", "2026-01-09T14:05:00+01:00", "2026-01-09T13:05:00Z"),
        ("accounts", "lastonholdtime", "2026-01-09T14:05:00", "2026-01-09T14:05:00Z"),
        ("accounts", "lastonholdtime", "2026-01-09T14:05:00.9876543Z", "2026-01-09T14:05:00Z"),
        ("contacts", "birthdate", "2026-01-09", "2026-01-09"),
    ],
)
def test_what_is_taken(crm, set_name, name, value, stored):
    row_id = crm.add(set_name, **{name: value})
    assert crm.row(set_name, row_id)[name] == stored


def test_application_required_is_not_enforced(crm):
    assert crm.row("accounts", crm.add("accounts"))["name"] is None


def test_text_is_found_whatever_its_case(crm):
    number = crm.number()
    crm.add("accounts", jde_number=f"{number}a")
    assert crm.refused("POST", "accounts", {"jde_number": f"{number}A"})[:2] == (412, "0x80060892")


@given(st.datetimes(min_value=dt.datetime(1753, 1, 1), timezones=st.just(dt.timezone.utc)))
def test_moments_come_back(moment):
    whole = moment.replace(microsecond=0)
    assert parse_time(moment.isoformat()) == stored_time(moment) == whole.isoformat().replace("+00:00", "Z")
    assert parse_time(parse_time(moment.isoformat())) == stored_time(moment)
    assert parse_date(stored_time(moment)) is None


@given(st.dates())
def test_dates_come_back(day):
    assert parse_date(day.isoformat()) == day.isoformat()
    assert parse_time(day.isoformat()) is None


@given(st.text())
def test_other_text_is_no_moment(text):
    found = parse_time(text)
    assert found is None or parse_time(found) == found


@given(st.text(st.characters(exclude_characters="".join(FORBIDDEN), codec="utf-8")), st.integers())
def test_key_values_survive_their_url(text, number):
    doubled = quote(text.replace("'", "''"), safe="")
    address = parse(f"accounts(a='{doubled}',b={number})")
    pairs = address.predicates[0].pairs()
    assert (pairs["a"].text, pairs["a"].quoted) == (text, True)
    assert (pairs["b"].text, pairs["b"].quoted) == (str(number), False)


@pytest.mark.parametrize("path", ["accounts(", "accounts)", "accounts(a='1')b", "accounts(a='1'", "accounts(a='1',)x"])
def test_brackets_must_fit(path):
    with pytest.raises(ApiError, match="query syntax"):
        parse(path)


@pytest.mark.parametrize("text", ["a", "a='1'b='2'", "a='1',a='2'", "a='1' '2'"])
def test_pairs_must_fit(text):
    with pytest.raises(ApiError, match="query syntax"):
        parse(f"accounts({text})").predicates[0].pairs()


@pytest.mark.parametrize(
    "url",
    ["accounts(1)", "/accounts(1)", "/api/data/v9.2/accounts(1)", "https://org.example/api/data/v9.2/accounts(1)"],
)
def test_urls_mean_the_same(url):
    assert relative(url) == "accounts(1)"


ITEM = {"LogicalName": "name", "Level": {"Value": "None"}, "Of": None, "Custom": False, "Max": 20}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("LogicalName eq 'name'", True),
        ("LogicalName ne 'name'", False),
        ("Of eq null and Custom eq false", True),
        ("Of ne null or Max gt 10", True),
        ("Max le 10", False),
        ("not (Custom eq true)", True),
        ("Level/Value eq Microsoft.Dynamics.CRM.AttributeRequiredLevel'None'", True),
        ("startswith(LogicalName,'na') and endswith(LogicalName,'me') and contains(LogicalName,'am')", True),
        ("Custom eq true or (Max lt 30 and Max ge 20)", True),
    ],
)
def test_filters_of_metadata(text, met):
    assert condition(text, set(ITEM))(ITEM) is met


@pytest.mark.parametrize(
    "text", ["Other eq 1", "Max", "Max eq", "Max is 1", "(Max eq 1", "Max eq 1 Max eq 2", "'x' eq Max", "¤"]
)
def test_filters_that_cannot_be_read(text):
    with pytest.raises(ApiError):
        condition(text, set(ITEM))
