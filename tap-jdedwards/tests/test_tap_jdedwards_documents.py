from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_jdedwards.composed.document import Assembler
from tap_jdedwards.composed.loading import shipped_definitions
from tap_jdedwards.composed.making import current
from tap_jdedwards.composed.merging import OrderError, grouped, merged

TODAY = date(2026, 11, 20)
CUSTOMERS = shipped_definitions()["customers"]
CONTACTS = shipped_definitions()["contacts"]

tables_of_keys = st.lists(st.integers(0, 30), max_size=40).map(sorted)


def rows(keys):
    return [{"AN8": key, "n": number} for number, key in enumerate(keys)]


@given(tables_of_keys, tables_of_keys, tables_of_keys)
def test_a_merge_is_the_same_as_a_join_in_memory(root, left, right):
    tables = {"L": rows(left), "R": rows(right)}
    found = list(
        merged(grouped(rows(root), "AN8", "T"), {name: grouped(one, "AN8", name) for name, one in tables.items()})
    )
    assert [value for value, _, _ in found] == sorted(set(root))
    assert [row for _, group, _ in found for row in group] == rows(root)
    for value, _, others in found:
        for name, one in tables.items():
            assert others[name] == [row for row in one if row["AN8"] == value]


def test_rows_in_the_wrong_order_are_never_joined():
    with pytest.raises(OrderError, match="F0115: AN8 4 came after 9"):
        list(grouped(rows([1, 9, 4]), "AN8", "F0115"))


def customer(root=None, **others):
    group = {name: [] for name in CUSTOMERS.sources if name != "F0101"}
    group["F03012"] = [{"AN8": 7, "CO": "00000"}]
    group.update(others)
    assembler = Assembler(CUSTOMERS)
    return [assembler.build(bundle, TODAY) for bundle in assembler.bundles([{"AN8": 7, **(root or {})}], group)]


def test_a_customer_document():
    (document,) = customer(
        {"ALPH": "O'Hara & Søn   ", "MCU": "         M30", "SBLI": " ", "AC01": "ABC", "AC02": "   ", "TAX": "  "},
        F03012=[{"AN8": 7, "CO": "00000", "ACL": Decimal("2500.50"), "CUSTS": "", "UPMJ": "20261119", "UPMT": 93005}],
        F0115=[
            {
                "AN8": 7,
                "IDLN": 0,
                "RCK7": 1,
                "PHTP": "    ",
                "AR1": "030",
                "PH1": "123 ",
                "UPMJ": "20261120",
                "UPMT": 5,
            },
            {"AN8": 7, "IDLN": 0, "RCK7": 2, "PHTP": "FAX ", "AR1": "", "PH1": "   "},
        ],
        F01151=[
            {"AN8": 7, "RCK7": 1, "ETP": "E", "EMAL": "a@example.com  "},
            {"AN8": 7, "RCK7": 2, "ETP": "I", "EMAL": "https://example.com"},
            {"AN8": 7, "RCK7": 3, "ETP": " ", "EMAL": "b@example.com"},
            {"AN8": 7, "RCK7": 4, "ETP": "X", "EMAL": "other"},
        ],
        F0116=[{"AN8": 7, "EFTB": "20200101", "ADD1": "Way 1", "ADD2": "  ", "ADD3": "c/o", "CTY1": "Åby "}],
    )
    assert document["name"] == "O'Hara & Søn"
    assert document["business_unit"] == "         M30"
    assert document["subledger_inactive"] is None
    assert document["customer_status"] is None
    assert document["tax_id"] == ""
    assert document["credit_limit"] == Decimal("2500.50")
    assert document["category_codes"] == {"AC01": "ABC"}
    assert document["phones"] == [{"type": "", "area": "030", "number": "123", "line": 1}]
    assert [mail["address"] for mail in document["emails"]] == ["a@example.com", "b@example.com"]
    assert document["urls"] == [{"address": "https://example.com", "type": "I", "line": 2}]
    assert document["address"]["lines"] == ["Way 1", "c/o"]
    assert document["address"]["effective_date"] == "2020-01-01"
    assert (document["UPMJ"], document["UPMT"]) == ("2026-11-20", "00:00:05")
    assert document["mailing_name"] is None


def test_no_customer_without_credit_data():
    assert customer(F03012=[]) == []


def test_a_customer_without_anything_else():
    (document,) = customer()
    assert document["address"] is None
    assert document["phones"] == []
    assert document["UPMJ"] is None


@pytest.mark.parametrize(
    ("days", "chosen"),
    [
        (["20200101", "20261120", "20261121"], "20261120"),
        (["20261121", "20270101"], "20261121"),
        (["", "20261121"], ""),
        ([None, "20200101"], "20200101"),
    ],
)
def test_the_current_address(days, chosen):
    assert current(CUSTOMERS.sources["F0116"], [{"EFTB": day} for day in days], TODAY)["EFTB"] == chosen


def test_contacts_take_their_own_rows_and_those_of_their_company():
    assembler = Assembler(CONTACTS)
    group = {
        "F0101": [{"AN8": 7, "ALPH": "Acme", "UPMJ": "20261101"}],
        "F03012": [],
        "F0401": [{"AN8": 7, "UPMJ": "20261031"}],
        "F0115": [{"AN8": 7, "IDLN": 2, "RCK7": 1, "PH1": "1"}, {"AN8": 7, "IDLN": 3, "RCK7": 1, "PH1": "2"}],
        "F01151": [],
    }
    people = [{"AN8": 7, "IDLN": 3, "MLNM": "  ", "ALPH": "Fallback"}, {"AN8": 7, "IDLN": 2, "MLNM": "Ann"}]
    first, second = [assembler.build(bundle, TODAY) for bundle in assembler.bundles(people, group)]
    assert (first["contact_line"], first["name"], first["phones"][0]["number"]) == (2, "Ann", "1")
    assert (second["contact_line"], second["name"], second["phones"][0]["number"]) == (3, "Fallback", "2")
    assert first["company_name"] == "Acme"
    assert (first["is_customer"], first["is_vendor"]) == (False, True)
    assert first["UPMJ"] == "2026-11-01"


def test_only_selected_properties_are_made():
    assembler = Assembler(CONTACTS, {"name"})
    group = {name: [] for name in CONTACTS.sources if name != "F0111"}
    (bundle,) = assembler.bundles([{"AN8": 7, "IDLN": 2, "MLNM": "Ann"}], group)
    assert assembler.build(bundle, TODAY) == {"address_number": 7, "contact_line": 2, "name": "Ann"}
