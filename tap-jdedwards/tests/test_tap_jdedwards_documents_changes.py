"""What emits a document again: rows of its own, rows it looks up, and the passing of days."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from service_emulators.testing import start_jde
from tap_jdedwards.composed import changes as composed_changes
from tap_jdedwards.composed import stream as composed_stream

START = datetime(2026, 11, 20, 9, 0)
STREAMS = ["purchase_orders", "sales_orders", "payables", "gl_postings", "item_availability", "customer_credit"]
ORDER = ("order_number", "order_type", "order_company", "order_suffix")


@pytest.fixture
def business():
    with start_jde(customers=20, documents=40, seed=11) as emulator:
        emulator.control.set_clock(now=START.isoformat())
        yield emulator


@pytest.fixture
def at(business):
    """Sets the server's clock, minutes after the start."""
    return lambda minutes: business.control.set_clock(now=(START + timedelta(minutes=minutes)).isoformat())


class Follower:
    """Reads streams run after run, each from the state of the last."""

    def __init__(self, run, streams, **settings):
        self._run, self._streams, self._settings = run, streams, settings
        self.state = None
        self.first = self()

    def __call__(self, **changes):
        settings = {"streams": self._streams, "overlap_minutes": 0, "state": self.state, **self._settings, **changes}
        output = self._run(**settings)
        assert output.failures == {}
        self.state = output.state
        return output


@pytest.fixture
def follow(business, runner_of):
    """Begins to follow streams; what stands on the watermarks is moved before it, so that no run repeats it."""

    def begin(*streams, **settings):
        return Follower(runner_of(business), list(streams or STREAMS), **settings)

    return begin


def identity(voucher):
    return voucher["document_number"], voucher["pay_item"], voucher["pay_item_extension"]


def repeated(output):
    """What a run repeats without any change, because it stands on a watermark."""
    return {stream: set(output.keys(stream)) for stream in output.schemas}


def changed(output, quiet):
    """The keys a run emitted beyond those it repeats anyway."""
    return {stream: set(output.keys(stream)) - quiet[stream] for stream in output.schemas}


def test_a_second_run_on_the_same_day_repeats_next_to_nothing(follow):
    follower = follow()
    quiet, before = follower(), follower.state
    for stream in set(STREAMS) - {"item_availability"}:  # all items were set up by one program in one second
        assert len(quiet.records[stream]) <= len(follower.first.records[stream]) / 2
    assert follower().state == before


def test_a_renamed_supplier_emits_exactly_the_orders_and_open_vouchers_that_show_him(business, follow, at):
    follower = follow()
    quiet = repeated(follower())
    supplier = follower.first.records["payables"][0]["supplier_number"]
    at(10)
    assert business.control.update_rows("F0101", {"AN8": supplier}, {"ALPH": "Renamed Ltd"}) == 1
    output = follower()
    emitted = changed(output, quiet)
    orders = {
        (row["DOCO"], row["DCTO"], row["KCOO"], row["SFXO"]) for row in business.store.read("F4301", {"AN8": supplier})
    }
    vouchers = business.store.read("F0411", {"AN8": supplier})
    open_ones = {(row["DOC"], row["DCT"], row["KCO"], row["SFX"], row["SFXE"]) for row in vouchers if row["AAP"]}
    assert len(open_ones) < len(vouchers)
    assert emitted["purchase_orders"] == orders - quiet["purchase_orders"]
    assert emitted["payables"] == open_ones - quiet["payables"]
    assert emitted["gl_postings"] == set()  # says on_change: ignore
    for stream in ("purchase_orders", "payables"):
        for record in output.records[stream]:
            assert (record["supplier_name"] == "Renamed Ltd") == (record["supplier_number"] == supplier)


def test_a_line_emits_its_order_and_a_location_its_item_in_that_branch(business, follow, at):
    follower = follow()
    quiet = repeated(follower())
    line, place = business.store.read("F4311")[7], business.store.read("F41021")[5]
    at(10)
    key = {name: line[name] for name in ("DOCO", "DCTO", "KCOO", "SFXO", "LNID")}
    business.control.update_rows("F4311", key, {"UOPN": 3, "AOPN": 33})
    where = {name: place[name] for name in ("ITM", "MCU", "LOCN", "LOTN")}
    business.control.update_rows("F41021", where, {"PQOH": 4711})
    emitted = changed(follower(), quiet)
    assert emitted == {
        **{stream: set() for stream in STREAMS},
        "purchase_orders": {(line["DOCO"], line["DCTO"], line["KCOO"], line["SFXO"])} - quiet["purchase_orders"],
        "item_availability": {(place["ITM"], place["MCU"])} - quiet["item_availability"],
    }


