"""COQL: what the language is, what it finds, and what it costs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.zoho.coql.parser import parse
from service_emulators.zoho.coql.syntax import Criterion, Pair, Value
from service_emulators.zoho.errors import ApiError
from service_emulators.zoho.scopes import ALL_SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Org


def query(org: Org, text: str, status: int = 200) -> Any:
    response = org.call("POST", "/crm/v8/coql", {"select_query": text})
    assert response.status_code == status, (response.status_code, response.text)
    return response.json() if response.content else None


def names(org: Org, where: str, order: str = "id asc") -> list[str]:
    """Returns the names of the accounts that meet a condition."""
    text = f"select Account_Name from Accounts where {where} order by {order}"
    response = org.call("POST", "/crm/v8/coql", {"select_query": text})
    assert response.status_code in {200, 204}, response.text
    return [row["Account_Name"] for row in response.json()["data"]] if response.content else []


@pytest.fixture
def accounts(org: Org) -> Org:
    org.add(
        "Accounts",
        {
            "Account_Name": "Ärger AG",
            "JDE_Number": "A1",
            "Employees": 5,
            "Billing_City": "Köln",
            "Industry": "Service Provider",
        },
        {"Account_Name": "O'Neil", "JDE_Number": "2", "Employees": 50, "Phone": "1"},
        {"Account_Name": "50% off_x", "JDE_Number": "3", "Annual_Revenue": 2.5},
    )
    return org


def refusal(text: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(text)
    return caught.value


# --- the language ---


def test_a_query_is_read_with_keywords_in_any_case() -> None:
    found = parse(
        "SELECT id, Account_Name.id FROM Contacts WHERE id IS NOT NULL ORDER BY Modified_Time DESC, id LIMIT 7 OFFSET 9"
    )
    assert found.columns == ("id", "Account_Name.id")
    assert (found.module, found.limit, found.offset) == ("Contacts", 7, 9)
    assert found.where == Criterion("id", "is not null", ())
    assert found.order == (("Modified_Time", True), ("id", False))


def test_limit_and_offset_have_defaults() -> None:
    found = parse("select id from Accounts where id is not null")
    assert (found.limit, found.offset, found.order) == (200, 0, ())


@given(st.text(alphabet=st.characters(exclude_characters="\x00"), max_size=30), st.sampled_from("'\""))
def test_any_text_can_be_written_with_its_quotes_doubled(text: str, quote: str) -> None:
    written = quote + text.replace(quote, quote * 2) + quote
    where = parse(f"select id from Accounts where Phone = {written}").where
    assert where == Criterion("Phone", "=", (Value(text, quoted=True),))


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    for query_text in (text, f"select id from Accounts where {text}"):
        with contextlib.suppress(ApiError):
            parse(query_text)


def test_brackets_without_end_are_a_syntax_error() -> None:
    assert refusal("select id from Accounts where " + "(" * 10_000).body["code"] == "SYNTAX_ERROR"


def test_brackets_and_operators_make_a_tree() -> None:
    where = parse("select id from A where ((a in (1, '2') and b between 1 and 2) or c not like '%x')").where
    assert where == Pair(
        "or",
        Pair(
            "and",
            Criterion("a", "in", (Value("1", quoted=False), Value("2", quoted=True))),
            Criterion("b", "between", (Value("1", quoted=False), Value("2", quoted=False))),
        ),
        Criterion("c", "not like", (Value("%x", quoted=True),)),
    )


def test_three_criteria_need_brackets() -> None:
    text = "select id from A where a = 1 and b = 2 and c = 3"
    assert refusal(text).body["code"] == "SYNTAX_ERROR"
    assert refusal(text).body["details"] == {"line": 1, "column": 40, "near": "and"}
    assert parse("select id from A where (a = 1 and b = 2) and c = 3").where


@pytest.mark.parametrize(
    ("text", "clause"),
    [("select id from Accounts", "where"), ("select id", "from"), ("update Accounts set x = 1", "select")],
)
def test_a_missing_clause_is_named(text: str, clause: str) -> None:
    body = refusal(text).body
    assert (body["code"], body["message"], body["details"]) == ("SYNTAX_ERROR", "missing clause", {"clause": clause})


@pytest.mark.parametrize(
    "text",
    [
        "select * from Accounts where id is not null",
        "select External from Accounts where id is not null",
        "select id from Accounts where Phone = 'x",
        "select id from Accounts where Phone = x",
        "select id from Accounts where Phone == '1'",
        "select id from Accounts where id is not null limit -1",
        "select id from Accounts where id is not null limit 'x'",
        "select id from Accounts where id is not null; drop table Accounts",
        "select count(id) from Accounts where id is not null",
        "select id as x from Accounts where id is not null",
        "select id from Accounts where id in ()",
    ],
)
def test_other_texts_are_syntax_errors(text: str) -> None:
    assert refusal(text).body["code"] == "SYNTAX_ERROR"


def test_a_reserved_word_is_a_column_in_quotes() -> None:
    assert parse("select 'External' from Accounts where id is not null").columns == ("External",)


def group(count: int) -> str:
    node = "id is not null"
    for _ in range(count - 1):
        node = f"({node} or id is not null)"
    return node


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (f"id in ({','.join(['1'] * 50)})", f"id in ({','.join(['1'] * 51)})"),
        (group(25), group(26)),
        ("id is not null limit 2000", "id is not null limit 2001"),
        ("id is not null limit 2000 offset 98000", "id is not null limit 2000 offset 98001"),
        (
            f"id is not null order by {','.join(f'c{n}' for n in range(10))}",
            f"id is not null order by {','.join(f'c{n}' for n in range(11))}",
        ),
    ],
)
def test_limits_of_the_language(good: str, bad: str) -> None:
    assert parse(f"select id from Accounts where {good}")
    assert refusal(f"select id from Accounts where {bad}").body["code"] == "LIMIT_EXCEEDED"


def test_at_most_fifty_columns() -> None:
    columns = [f"c{number}" for number in range(51)]
    assert parse(f"select {','.join(columns[:50])} from A where id is not null")
    body = refusal(f"select {','.join(columns)} from A where id is not null").body
    assert (body["code"], body["details"]) == ("LIMIT_EXCEEDED", {"limit": 50})


def test_a_column_twice_is_refused() -> None:
    assert refusal("select id, id from A where id is not null").body["code"] == "DUPLICATE_DATA"
    assert refusal("select id from A where id is not null order by id, id").body["code"] == "DUPLICATE_DATA"


# --- what it finds ---


def test_rows_come_with_id_and_info(accounts: Org) -> None:
    answer = query(accounts, "select Account_Name, Employees from Accounts where JDE_Number = '2'")
    (row,) = answer["data"]
    assert row == {"Account_Name": "O'Neil", "Employees": 50, "id": row["id"]}
    assert answer["info"] == {"count": 1, "more_records": False}


def test_no_rows_is_204_without_a_body(accounts: Org) -> None:
    assert query(accounts, "select id from Accounts where JDE_Number = 'none'", 204) is None


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("JDE_Number = 'a1'", ["Ärger AG"]),
        ("Billing_City = 'KÖLN'", ["Ärger AG"]),
        ("Account_Name = 'ÄRGER ag'", ["Ärger AG"]),
        ("Account_Name = 'O''Neil'", ["O'Neil"]),
        ('Account_Name = "O\'Neil"', ["O'Neil"]),
        ("JDE_Number != '2'", ["Ärger AG", "50% off_x"]),
        ("JDE_Number in ('a1', '3')", ["Ärger AG", "50% off_x"]),
        ("JDE_Number not in ('A1', '3')", ["O'Neil"]),
        ("Account_Name like 'ärger%'", ["Ärger AG"]),
        ("Account_Name like '%AG'", ["Ärger AG"]),
        ("Account_Name like '%NEIL%'", ["O'Neil"]),
        ("Account_Name like '%f_x%'", ["50% off_x"]),
        ("Account_Name like '%o_f%'", []),
        ("Account_Name not like '%e%'", ["50% off_x"]),
        ("Employees > 5", ["O'Neil"]),
        ("Employees >= 5", ["Ärger AG", "O'Neil"]),
        ("Employees < 50", ["Ärger AG"]),
        ("Employees <= '50'", ["Ärger AG", "O'Neil"]),
        ("Employees between 1 and 10", ["Ärger AG"]),
        ("Employees not between 1 and 10", ["O'Neil"]),
        ("Annual_Revenue = 2.5", ["50% off_x"]),
        ("Employees is null", ["50% off_x"]),
        ("Phone is not null", ["O'Neil"]),
        ("(Employees is null or Phone = '1') and JDE_Number = '3'", ["50% off_x"]),
        ("Employees is null or (Phone = '1' and JDE_Number = '3')", ["50% off_x"]),
        ("Locked__s = 'false'", ["Ärger AG", "O'Neil", "50% off_x"]),
        ("Locked__s = true", []),
        ("Modified_Time > '2020-01-01T00:00:00+00:00'", ["Ärger AG", "O'Neil", "50% off_x"]),
        ("Modified_Time < '2020-01-01T00:00:00Z'", []),
        ("Industry = 'Service Provider'", ["Ärger AG"]),
    ],
)
def test_operators(accounts: Org, where: str, found: list[str]) -> None:
    assert names(accounts, where) == found


def test_times_are_compared_as_moments_and_shown_in_the_orgs_zone(org: Org) -> None:
    org.control.set_clock(now="2026-03-01T08:15:00")
    org.add("Accounts", {"Account_Name": "A"})
    assert names(org, "Modified_Time = '2026-03-01T10:15:00+02:00'") == ["A"]
    assert names(org, "Modified_Time > '2026-03-01T08:15:00+00:00'") == []
    (row,) = query(org, "select Modified_Time from Accounts where id is not null")["data"]
    assert row["Modified_Time"] == "2026-03-01T09:15:00+01:00"


def test_lookups_lead_to_other_modules(accounts: Org) -> None:
    account = next(row["id"] for row in accounts.records("Accounts") if row["JDE_Number"] == "A1")
    accounts.add("Contacts", {"Last_Name": "Ruiz", "Account_Name": {"id": account}}, {"Last_Name": "Alone"})
    columns = "Last_Name, Account_Name, Account_Name.id, Account_Name.JDE_Number, Account_Name.Owner.email"
    text = f"select {columns} from Contacts where {{}}"
    (row,) = query(accounts, text.format("Account_Name.JDE_Number = 'A1'"))["data"]
    assert row["Account_Name"] == {"id": account}
    assert (row["Account_Name.id"], row["Account_Name.JDE_Number"]) == (account, "A1")
    assert "@" in row["Account_Name.Owner.email"]
    (row,) = query(accounts, text.format("Account_Name is null"))["data"]
    assert (row["Last_Name"], row["Account_Name"], row["Account_Name.JDE_Number"]) == ("Alone", None, None)
    assert query(accounts, text.format(f"Account_Name.id = '{account}'"))["info"]["count"] == 1


def test_pages_by_limit_and_offset_and_by_key(org: Org) -> None:
    ids = org.add("Accounts", *({"Account_Name": f"A{number}", "Phone": "1"} for number in range(7)))
    pages = [query(org, f"select id from Accounts where Phone = '1' limit 3 offset {offset}") for offset in (0, 3, 6)]
    assert [row["id"] for page in pages for row in page["data"]] == ids
    assert [page["info"] for page in pages] == [
        {"count": 3, "more_records": True},
        {"count": 3, "more_records": True},
        {"count": 1, "more_records": False},
    ]
    rest = query(org, f"select id from Accounts where id > '{ids[3]}' order by id asc limit 2")
    assert [row["id"] for row in rest["data"]] == ids[4:6]


def test_order_may_be_descending_and_is_settled_by_id(org: Org) -> None:
    org.add(
        "Accounts", *({"Account_Name": name, "Phone": phone} for name, phone in (("a", "2"), ("b", "1"), ("c", "2")))
    )
    assert names(org, "id is not null", "Phone desc") == ["a", "c", "b"]


def test_deleted_records_are_not_found(accounts: Org) -> None:
    (row,) = query(accounts, "select id from Accounts where JDE_Number = '2'")["data"]
    accounts.ok("DELETE", f"/crm/v8/Accounts/{row['id']}")
    assert names(accounts, "JDE_Number = '2'") == []


@pytest.mark.parametrize(
    "where",
    [
        "Nothing = '1'",
        "Account_Name.Account_Name = '1'",
        "Parent_Account.Parent_Account.Parent_Account.Account_Name = '1'",
        "Description = 'x'",
        "Employees = 'many'",
        "Employees like '5%'",
        "Modified_Time > '2026-03-01'",
        "Modified_Time > '2026-03-01T00:00:00'",
        "Locked__s > 'false'",
        "Locked__s = 'perhaps'",
        "Parent_Account = 'x'",
        "Account_Name > 'a'",
        "Account_Name like '%a%b%'",
        "Record_Image is not null",
    ],
)
def test_what_does_not_fit_its_column_is_an_invalid_query(accounts: Org, where: str) -> None:
    body = query(accounts, f"select id from Accounts where {where}", 400)
    assert body["code"] == "INVALID_QUERY"
    assert body["details"]["column_name"] == where.partition(" ")[0]


def test_unknown_columns_and_modules(accounts: Org) -> None:
    body = query(accounts, "select Nothing from Accounts where id is not null", 400)
    assert (body["code"], body["details"]) == ("INVALID_QUERY", {"column_name": "Nothing"})
    body = query(accounts, "select id from Nowhere where id is not null", 400)
    assert (body["code"], body["details"]) == ("INVALID_QUERY", {"module": "Nowhere"})
    body = query(accounts, "select id from Accounts where id is not null order by Description", 400)
    assert (body["code"], body["details"]["clause"]) == ("INVALID_QUERY", "order by")


def test_the_body_must_hold_a_query(org: Org) -> None:
    assert org.refused("POST", "/crm/v8/coql", {})["code"] == "MANDATORY_NOT_FOUND"
    assert org.refused("POST", "/crm/v8/coql", {"select_query": 1})["code"] == "INVALID_DATA"
    assert org.refused("POST", "/crm/v8/coql", {"select_query": "x", "more": 1})["code"] == "INVALID_DATA"


# --- what it takes ---


@pytest.mark.parametrize(("limit", "cost"), [(1, 1), (200, 1), (201, 2), (1000, 2), (1001, 3), (2000, 3)])
def test_credits_go_by_the_limit(org: Org, limit: int, cost: int) -> None:
    query(org, f"select id from Accounts where id is not null limit {limit}", 204)
    assert org.control.counters()["cost"] == cost


def test_two_scopes_are_needed(org_with: Callable[..., Org]) -> None:
    scopes = [scope for scope in ALL_SCOPES if "modules" not in scope] + ["ZohoCRM.modules.Accounts.READ"]
    org = org_with(scopes=scopes)
    query(org, "select id from Accounts where id is not null", 204)
    body = query(org, "select id from Contacts where id is not null", 401)
    assert body["code"] == "OAUTH_SCOPE_MISMATCH"
