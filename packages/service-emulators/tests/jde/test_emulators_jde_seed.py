from __future__ import annotations

import time
from collections import Counter
from datetime import date, datetime

import pytest
from service_emulators.jde.dictionary import tables
from service_emulators.jde.seed import seed_store
from service_emulators.jde.store import Store
from service_emulators.jde.testing import create_jde

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def store():
    store = Store()
    began = time.perf_counter()
    seed_store(store, customers=2000, contacts=3000, seed=1, today=TODAY)
    assert time.perf_counter() - began < 10
    yield store
    store.close()


def test_numbers_are_as_asked(store):
    masters = store.read("F03012", {"CO": "00000"})
    customers = {row["AN8"] for row in masters}
    assert customers == set(range(1001, 3001))
    people = [row for row in store.read("F0111") if row["IDLN"] >= 1]
    assert sum(row["AN8"] in customers for row in people) == 3000
    assert sum(row["AN8"] not in customers for row in people) > 100
    assert {row["AT1"] for row in store.read("F0101")} == {"C", "V", "E"}
    assert {row["AT1"] for row in store.read("F0101", {"AN8": sorted(customers)})} == {"C"}
    assert store.count("F0401") == 400
    assert any(row["AN8"] in customers for row in store.read("F0401"))
    assert 50 < store.count("F03012") - 2000 < 200


def test_every_entity_has_its_name_line_address_and_phone(store):
    entities = {row["AN8"] for row in store.read("F0101")}
    assert {row["AN8"] for row in store.read("F0111", {"IDLN": 0})} == entities
    assert {row["AN8"] for row in store.read("F0115", {"IDLN": 0})} == entities
    effective = {row["AN8"]: row["EFTB"] for row in store.read("F0101")}
    addresses = Counter(row["AN8"] for row in store.read("F0116"))
    assert set(addresses) == entities
    assert {(row["AN8"], row["EFTB"]) for row in store.read("F0116")} >= set(effective.items())
    assert any(row["EFTB"] > TODAY.isoformat() for row in store.read("F0116"))
    assert max(addresses.values()) > 1


def test_the_oddities_are_there(store):
    book = store.read("F0101")
    with store.engine.connect() as connection:
        padded, nulls, zeros = connection.exec_driver_sql(
            "SELECT SUM(ABALPH LIKE '% '), SUM(ABUPMJ IS NULL), SUM(ABUPMJ = 0) FROM F0101"
        ).one()
        both_blanks = connection.exec_driver_sql("SELECT COUNT(DISTINCT AIRVDJ IS NULL) FROM F03012").scalar_one()
    assert min(padded, nulls, zeros) > 5
    assert both_blanks == 2
    assert all(row["MCU"].startswith(" ") for row in book)
    assert any("'" in row["ALPH"] for row in book)
    assert any(not row["ALPH"].isascii() for row in book)
    stamps = Counter((row["UPMJ"], row["UPMT"]) for row in book if row["UPMJ"])
    assert stamps.most_common(1)[0][1] > 5
    assert any(row["UPMJ"] and row["UPMT"] == 0 for row in book)
    assert max(row["UPMJ"] or "" for row in book) < TODAY.isoformat()
    mails = Counter(row["EMAL"] for row in store.read("F01151", {"IDLN": 0, "ETP": "E"}))
    assert max(mails.values()) >= 2
    masters = store.read("F03012", {"CO": "00000"})
    assert 60 <= sum(row["HOLD"] != "" for row in masters) <= 100
    assert sum(row["CUSTS"] == "1" for row in masters) == 40
    closed = {row["AN8"] for row in masters if row["CUSTS"] == "1"}
    assert {row["AN8"] for row in book if row["SBLI"] == "Y"} == closed


def test_codes_in_use_are_defined(store):
    defined = {(row["SY"], row["RT"], row["KY"].strip()) for row in store.read("F0005")}
    terms = {row["PTC"] for row in store.read("F0014")}
    units = {row["MCU"] for row in store.read("F0006")}
    book, masters = store.read("F0101"), store.read("F03012")
    assert {row["TRAR"] for row in masters} <= terms
    assert {row["MCU"] for row in book} <= units
    assert {("01", "ST", row["AT1"]) for row in book} <= defined
    assert {("01", "LP", row["LNGP"]) for row in book} <= defined
    assert {("42", "HC", row["HOLD"]) for row in masters if row["HOLD"]} <= defined
    assert {("01", "PH", row["PHTP"]) for row in store.read("F0115")} <= defined
    assert {("00", "CN", row["CTR"]) for row in store.read("F0116")} <= defined


def test_same_seed_same_data():
    def content(seed):
        store = Store()
        seed_store(store, customers=30, contacts=40, seed=seed, today=TODAY)
        rows = {name: store.read(name) for name in tables()}
        store.close()
        return rows

    assert content(1) == content(1)
    assert content(1) != content(2)


def test_a_database_file_is_kept(tmp_path):
    options = {"database": tmp_path / "jde.db", "now": datetime(2026, 11, 20)}
    first = create_jde(customers=5, contacts=5, **options)
    first.store.update("F0101", {"AN8": 1001}, {"ALPH": "Kept"})
    first.store.close()
    second = create_jde(customers=7, contacts=7, **options)
    assert second.store.read("F0101", {"AN8": 1001})[0]["ALPH"] == "Kept"
    assert len(second.store.read("F03012", {"CO": "00000"})) == 5
    second.store.close()


def test_contacts_need_customers():
    store = Store()
    with pytest.raises(ValueError, match="contacts need customers"):
        seed_store(store, customers=0, contacts=1, seed=1, today=TODAY)
    store.close()