def test_an_ignored_table_emits_nothing_and_is_read_anew_for_what_is_emitted(business, follow, at):
    follower = follow("gl_postings")
    quiet = repeated(follower())
    posting = next(one for one in follower.first.records["gl_postings"] if one["account_description"])
    at(10)
    business.control.update_rows("F0901", {"AID": posting["account_id"]}, {"DL01": "New text"})
    assert changed(follower(), quiet) == {"gl_postings": set()}
    where = {"DOC": posting["document_number"], "DCT": posting["document_type"], "JELN": posting["line"]}
    business.control.update_rows("F0911", {**where, "LT": posting["ledger_type"]}, {"EXR": "Touched"})
    touched = [one for one in follower().records["gl_postings"] if one["remark"] == "Touched"]
    assert [one["account_description"] for one in touched] == ["New text"]


def paid(business, document):
    key = {"DOC": document["document_number"], "SFX": document["pay_item"], "SFXE": document["pay_item_extension"]}
    assert business.control.update_rows("F0411", key, {"AAP": 0, "FAP": 0, "PST": "P"}) == 1


def test_open_vouchers_come_once_a_day_and_paid_ones_once_more(business, follow, at):
    follower = follow("payables")
    opened = set(follower.first.keys("payables"))
    assert follower.state["bookmarks"]["payables"]["day"] == "2026-11-20"
    quiet = set(follower().keys("payables"))
    assert quiet < opened
    at(60 * 24)
    second = follower()
    assert set(second.keys("payables")) == opened
    assert follower.state["bookmarks"]["payables"]["day"] == "2026-11-21"
    ages = dict(zip(second.keys("payables"), second.records["payables"], strict=True))
    for key, record in zip(follower.first.keys("payables"), follower.first.records["payables"], strict=True):
        assert ages[key]["age_days"] == record["age_days"] + 1
    assert set(follower().keys("payables")) == quiet
    voucher = next(one for one in second.records["payables"] if one["days_overdue"])
    at(60 * 24 + 10)
    paid(business, voucher)
    third = follower()
    (closed,) = [one for one in third.records["payables"] if identity(one) == identity(voucher)]
    assert (closed["open_amount"], closed["pay_status"], closed["days_overdue"]) == (0, "P", None)
    at(60 * 24 + 20)
    other = next(one for one in second.records["payables"] if identity(one) != identity(voucher))
    paid(business, other)  # what stands on the watermark comes again
    follower()
    at(60 * 48)
    assert identity(voucher) not in [identity(one) for one in follower().records["payables"]]


def test_a_paid_invoice_and_one_that_falls_due_emit_their_customers(business, follow, at):
    follower = follow("customer_credit")
    customers = {one["address_number"]: one for one in follower.first.records["customer_credit"]}
    quiet = repeated(follower())
    invoice = next(
        row for row in business.store.read("F03B11") if row["AAP"] > 0 and (row["AN8"],) not in quiet["customer_credit"]
    )
    at(10)
    key = {name: invoice[name] for name in ("DOC", "DCT", "KCO", "SFX")}
    business.control.update_rows("F03B11", key, {"AAP": 0, "PST": "P"})
    output = follower()
    assert changed(output, quiet) == {"customer_credit": {(invoice["AN8"],)}}
    (now,) = [one for one in output.records["customer_credit"] if one["address_number"] == invoice["AN8"]]
    before = customers[invoice["AN8"]]
    assert now["open_balance"] == pytest.approx(before["open_balance"] - float(invoice["AAP"]))
    assert now["open_item_count"] == before["open_item_count"] - 1
    business.control.update_rows("F03B11", key, {"AAP": 5, "DDJ": "2026-11-21"})
    at(60 * 24)
    follower()
    at(60 * 48)
    due = next(one for one in follower().records["customer_credit"] if one["address_number"] == invoice["AN8"])
    assert due["past_due_balance"] == pytest.approx(
        before["past_due_balance"] - float(invoice["AAP"]) + 5, abs=0.01
    ) or (invoice["DDJ"] >= "2026-11-20")


