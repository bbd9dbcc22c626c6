"""Documents that vanish, documents read by several processes, and documents read whole."""

from __future__ import annotations

import pytest
from service_emulators.testing import start_jde

STREAMS = ["customers", "purchase_orders", "payables", "item_availability", "gl_postings"]


@pytest.fixture
def business():
    with start_jde(customers=30, documents=40, seed=11) as emulator:
        yield emulator


@pytest.fixture
def run(business, runner_of):
    return runner_of(business)


def deleted(output, stream):
    return {
        key
        for key, record in zip(output.keys(stream), output.records[stream], strict=True)
        if record["_sdc_deleted_at"]
    }


def keys_of(records, *names):
    return {tuple(record[name] for name in names) for record in records}


def test_a_deleted_root_or_required_row_tells_that_its_document_is_gone(business, run, tmp_path):
    settings = {"streams": STREAMS, "detect_deletes": "keys", "keys_path": str(tmp_path)}
    first = run(**settings)
    assert first.failures == {}
    assert not any(deleted(first, stream) for stream in STREAMS)
    order, voucher = business.store.read("F4301")[3], business.store.read("F0411")[5]
    business.control.delete_rows("F4301", {"DOCO": order["DOCO"]})
    business.control.delete_rows("F03012", {"AN8": 1004, "CO": "00000"})
    business.control.delete_rows("F0101", {"AN8": 1009})
    business.control.delete_rows("F0411", {"DOC": voucher["DOC"], "SFX": voucher["SFX"]})
    second = run(state=first.state, **settings)
    assert second.failures == {}
    assert deleted(second, "purchase_orders") == {(order["DOCO"], order["DCTO"], order["KCOO"], order["SFXO"])}
    assert deleted(second, "customers") == {(1004,), (1009,)}
    assert {key[0] for key in deleted(second, "payables")} == {voucher["DOC"]}
    assert deleted(second, "gl_postings") == deleted(second, "item_availability") == set()
    gone = next(one for one in second.records["customers"] if one["_sdc_deleted_at"])
    assert {name for name, value in gone.items() if value is not None} == {"address_number", "_sdc_deleted_at"}
    third = run(state=second.state, **settings)
    assert not any(deleted(third, stream) for stream in STREAMS)


def test_a_document_is_gone_with_the_last_of_the_tables_that_make_it_one(business, run, tmp_path):
    settings = {"streams": ["business_partners"], "detect_deletes": "keys", "keys_path": str(tmp_path)}
    both = 1004
    business.control.insert_rows("F0401", [{**business.store.read("F0401")[0], "AN8": both}])
    first = run(**settings)
    assert not deleted(first, "business_partners")
    business.control.delete_rows("F03012", {"AN8": both})
    business.control.update_rows("F0401", {"AN8": both}, {"TRAP": "N60"})
    second = run(state=first.state, **settings)
    assert not deleted(second, "business_partners")
    now = next(one for one in second.records["business_partners"] if one["address_number"] == both)
    assert (now["is_customer"], now["is_vendor"], now["credit_limit"]) == (False, True, None)
    business.control.delete_rows("F0401", {"AN8": both})
    assert deleted(run(state=second.state, **settings), "business_partners") == {(both,)}


def test_paid_vouchers_that_were_never_told_are_not_told_by_the_look_at_all_keys(business, run, tmp_path):
    settings = {"streams": ["payables"], "detect_deletes": "keys", "keys_path": str(tmp_path)}
    vouchers = business.store.read("F0411")
    still_open = {(row["DOC"], row["SFX"]) for row in vouchers if row["AAP"]}
    assert len(still_open) < len(vouchers)
    state = None
    for _ in range(3):
        output = run(state=state, **settings)
        state = output.state
        assert keys_of(output.records["payables"], "document_number", "pay_item") <= still_open


def test_deletions_told_to_a_target_that_died_are_told_again(business, run, tmp_path):
    settings = {"streams": ["customers"], "detect_deletes": "keys", "keys_path": str(tmp_path)}
    first = run(**settings)
    business.control.delete_rows("F0101", {"AN8": 1009})
    assert deleted(run(state=first.state, **settings), "customers") == {(1009,)}
    again = run(state=first.state, **settings)  # the state of the run before, as if that one had been lost
    assert deleted(again, "customers") == {(1009,)}
    assert deleted(run(state=again.state, **settings), "customers") == set()


@pytest.mark.parametrize("of", [2, 3])
def test_the_shards_of_a_composed_stream_are_the_whole_between_them(business, run, of):
    # Numbers a thousand apart fall into different stripes.
    for table, column in (("F4301", "DOCO"), ("F4311", "DOCO")):
        with business.store.engine.begin() as connection:
            name = business.store.table(table)[0].columns[column].name
            connection.exec_driver_sql(f"UPDATE {table} SET {name} = {name} * 400")
    streams = ["purchase_orders", "customers"]
    whole = run(streams=streams)
    parts = [run(streams=streams, shard={"index": index, "of": of}) for index in range(of)]
    business.control.update_rows("F4311", {}, {"PID": "R01"})
    business.control.update_rows("F0101", {}, {"PID": "R01"})
    later = run(streams=streams, state=whole.state)
    later_parts = [
        run(streams=streams, state=part.state, shard={"index": index, "of": of}) for index, part in enumerate(parts)
    ]
    for stream in streams:
        for together, apart in ((whole, parts), (later, later_parts)):
            keys = [key for part in apart for key in part.keys(stream)]
            assert sorted(keys) == sorted(together.keys(stream))
            found = {
                key: one for part in apart for key, one in zip(part.keys(stream), part.records[stream], strict=True)
            }
            assert [found[key] for key in together.keys(stream)] == together.records[stream]
    assert all(part.records["purchase_orders"] for part in parts)
    assert parts[1].bookmark("purchase_orders")["shard"] == {"index": 1, "of": of}
    wrong = run(streams=["customers"], state=parts[1].state)
    assert "the state was written as shard 1" in wrong.failures["customers"]


def test_a_composed_stream_read_whole_ends_with_its_version(business, run):
    catalog = run.tap(streams=["purchase_orders", "payables"]).catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        entry["metadata"][-1]["metadata"]["selected"] = True
    output = run(streams=["purchase_orders", "payables"], catalog=catalog)
    assert output.failures == {}
    assert len(output.records["purchase_orders"]) == 40
    assert all(record["open_amount"] for record in output.records["payables"])
    kinds = [message["type"] for message in output.messages if message.get("stream") == "payables"]
    assert kinds[-1] == "ACTIVATE_VERSION"
    assert output.bookmark("payables")["full_table"]["rows"] == len(output.records["payables"])
