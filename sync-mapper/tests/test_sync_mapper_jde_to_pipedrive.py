"""The shipped mapping from JD Edwards to Pipedrive, on documents as the tap composes them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

MAPPING = Path(__file__).resolve().parents[2] / "mappings" / "jde-to-pipedrive.yml"

TEXT = {"type": ["string", "null"]}
ANY = {"type": ["array", "null"]}
SCHEMAS = [
    {
        "type": "SCHEMA",
        "stream": "customers",
        "schema": {
            "properties": {
                "address_number": {"type": "integer"},
                "name": TEXT,
                "payment_terms": TEXT,
                "tax_id": TEXT,
                "credit_limit": {"type": ["number", "null"]},
            }
        },
        "key_properties": ["address_number"],
    },
    {
        "type": "SCHEMA",
        "stream": "contacts",
        "schema": {
            "properties": {
                "address_number": {"type": "integer"},
                "contact_line": {"type": "integer"},
                "name": TEXT,
                "phones": ANY,
                "emails": ANY,
            }
        },
        "key_properties": ["address_number", "contact_line"],
    },
    {"type": "SCHEMA", "stream": "F0101", "schema": {"properties": {"AN8": {}}}, "key_properties": ["AN8"]},
]
CUSTOMER = {
    "address_number": 1001,
    "name": "Łódź Packaging & O'Hara",
    "tax_id": "DE123",
    "subledger_inactive": None,
    "category_codes": {"AC01": "GLD", "AC02": "X"},
    "credit_limit": 12500,
    "payment_terms": "N30",
    "hold_code": None,
    "customer_status": "0",
    "customer_price_group": "RETAIL",
    "address": {
        "lines": ["Hauptstr. 1", "Tor 3"],
        "city": "Köln",
        "state": None,
        "postal_code": "50667",
        "county": None,
        "country": "DE",
        "effective_date": "2020-01-01",
    },
    "phones": [
        {"type": "FAX", "area": "0221", "number": "99", "line": 1},
        {"type": "BUS", "area": "0221", "number": "55-1", "line": 2},
        {"type": None, "area": None, "number": "55-2", "line": 3},
    ],
    "emails": [{"address": "a@x.example", "type": "E", "line": 1}, {"address": "b@x.example", "type": None, "line": 2}],
}
CONTACT = {
    "address_number": 1001,
    "contact_line": 3,
    "name": "Zoë Müller",
    "title": "CFO",
    "contact_type": "B",
    "is_customer": True,
    "phones": [
        {"type": "CAR", "area": None, "number": "0171 5", "line": 2},
        {"type": None, "area": "0221", "number": "55", "line": 4},
        {"type": "HOM", "area": "", "number": "7", "line": 5},
        {"type": "FAX", "area": "1", "number": "8", "line": 6},
    ],
    "emails": [{"address": "z@x.example", "type": "E", "line": 1}, {"address": "m@x.example", "type": "E", "line": 9}],
}


for _schema, _row in zip(SCHEMAS, (CUSTOMER, CONTACT), strict=False):
    _schema["schema"]["properties"] = {**{key: {} for key in _row}, **_schema["schema"]["properties"]}


@pytest.fixture
def mapped(mapper):
    def run(stream: str, **changed: t.Any) -> dict[str, t.Any] | None:
        row = {"customers": CUSTOMER, "contacts": CONTACT}[stream] | changed
        result = mapper.run([*SCHEMAS, {"type": "RECORD", "stream": stream, "record": row}], mapping_file=str(MAPPING))
        assert result.code == 0, result.log
        assert result.streams == ["organizations", "persons"], result.messages
        rows = [message["record"] for message in result.of("RECORD")]
        return rows[0] if rows else None

    return run


def test_a_customer_is_an_organization(mapped):
    assert mapped("customers") == {
        "external_id": "1001",
        "name": "Łódź Packaging & O'Hara",
        "address": {"value": "Hauptstr. 1, Tor 3, 50667 Köln, DE"},
        "JDE Status": "Active",
        "Credit Limit": 12500.0,
        "Payment Terms": "N30",
        "Tax ID": "DE123",
        "Customer Group": "GLD",
        "Phone": "0221 55-1",
        "E-mail": "a@x.example",
    }


def test_a_contact_is_a_person_of_its_organization(mapped):
    assert mapped("contacts") == {
        "external_id": "1001-3",
        "name": "Zoë Müller",
        "org_id": "1001",
        "emails": [
            {"value": "z@x.example", "primary": True, "label": "work"},
            {"value": "m@x.example", "primary": False, "label": "work"},
        ],
        "phones": [
            {"value": "0171 5", "primary": True, "label": "mobile"},
            {"value": "0221 55", "primary": False, "label": "work"},
            {"value": "7", "primary": False, "label": "home"},
            {"value": "1 8", "primary": False, "label": "other"},
        ],
        "Job Title": "CFO",
        "Contact Type": "B",
    }


def test_contacts_of_suppliers_stay_out(mapped):
    assert mapped("contacts", is_customer=False) is None


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "Active"),
        ({"hold_code": "C1"}, "On hold"),
        ({"hold_code": ""}, "Active"),
        ({"customer_status": "1"}, "Closed"),
        ({"customer_status": None}, "Active"),
        ({"customer_status": "1", "hold_code": "C1"}, "Closed"),
        ({"subledger_inactive": "Y"}, "Closed"),
        ({"subledger_inactive": "N"}, "Active"),
        ({"subledger_inactive": ""}, "Active"),
    ],
)
def test_closed_and_held_customers_are_flagged(mapped, changed, status):
    assert mapped("customers", **changed)["JDE Status"] == status


def test_every_property_that_can_be_null_may_be_null(mapped):
    keys = {"address_number", "contact_line", "is_customer"}
    customer = mapped("customers", **dict.fromkeys(CUSTOMER.keys() - keys))
    assert customer.pop("external_id") == "1001"
    assert customer.pop("JDE Status") == "Active"
    assert set(customer.values()) == {None}
    contact = mapped("contacts", **dict.fromkeys(CONTACT.keys() - keys))
    assert contact == {
        **dict.fromkeys(["name", "Job Title", "Contact Type"]),
        "external_id": "1001-3",
        "org_id": "1001",
        "emails": [],
        "phones": [],
    }


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ({"country": None}, "Hauptstr. 1, Tor 3, 50667 Köln"),
        ({"postal_code": None}, "Hauptstr. 1, Tor 3, Köln, DE"),
        ({"lines": []}, "50667 Köln, DE"),
        ({"city": None, "postal_code": None}, "Hauptstr. 1, Tor 3, DE"),
    ],
)
def test_blank_parts_of_an_address_are_left_out(mapped, changed, value):
    assert mapped("customers", address=CUSTOMER["address"] | changed)["address"] == {"value": value}


def test_an_address_without_lines_and_city_is_none(mapped):
    nothing = dict.fromkeys(CUSTOMER["address"]) | {"lines": [], "country": "DE"}
    assert mapped("customers", address=nothing)["address"] is None


def test_the_price_group_stands_in_for_a_missing_category(mapped):
    assert mapped("customers", category_codes={"AC02": "X"})["Customer Group"] == "RETAIL"


def test_every_property_of_the_mapping_has_a_comment():
    lines = MAPPING.read_text().splitlines()
    for node in yaml.compose(MAPPING.read_text()).value:
        for _, stream in node[1].value if node[0].value == "stream_maps" else []:
            for name, _ in getattr(stream, "value", []) if isinstance(stream, yaml.MappingNode) else []:
                line = name.start_mark.line
                assert "#" in lines[line] or lines[line - 1].lstrip().startswith("#"), lines[line]
