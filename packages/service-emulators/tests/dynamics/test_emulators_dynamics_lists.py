"""Lists of the emulated Dataverse: query options, pages, change tracking (fact sheet sections 14 and 15)."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_emulators.dynamics.errors import ApiError
from service_emulators.dynamics.queries.filters import condition
from service_emulators.dynamics.queries.paging import Cookie

ALL = 'odata.include-annotations="*"'


@pytest.fixture
def numbers(crm):
    """Five accounts of this test alone: their mark, and their ids in the order of their numbers."""
    mark = f"L{crm.number()}"
    ids = [
        crm.add("accounts", name=f"{mark} {number}", accountnumber=str(number), creditlimit=number * 100.5)
        for number in range(5)
    ]
    return mark, ids


def found(crm, query, **headers):
    return [row["name"] for row in crm.ok("GET", f"accounts?{query}", **headers)["value"]]


def names(mark, *numbers):
    return [f"{mark} {number}" for number in numbers]


def where(text):
    return f"$select=name&$orderby=name&$filter={quote(text)}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("creditlimit gt 200", (2, 3, 4)),
        ("creditlimit ge 201 and creditlimit lt 400", (2, 3)),
        ("accountnumber eq '1' or accountnumber eq '3'", (1, 3)),
        ("not (accountnumber eq '1')", (0, 2, 3, 4)),
        ("accountnumber ne '1' and (creditlimit le 0 or creditlimit gt 400)", (0, 4)),
        ("endswith(name,' 4')", (4,)),
        ("contains(accountnumber,'2')", (2,)),
        ("telephone1 eq null and accountnumber eq '2'", (2,)),
        ("telephone1 ne 'x' and accountnumber eq '2'", (2,)),
        ("creditonhold eq false and accountnumber eq '2'", (2,)),
        ("statecode eq 0 and accountnumber eq '0'", (0,)),
        ("Microsoft.Dynamics.CRM.In(PropertyName='accountnumber',PropertyValues=['1','4'])", (1, 4)),
        ("Microsoft.Dynamics.CRM.In(PropertyName='statecode',PropertyValues=[\"0\"])", (0, 1, 2, 3, 4)),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='accountnumber',PropertyValues=['1','4'])", (0, 2, 3)),
        ("modifiedon ge 2020-01-01T00:00:00Z and modifiedon gt 2020-01-01", (0, 1, 2, 3, 4)),
        ("transactioncurrencyid/isocurrencycode eq 'EUR' and accountnumber eq '3'", (3,)),
    ],
)
def test_filters(crm, numbers, text, wanted):
    mark, _ = numbers
    assert found(crm, where(f"startswith(name,'{mark} ') and ({text})")) == names(mark, *wanted)


def test_a_filter_tells_no_case_apart_and_doubles_quotes(crm):
    crm.add("accounts", name="O'Brien 100% _x")
    assert found(crm, where("name eq 'o''BRIEN 100% _X'")) == ["O'Brien 100% _x"]
    assert found(crm, where("contains(name,'0% _')")) == ["O'Brien 100% _x"]
    assert found(crm, where("contains(name,'_Brien')")) == []


def test_rows_by_id_and_by_parameter(crm, numbers):
    mark, ids = numbers
    assert found(crm, where(f"accountid eq {ids[2]}")) == names(mark, 2)
    listed = ",".join(f"'{one}'" for one in ids[:2])
    within = f"Microsoft.Dynamics.CRM.In(PropertyName='accountid',PropertyValues=[{listed}])"
    assert found(crm, where(within)) == names(mark, 0, 1)
    query = (
        "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq @m and primaryobjecttypecode eq @t"
    )
    assert len(crm.ok("GET", f"{query}&@m='CreateMultiple'&@t='account'")["value"]) == 1
    assert crm.ok("GET", f"{query}&@m='Nothing'&@t='account'")["value"] == []


@pytest.mark.parametrize(
    "query",
    [
        "$filter=nome eq 'x'",
        "$filter=name eq 5",
        "$filter=creditlimit eq 'x'",
        "$filter=name eq",
        "$filter=name like 'x'",
        "$filter=(name eq 'x'",
        "$filter=foo(name,'x')",
        "$filter=accountid eq 'abc'",
        "$filter=name eq 'x' banana",
        "$filter=name eq @x",
        "$select=nome",
        "$orderby=nome",
        "$orderby=name sideways",
        "$top=0",
        "$count=yes",
        "$skip=5",
        "$apply=aggregate(name)",
        "$banana=1",
        "$expand=nothing",
        "$skiptoken=abc",
    ],
)
def test_what_is_no_query_is_refused(crm, query):
    crm.add("accounts", name="There is one")
    status, code, _ = crm.refused("GET", f"accounts?{query}")
    assert (status, code) == (400, "0x80060888")


def test_skip_says_that_it_is_not_supported(crm):
    assert crm.refused("GET", "accounts?$skip=5")[2] == "The query parameter $skip is not supported."


def test_pages_go_on_where_the_last_one_ended_though_rows_come_and_go(crm, numbers):
    mark, ids = numbers
    query = f"accounts?{where(f'startswith(name,{chr(39)}{mark} {chr(39)})')}"
    first = crm.ok("GET", query, Prefer="odata.maxpagesize=2")
    assert [row["name"] for row in first["value"]] == names(mark, 0, 1)
    crm.call("DELETE", f"accounts({ids[0]})")
    link = first["@odata.nextLink"]
    assert "$skiptoken=%3Ccookie%20pagenumber=" in link.replace("%3D", "=")
    second = crm.session.get(link, headers={"Prefer": "odata.maxpagesize=2"}, timeout=10).json()
    assert [row["name"] for row in second["value"]] == names(mark, 2, 3)
    third = crm.session.get(second["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"}, timeout=10).json()
    assert [row["name"] for row in third["value"]] == names(mark, 4)
    assert "@odata.nextLink" not in third


def test_pages_in_descending_order_with_empty_values(crm, numbers):
    mark, ids = numbers
    for row_id in ids[:2]:
        crm.call("PATCH", f"accounts({row_id})", {"accountnumber": None})
    mine = quote(f"startswith(name,'{mark} ')")
    for direction in ("asc", "desc"):
        link = f"{crm.root}accounts?$select=name,accountnumber&$orderby=accountnumber {direction}&$filter={mine}"
        seen = []
        while link:
            page = crm.session.get(link, headers={"Prefer": "odata.maxpagesize=1"}, timeout=10).json()
            seen += [row["accountnumber"] for row in page["value"]]
            link = page.get("@odata.nextLink")
        given = [None, None, "2", "3", "4"]
        assert seen == (given if direction == "asc" else given[::-1])


def test_top_counts_and_expanded_rows(crm, numbers):
    mark, ids = numbers
    mine = quote(f"startswith(name,'{mark} ')")
    answer = crm.ok("GET", f"accounts?$select=name&$orderby=name desc&$top=2&$count=true&$filter={mine}")
    assert [row["name"] for row in answer["value"]] == names(mark, 4, 3)
    assert answer["@odata.count"] == 5
    assert "@odata.nextLink" not in answer
    assert crm.call("GET", f"accounts/$count?$filter={mine}").text == "5"
    contact = crm.add(
        "contacts", lastname="Expanded", **{"parentcustomerid_account@odata.bind": f"/accounts({ids[1]})"}
    )
    row = crm.ok("GET", f"contacts?$filter=contactid eq {contact}&$expand=parentcustomerid_account($select=name)")[
        "value"
    ][0]
    assert row["parentcustomerid_account"]["name"] == f"{mark} 1"
    assert row["_parentcustomerid_value"] == ids[1]


def test_annotations_tell_labels_and_tables(crm, numbers):
    _, ids = numbers
    crm.call("PATCH", f"accounts({ids[0]})", {"paymenttermscode": 1})
    row = crm.ok("GET", f"accounts?$filter=accountid eq {ids[0]}", Prefer=ALL)["value"][0]
    assert row["paymenttermscode@OData.Community.Display.V1.FormattedValue"] == "Net 30"
    assert row["_transactioncurrencyid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "transactioncurrency"


def test_reading_takes_a_privilege(crm):
    crm.control.set_user(missing=["prvReadAccount"])
    status, code, text = crm.refused("GET", "accounts")
    assert (status, code) == (403, "0x80040220")
    assert "prvReadAccount" in text


# -- change tracking ---------------------------------------------------------------------------------------------


def changes(crm, link=None, size=2):
    """Returns all items of a list of changes and its deltaLink."""
    link = link or f"{crm.root}accounts?$select=name"
    items = []
    while True:
        headers = {"Prefer": f"odata.track-changes,odata.maxpagesize={size}"}
        page = crm.session.get(link, headers=headers, timeout=10).json()
        items += page["value"]
        if "@odata.deltaLink" in page:
            return items, page["@odata.deltaLink"]
        link = page["@odata.nextLink"]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_changes_come_once_rows_first_and_deletions_last(crm, numbers, size):
    mark, ids = numbers
    before, link = changes(crm, size=1000)
    assert set(names(mark, 0, 1, 2, 3, 4)) <= {row["name"] for row in before}
    assert changes(crm, link, size)[0] == []
    crm.call("DELETE", f"accounts({ids[0]})")
    crm.call("PATCH", f"accounts({ids[3]})", {"name": f"{mark} 3!"})
    born = crm.add("accounts", name=f"{mark} born")
    gone = crm.add("accounts", name=f"{mark} gone")
    crm.call("DELETE", f"accounts({gone})")
    items, after = changes(crm, link, size)
    assert [item.get("name") for item in items[:2]] == [f"{mark} 3!", f"{mark} born"]
    assert [(item["id"], item["reason"]) for item in items[2:]] == [(ids[0], "deleted"), (gone, "deleted")]
    assert all(item["@odata.context"].endswith("/$deletedEntity") for item in items[2:])
    assert items[1]["accountid"] == born
    assert changes(crm, after, size)[0] == []
    token = link.rpartition("$deltatoken=")[2]
    assert crm.call("GET", f"accounts/$count?$deltatoken={token}").text == "4"


def test_a_token_that_is_too_old_is_refused(crm):
    _, link = changes(crm, size=5000)
    crm.control.set_clock(offset_seconds=8 * 86_400, running=True)
    crm.sign_in()
    answer = crm.session.get(link, timeout=10)
    assert answer.status_code >= 400
    assert "expired" in answer.json()["error"]["message"]


@pytest.mark.parametrize("option", ["$filter=name eq 'x'", "$orderby=name", "$top=1"])
def test_options_that_do_not_go_with_change_tracking_are_named(crm, option):
    status, _, text = crm.refused("GET", f"accounts?{option}", Prefer="odata.track-changes")
    assert status == 400
    assert option.partition("=")[0] in text


def test_a_table_without_change_tracking_says_so(crm):
    assert "change tracking" in crm.refused("GET", "sdkmessages", Prefer="odata.track-changes")[2]


# -- parsing -----------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.text(st.sampled_from("()=,'\"[]@ andornteq$accountidname01-:TZ/"), max_size=60))
def test_any_text_is_a_filter_or_refused(shared_environment, text):
    tables = shared_environment.emulator.parts.catalog.tables()
    with contextlib.suppress(ApiError):  # nothing but this may come
        condition(text, tables["account"], tables)


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=20), st.integers(), st.booleans()), max_size=4), st.integers(1, 9)
)
def test_a_cookie_is_read_as_it_was_written(values, page):
    cookie = Cookie(page, values, tracking=bool(page % 2), upper=page)
    assert Cookie.read(cookie.token()) == cookie
