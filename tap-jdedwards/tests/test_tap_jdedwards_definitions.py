from __future__ import annotations

import pytest
import yaml
from tap_jdedwards.composed.definition import Cell, DefinitionError
from tap_jdedwards.composed.loading import definitions, parse_definitions, shipped_definitions
from tap_jdedwards.composed.schema import document_schema
from tap_jdedwards.dictionary import load_dictionary

MINIMAL = {
    "root": "F0401",
    "key": {"address_number": "AN8"},
    "tables": {"F0401": {}, "F0101": {"join": ["AN8"]}},
    "properties": {"address_number": "F0401.AN8", "name": "F0101.ALPH"},
}


def parse(**changes):
    return parse_definitions(yaml.safe_dump({"vendors": {**MINIMAL, **changes}}), load_dictionary())["vendors"]


def test_a_user_can_add_a_stream_of_his_own(tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(yaml.safe_dump({"vendors": MINIMAL}))
    found = definitions(str(file))
    assert set(found) == set(shipped_definitions())
    assert set(found["vendors"].sources) == {"F0401", "F0101"}
    assert found["vendors"].properties["name"] == Cell("F0101", "ALPH")
    assert found["vendors"].sources["F0401"].required
    assert not found["vendors"].sources["F0101"].required


def test_the_documents_that_come_with_the_tap_have_the_promised_properties():
    customers = document_schema(shipped_definitions()["customers"])["properties"]
    assert list(customers) == [
        "address_number",
        "long_address_number",
        "name",
        "secondary_name",
        "mailing_name",
        "search_type",
        "tax_id",
        "individual_tax_id",
        "business_unit",
        "language",
        "industry",
        "credit_message",
        "subledger_inactive",
        "remark",
        "category_codes",
        "company",
        "credit_limit",
        "currency",
        "payment_terms",
        "payment_terms_text",
        "net_days",
        "hold_code",
        "customer_status",
        "temporary_credit_message",
        "credit_manager",
        "customer_price_group",
        "customer_category_codes",
        "address",
        "billing_address_type",
        "payor_number",
        "payor_address",
        "phones",
        "emails",
        "urls",
        "UPMJ",
        "UPMT",
    ]
    assert customers["address_number"]["type"] == ["integer"]
    assert customers["credit_limit"]["type"] == ["number", "null"]
    assert customers["UPMJ"]["format"] == "date"
    assert list(customers["address"]["properties"]) == (
        ["lines", "city", "state", "postal_code", "county", "country", "effective_date"]
    )
    assert list(customers["payor_address"]["properties"]) == list(customers["address"]["properties"])
    assert len(customers["category_codes"]["properties"]) == 30
    contacts = document_schema(shipped_definitions()["contacts"])["properties"]
    assert list(contacts) == [
        "address_number",
        "contact_line",
        "name",
        "mailing_name",
        "alpha_name",
        "given_name",
        "middle_name",
        "surname",
        "nickname",
        "title",
        "salutation",
        "type_code",
        "contact_type",
        "primary_contact",
        "remark",
        "company_name",
        "company_search_type",
        "is_customer",
        "is_vendor",
        "phones",
        "emails",
        "urls",
        "UPMJ",
        "UPMT",
    ]
    partners = document_schema(shipped_definitions()["business_partners"])["properties"]
    vendors = document_schema(shipped_definitions()["vendors"])["properties"]
    renamed = {"payment_terms", "payment_terms_text", "net_days", "currency"}  # customers have them as well
    assert set(customers) | {f"supplier_{name}" if name in renamed else name for name in vendors} == (
        set(partners) - {"is_customer", "is_vendor", "open_balance"}
    )
    assert contacts["is_customer"]["type"][0] == contacts["is_vendor"]["type"][0] == "boolean"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root": "F0111"}, "root F0111 is not among its tables"),
        ({"key": {"number": "AN8"}}, "key property number must be F0401.AN8"),
        ({"tables": {"F0401": {}, "F5501": {"join": ["AN8"]}}}, "table F5501 is not in the dictionary"),
        ({"tables": {"F0401": {}, "F0101": {}}}, "must `join` the first columns of the key"),
        ({"tables": {"F0401": {}, "F0101": {"on": ["AN8"]}}}, "unknown entries"),
        ({"tables": {"F0401": {}, "F0101": {"join": ["AN8"], "effective": "ALPH"}}}, "F0101.ALPH is no date"),
        (
            {"tables": {"F0401": {"where": {"AN8": {"like": "x"}}}}},
            "`where` of F0401: AN8 must be a value, a list or have one of eq",
        ),
        ({"properties": {"address_number": "F0401.AN8", "x": "F0116.CTY1"}}, "no TABLE.ALIAS of one of its tables"),
        ({"properties": {"address_number": "F0401.AN8", "x": {"avg": "F0101"}}}, "must be TABLE.ALIAS or have one of"),
        ({"properties": {"address_number": "F0401.AN8", "x": {"list": "F0115"}}}, "takes from F0115"),
        ({"properties": {"address_number": "F0401.AN8", "x": {"list": "F0101"}}}, "property x has no properties"),
        ({"properties": {"address_number": "F0401.AN8", "UPMJ": "F0101.UPMJ"}}, "is added to every document"),
        (
            {"tables": {"F0401": {}, "F0101": {"join": ["AN8"], "required": "all"}}},
            "`required` of F0101 must be true, false or any",
        ),
        ({"tables": {"F0401": {"required": "any"}, "F0101": {"join": ["AN8"]}}}, "cannot be `required: any`"),
        (
            {"tables": {"F0401": {}, "F0101": {"join": {"AN8": "F0401.SNTO"}, "required": "any"}}},
            "`required: any` of F0101 is not possible: its rows are looked up",
        ),
        ({"properties": ["address_number"]}, "properties must be a mapping"),
        ({"tables": None}, "tables must be a mapping"),
        ({"extra": 1}, "unknown entries: extra"),
    ],
)
def test_what_cannot_work_is_refused_naming_stream_and_place(changes, message):
    with pytest.raises(DefinitionError, match="composed stream vendors") as raised:
        parse(**changes)
    assert message in str(raised.value)


def test_the_first_key_column_must_be_a_number():
    tables = {"F0010": {}}
    with pytest.raises(DefinitionError, match="first key column CO must hold whole numbers"):
        parse(root="F0010", key={"company": "CO"}, tables=tables, properties={"company": "F0010.CO"})


def test_files_that_are_no_definitions(tmp_path):
    with pytest.raises(DefinitionError, match="cannot be read"):
        definitions(str(tmp_path / "none.yml"))
    with pytest.raises(DefinitionError, match="no valid YAML"):
        parse_definitions("a: [", load_dictionary())
    with pytest.raises(DefinitionError, match="mapping of stream names"):
        parse_definitions("[]", load_dictionary())
    with pytest.raises(DefinitionError, match="the definition must be a mapping"):
        parse_definitions("vendors: 5", load_dictionary())
    with pytest.raises(DefinitionError, match="lacks key, properties, root, tables"):
        parse_definitions("vendors: {}", load_dictionary())