def test_a_customer_who_becomes_a_supplier_is_emitted_with_both(business, follow, at):
    follower = follow("business_partners")
    quiet = repeated(follower())
    suppliers = {row["AN8"] for row in business.store.read("F0401")}
    number = next(
        row["AN8"]
        for row in business.store.read("F03012")
        if row["CO"] == "00000" and row["AN8"] not in suppliers and (row["AN8"],) not in quiet["business_partners"]
    )
    template = {**business.store.read("F0401")[0]}
    del template["UPMJ"], template["UPMT"]
    at(10)
    business.control.insert_rows("F0401", [{**template, "AN8": number, "TRAP": "N60"}])
    output = follower()
    assert changed(output, quiet) == {"business_partners": {(number,)}}
    (now,) = [one for one in output.records["business_partners"] if one["address_number"] == number]
    assert (now["is_customer"], now["is_vendor"], now["supplier_payment_terms"]) == (True, True, "N60")


@pytest.mark.parametrize("stream", STREAMS)
def test_too_many_changes_are_found_by_a_walk_with_the_same_outcome(business, follow, at, stream, monkeypatch):
    follower = follow(stream)
    begun = follower.state
    at(10)
    tables = {"F4311": "LITM", "F4211": "LITM", "F0911": "EXR", "F41021": "GLPT", "F0411": "RMK", "F03B11": "RMK"}
    for table, column in tables.items():
        for row in business.store.read(table)[::9]:
            key = {name: row[name] for name in business.store.table(table)[0].key}
            business.control.update_rows(table, key, {column: "X"})
    for document in follower.first.records.get("payables", [])[::7]:
        paid(business, document)
    for row in business.store.read("F03B11")[::5]:
        business.control.update_rows("F03B11", {"DOC": row["DOC"], "SFX": row["SFX"]}, {"AAP": 0})
    for row in business.store.read("F0401")[:2]:
        business.control.update_rows("F0101", {"AN8": row["AN8"]}, {"ALPH": "Renamed"})
    at(60 * 24)
    by_key = follower()
    follower.state = begun
    monkeypatch.setattr(composed_changes, "MOST_KEYS", 2)
    walked = follower()
    assert by_key.records[stream]
    assert walked.records == by_key.records
    monkeypatch.undo()
    assert follower().bookmark(stream)["tables"].keys() == by_key.bookmark(stream)["tables"].keys()


@pytest.mark.parametrize("stream", ["purchase_orders", "payables", "item_availability"])
def test_a_cut_load_and_a_cut_catch_up_lose_nothing(business, runner_of, at, stream, monkeypatch):
    monkeypatch.setattr(composed_stream, "DOCUMENTS_PER_STATE", 5)
    run = runner_of(business)
    whole = run(streams=[stream])
    parts, state, output = {}, None, None
    while output is None or "first_load" in output.bookmark(stream):
        output = run(streams=[stream], state=state, die_after=12)
        parts.update(zip(output.keys(stream), output.records[stream], strict=True))
        state = output.state
    assert [parts[key] for key in whole.keys(stream)] == whole.records[stream]
    assert output.bookmark(stream) == whole.bookmark(stream)
    at(60 * 30)
    table = {"purchase_orders": "F4301", "payables": "F0411", "item_availability": "F4102"}[stream]
    business.control.update_rows(table, {}, {"PID": "R01"})
    expected = run(streams=[stream], state=whole.state)
    parts = {}
    while not parts or "catch_up" in output.bookmark(stream):
        output = run(streams=[stream], state=state, die_after=12)
        parts.update(zip(output.keys(stream), output.records[stream], strict=True))
        state = output.state
    assert [parts[key] for key in expected.keys(stream)] == expected.records[stream]
    assert output.bookmark(stream) == expected.bookmark(stream)


def test_a_definition_that_gained_a_table_is_read_anew_and_says_so(follow, caplog):
    follower = follow("purchase_orders")
    del follower.state["bookmarks"]["purchase_orders"]["tables"]["F0014"]
    output = follower()
    assert output.records == follower.first.records
    assert "purchase_orders has gained F0014 since its state was written" in caplog.text


@pytest.mark.parametrize("stream", ["purchase_orders", "gl_postings"])
def test_looked_up_rows_are_never_asked_for_one_by_one(business, runner_of, stream, monkeypatch):
    monkeypatch.setattr(composed_stream, "DOCUMENTS_PER_STATE", 20)
    business.control.reset_counters()
    output = runner_of(business)(streams=[stream], page_size=200)
    asked = len([one for one in business.control.requests(1000) if one["path"].endswith("dataservice")])
    assert asked < 60
    assert len(output.records[stream]) >= 40
