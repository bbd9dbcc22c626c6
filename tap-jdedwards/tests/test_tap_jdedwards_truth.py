"""Every record equals what lies in the tables, whatever the server's habits."""

from __future__ import annotations

from collections import defaultdict

import pytest
from jsonschema import Draft202012Validator
from tap_jdedwards.dictionary import load_dictionary
from tap_jdedwards.settings import DEFAULT_STREAMS, DEFAULT_TABLES

DICTIONARY = load_dictionary()


def comparable(records, key):
    def sort_key(record):
        return tuple(str(record[alias]) for alias in key)

    return sorted(records, key=sort_key)


HABITS = {
    "as they come": ({}, {}),
    "trailing blanks, null dates": ({"trailing_blanks": True, "null_dates": True}, {}),
    "day first, two-digit years": ({"date_format": "dd/MM/yy"}, {}),
    "fetch cap below the page size": ({"fetch_cap": 130}, {"page_size": 500}),
    "tiny pages": ({}, {"page_size": 97}),
    "huge pages": ({"fetch_cap": 0}, {"page_size": 100_000}),
    "403 for dead tokens": ({"invalid_token_status": 403}, {}),
}


@pytest.mark.parametrize("habit", HABITS)
def test_every_row_of_every_table_equals_the_truth(read, as_record, habit):
    switches, settings = HABITS[habit]
    read.jde.control.switch(**switches)
    read.jde.control.expire_sessions()
    output = read(tables=DEFAULT_TABLES, **settings)
    assert output.failures == {}
    for table in DEFAULT_TABLES:
        key = DICTIONARY.tables[table].key
        truth = [as_record(row, key) for row in read.jde.control.rows(table)]
        assert output.records[table] == comparable_in_order(output.records[table], key)
        assert comparable(output.records[table], key) == comparable(truth, key), table


def comparable_in_order(records, key):
    return sorted(records, key=lambda record: tuple(record[alias] for alias in key))


def current(addresses, today):
    """The address with the latest date that is not in the future, else the earliest."""
    dated = sorted(addresses, key=lambda row: row["EFTB"] or "")
    past = [row for row in dated if (row["EFTB"] or "") <= today]
    return past[-1] if past else dated[0] if dated else None


def expected_customers(control, today):
    credit = {row["AN8"]: row for row in control.rows("F03012", {"CO": "00000"})}
    phones, mails, addresses, names = (defaultdict(list) for _ in range(4))
    for rows, table in ((phones, "F0115"), (mails, "F01151"), (names, "F0111")):
        for row in control.rows(table, {"IDLN": 0}):
            rows[row["AN8"]].append(row)
    for row in control.rows("F0116"):
        addresses[row["AN8"]].append(row)
    terms = {row["PTC"]: (row["PTD"], row["NDTP"]) for row in control.rows("F0014")}
    for root in control.rows("F0101"):
        number = root["AN8"]
        if number not in credit:
            continue
        address, payor = current(addresses[number], today), current(addresses[credit[number]["ARPY"]], today)
        stamps = [
            (row["UPMJ"], row["UPMT"] or 0)
            for rows in (
                *([root, credit[number]], phones[number], mails[number], names[number], addresses[number]),
                addresses[credit[number]["ARPY"]],
            )
            for row in rows
            if row["UPMJ"]
        ]
        yield {
            "address_number": number,
            "name": root["ALPH"],
            "mailing_name": names[number][0]["MLNM"] if names[number] else None,
            "credit_limit": credit[number]["ACL"],
            "hold_code": credit[number]["HOLD"],
            "city": address and address["CTY1"],
            "effective_date": address and address["EFTB"],
            "payor_city": payor and payor["CTY1"],
            "terms": terms[credit[number]["TRAR"]],
            "phones": [
                (row["PHTP"], row["AR1"], row["PH1"], row["RCK7"])
                for row in sorted(phones[number], key=lambda row: (row["CNLN"], row["RCK7"]))
                if row["PH1"]
            ],
            "emails": [
                row["EMAL"]
                for row in sorted(mails[number], key=lambda row: row["RCK7"])
                if row["ETP"] in ("E", "") and row["EMAL"]
            ],
            "UPMJ": max(stamps)[0] if stamps else None,
        }


def reduced(document):
    address = document["address"] or {}
    return {
        "address_number": document["address_number"],
        "name": document["name"],
        "mailing_name": document["mailing_name"],
        "credit_limit": document["credit_limit"],
        "hold_code": document["hold_code"],
        "city": address.get("city"),
        "effective_date": address.get("effective_date"),
        "payor_city": (document["payor_address"] or {}).get("city"),
        "terms": (document["payment_terms_text"], document["net_days"]),
        "phones": [(phone["type"], phone["area"], phone["number"], phone["line"]) for phone in document["phones"]],
        "emails": [mail["address"] for mail in document["emails"]],
        "UPMJ": document["UPMJ"],
    }


@pytest.mark.parametrize("settings", [{}, {"page_size": 53}, {"max_concurrency": 1}, {"max_concurrency": 6}])
def test_customers_equal_a_join_of_the_truth(read, settings):
    control = read.jde.control
    today = control.set_clock()[:10]
    output = read(streams=["customers"], **settings)
    expected = sorted(expected_customers(control, today), key=lambda document: document["address_number"])
    assert len(expected) == 250
    assert sum(document["payor_city"] is not None for document in expected) == 6
    assert [reduced(document) for document in output.records["customers"]] == expected


def test_contacts_equal_a_join_of_the_truth(read):
    control = read.jde.control
    output = read(streams=["contacts"])
    people = sorted((row["AN8"], row["IDLN"]) for row in control.rows("F0111") if row["IDLN"] >= 1)
    assert output.keys("contacts") == people
    customers = {row["AN8"] for row in control.rows("F03012", {"CO": "00000"})}
    vendors = {row["AN8"] for row in control.rows("F0401")}
    names = {row["AN8"]: row["ALPH"] for row in control.rows("F0101")}
    mails = defaultdict(list)
    for row in control.rows("F01151"):
        mails[row["AN8"], row["IDLN"]].append(row)
    for document in output.records["contacts"]:
        number = document["address_number"]
        assert document["is_customer"] == (number in customers)
        assert document["is_vendor"] == (number in vendors)
        assert document["company_name"] == names[number]
        assert [mail["address"] for mail in document["emails"]] == [
            row["EMAL"]
            for row in sorted(mails[number, document["contact_line"]], key=lambda row: row["RCK7"])
            if row["ETP"] in ("E", "") and row["EMAL"]
        ]
    assert sum(document["is_customer"] for document in output.records["contacts"]) == 400


def test_records_are_valid_against_their_schemas_and_say_when_they_were_read(read):
    output = read(tables=DEFAULT_TABLES, streams=DEFAULT_STREAMS)
    for stream, message in output.schemas.items():
        validator = Draft202012Validator(message["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER)
        for record in output.records[stream]:
            validator.validate(record)
    assert all(m["time_extracted"].endswith("Z") for m in output.messages if m["type"] == "RECORD")
    assert {message["bookmark_properties"][0] for message in output.schemas.values()} == {"UPMJ"}
