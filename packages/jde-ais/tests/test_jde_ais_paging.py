from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jde_ais import (
    AisConfigError,
    AisProtocolError,
    BrowseRequest,
    Order,
    OrderNotHonoured,
    ResultSetExpired,
    eq,
    ge,
    keyset_pages,
    le,
    ne,
    ranged_pages,
    result_set_pages,
)

NUMBER, STRING, DATE = "number", "string", "date"


def walk(client, table, key, kinds, *, columns=(), **options):
    pages = list(keyset_pages(client, table, columns, key, key_kinds=dict(zip(key, kinds, strict=False)), **options))
    return [tuple(row[column] for column in key) for page in pages for row in page.rows], pages


def fill(jde, count, first=1):
    rows = [{"AN8": n, "ALPH": f"Name {n}"} for n in range(first, first + count)]
    random.Random(7).shuffle(rows)
    jde.control.insert_rows("F0101", rows)


def test_a_walk_reads_every_row_once_in_order(jde):
    fill(jde, 250)
    with jde.client() as client:
        rows, pages = walk(client, "F0101", ["AN8"], [NUMBER], columns=["ALPH"], page_size=60)
    assert rows == [(n,) for n in range(1, 251)]
    assert [page.last_key for page in pages] == [(60,), (120,), (180,), (240,), (250,)]
    assert set(pages[0].rows[0]) == {"ALPH", "AN8"}
    assert jde.calls("/dataservice") == 5 + 1  # what follows the last page is nothing


@pytest.mark.parametrize("cap", [64, 50, 33])
def test_a_fetch_limit_that_falls_during_a_walk_loses_nothing(jde, cap):
    fill(jde, 400)
    jde.emulator.hooks.after_requests(2, lambda: jde.control.switch(fetch_cap=cap))
    with jde.client() as client:
        rows, _ = walk(client, "F0101", ["AN8"], [NUMBER], page_size=100)
    assert rows == [(n,) for n in range(1, 401)]


def promising(rows):
    grid = {"columns": {"F0101_AN8": "Address"}, "rowset": rows, "summary": {"records": len(rows), "moreRecords": True}}
    return json.dumps({"fs_DATABROWSE_F0101": {"data": {"gridData": grid}, "errors": []}, "sysErrors": []}).encode()


@pytest.mark.parametrize("pages", [[], [[{"F0101_AN8": 1}, {"F0101_AN8": 2}]]])
@pytest.mark.parametrize("parallel", [False, True])
def test_an_empty_page_that_promises_more_is_no_end(stub_server, parallel, pages):
    answers = iter([promising(rows) for rows in pages])
    with (
        stub_server(lambda path: (200, {}, next(answers, promising([])))) as stub,
        stub.client() as client,
        ThreadPoolExecutor(2) as pool,
    ):
        options = {"key_kinds": {"AN8": NUMBER}, "page_size": 20}
        walked = (
            ranged_pages(client, "F0101", [], ["AN8"], pool=pool, workers=1, **options)
            if parallel
            else keyset_pages(client, "F0101", [], ["AN8"], **options)
        )
        got = []
        with pytest.raises(AisProtocolError, match="no row and says that more follow"):
            got.extend(walked)
    assert len(got) == len(pages)


def test_a_walk_goes_on_where_it_was_cut(jde):
    fill(jde, 100)
    with jde.client() as client:
        first = next(keyset_pages(client, "F0101", ["AN8"], ["AN8"], key_kinds={"AN8": NUMBER}, page_size=30))
        rows, _ = walk(client, "F0101", ["AN8"], [NUMBER], page_size=30, after=first.last_key, where=le("AN8", 95))
    assert rows == [(n,) for n in range(31, 96)]


@pytest.mark.parametrize("hides", [True, False])
@pytest.mark.parametrize(
    ("page_size", "count"), [(500, 450), (500, 400), (500, 150), (1000, 149), (100, 300), (150, 300)]
)
def test_a_fetch_limit_below_the_page_size_loses_nothing(jde, page_size, count, hides):
    fill(jde, count)
    jde.control.switch(fetch_cap=150, cap_hides_more=hides)
    with jde.client() as client:
        rows, _ = walk(client, "F0101", ["AN8"], [NUMBER], page_size=page_size)
    assert rows == [(n,) for n in range(1, count + 1)]


@pytest.mark.parametrize("count", [99, 50, 49, 1])
def test_a_fetch_limit_below_any_usual_page_loses_nothing(jde, count):
    fill(jde, count)
    jde.control.switch(fetch_cap=50)
    with jde.client() as client:
        assert walk(client, "F0101", ["AN8"], [NUMBER], page_size=500)[0] == [(n,) for n in range(1, count + 1)]
        before = jde.calls("/dataservice")
        rows, _ = walk(client, "F0101", ["AN8"], [NUMBER], page_size=500, where=le("AN8", count - 1))
        assert len(rows) == count - 1
    # Fewer rows than the server has been seen to send need no second question.
    assert jde.calls("/dataservice") == before + {99: 3, 50: 1, 49: 1, 1: 1}[count]


def test_an_empty_table_has_no_page(jde):
    with jde.client() as client:
        assert walk(client, "F0101", ["AN8"], [NUMBER]) == ([], [])
    assert jde.calls("/dataservice") == 1


@pytest.mark.parametrize("status", [444, 403])
def test_a_token_that_dies_in_the_middle_costs_no_row(jde, status):
    fill(jde, 250)
    jde.control.switch(invalid_token_status=status)
    rows = []
    with jde.client() as client:
        for page in keyset_pages(client, "F0101", ["AN8"], ["AN8"], key_kinds={"AN8": NUMBER}, page_size=50):
            rows += [row["AN8"] for row in page.rows]
            jde.control.expire_sessions()
            jde.control.expire_results()
    assert rows == list(range(1, 251))


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_lost_answers_in_the_middle_cost_no_row(jde, kind):
    fill(jde, 250)
    jde.control.fault(kind, path="v2/dataservice$", when="after", skip=1, times=3)
    with jde.client() as client:
        rows, _ = walk(client, "F0101", ["AN8"], [NUMBER], page_size=50)
    assert rows == [(n,) for n in range(1, 251)]


def test_rows_that_come_and_go_during_a_walk_disturb_no_other(jde):
    fill(jde, 100, first=100)
    seen = []
    with jde.client() as client:
        for number, page in enumerate(
            keyset_pages(client, "F0101", ["AN8"], ["AN8"], key_kinds={"AN8": NUMBER}, page_size=20)
        ):
            seen += [row["AN8"] for row in page.rows]
            if number == 1:
                jde.control.delete_rows("F0101", {"AN8": [110, 150]})
                fill(jde, 5)
                fill(jde, 5, first=300)
    assert seen == [n for n in [*range(100, 200), *range(300, 305)] if n != 150]


def test_a_server_that_does_not_sort_is_found_out(jde):
    fill(jde, 300)
    jde.control.switch(ignore_order_by=True)
    with jde.client() as client, pytest.raises(OrderNotHonoured, match="did not sort by AN8"):
        walk(client, "F0101", ["AN8"], [NUMBER], page_size=100)


@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_a_server_that_does_not_sort_is_found_out_by_the_smallest_pages(jde, page_size):
    fill(jde, 60)
    jde.control.switch(ignore_order_by=True)
    with jde.client() as client, ThreadPoolExecutor(2) as pool:
        with pytest.raises(OrderNotHonoured, match=r"did not sort|does not sort"):
            walk(client, "F0101", ["AN8"], [NUMBER], page_size=page_size)
        options = {"key_kinds": {"AN8": NUMBER}, "page_size": page_size, "pool": pool, "workers": 2}
        with pytest.raises(OrderNotHonoured, match=r"did not sort|does not sort"):
            list(ranged_pages(client, "F0101", [], ["AN8"], **options))


def test_a_key_that_is_not_unique_is_found_out(jde):
    jde.control.insert_rows("F0115", [{"AN8": 1, "IDLN": n, "CNLN": 0, "RCK7": 1} for n in range(30)])
    with jde.client() as client, pytest.raises(OrderNotHonoured, match="not unique"):
        walk(client, "F0115", ["AN8"], [NUMBER], page_size=10)


def codes(jde, count):
    jde.control.insert_rows("F0005", [{"SY": "01", "RT": "ST", "KY": f"{n:04}"} for n in range(count)])


def test_a_server_that_does_not_sort_text_is_found_out(jde):
    codes(jde, 300)
    jde.control.switch(ignore_order_by=True)
    with jde.client() as client, pytest.raises(OrderNotHonoured, match="the way it compares"):
        walk(client, "F0005", ["SY", "RT", "KY"], [STRING] * 3, page_size=100)


def test_a_row_added_while_the_order_of_text_is_proved_is_no_reason_to_stop(jde):
    codes(jde, 300)
    with jde.client() as client:
        count = client.count

        def racing(*args):
            client.count = count
            jde.control.insert_rows("F0005", [{"SY": "00", "RT": "AA", "KY": "1"}])
            return count(*args)

        client.count = racing
        rows, _ = walk(client, "F0005", ["SY", "RT", "KY"], [STRING] * 3, page_size=100)
    assert len(rows) == len(set(rows)) == 301


@pytest.fixture(params=["one after the other", "side by side"])
def small_pages(request, jde):
    """Walks through F0101 with pages so small that the order must be proved, in both ways there are."""
    with jde.client() as client, ThreadPoolExecutor(2) as pool:
        options = {"key_kinds": {"AN8": NUMBER}, "page_size": 3}
        if request.param == "side by side":
            options |= {"pool": pool, "workers": 2}
        pages = ranged_pages if request.param == "side by side" else keyset_pages
        yield lambda: [row["AN8"] for page in pages(client, "F0101", [], ["AN8"], **options) for row in page.rows]


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_rows_that_come_while_the_order_is_proved_are_no_reason_to_stop(jde, small_pages, every, times):
    """A row that comes after each (second) request lets count and page differ, again and again."""
    fill(jde, 30, first=100)
    for time in range(times):
        jde.emulator.hooks.after_requests(1 + every * time, lambda time=time: fill(jde, 1, first=90 - time))
    assert sorted(small_pages()) == [*range(91 - times, 91), *range(100, 130)]


def test_rows_that_go_while_the_order_is_proved_are_no_reason_to_stop(jde, small_pages):
    fill(jde, 30, first=100)
    for time in range(3):
        jde.emulator.hooks.after_requests(
            1 + 2 * time, lambda time=time: jde.control.delete_rows("F0101", {"AN8": 100 + time})
        )
    assert small_pages() == [*range(103, 130)]


def test_a_table_emptied_while_the_order_is_proved_is_read_to_its_end(jde, small_pages):
    fill(jde, 30)
    jde.emulator.hooks.after_requests(1, lambda: jde.control.delete_rows("F0101", {}))
    assert small_pages() == []


def test_rows_that_change_at_each_request_are_told_from_a_server_that_does_not_sort(jde, small_pages):
    fill(jde, 30, first=100)
    for time in range(40):
        jde.emulator.hooks.after_requests(1 + time, lambda time=time: fill(jde, 1, first=90 - time))
    with pytest.raises(OrderNotHonoured, match="read again when fewer rows change"):
        small_pages()


def test_hidden_key_columns_are_named(jde):
    fill(jde, 3)
    jde.control.switch(column_security={"F0101": ["AN8"]}, order_columns_must_be_returned=False)
    with jde.client() as client, pytest.raises(AisConfigError, match="key column AN8 is missing"):
        walk(client, "F0101", ["AN8"], [NUMBER], columns=["ALPH"])


def test_a_position_of_another_key_is_refused(jde):
    with jde.client() as client:
        with pytest.raises(ValueError, match="2 parts, got 1"):
            walk(client, "F03012", ["AN8", "CO"], [NUMBER, STRING], after=(1,))
        with pytest.raises(ValueError, match="page_size"):
            walk(client, "F0101", ["AN8"], [NUMBER], page_size=0)


# Text of keys: blanks, case, digits, accents, leading blanks, quotes.
texts = st.text(alphabet="aBz09 é'-_", max_size=3).map(lambda text: text.rstrip())
small = st.integers(1, 4)
days = st.one_of(
    st.none(), st.dates(date(1999, 12, 30), date(2000, 1, 2)), st.sampled_from([date(1900, 1, 1), date(2099, 12, 31)])
)
many = settings(max_examples=25)


def unique(rows):
    return list(dict.fromkeys(rows))


@many
@given(st.lists(st.tuples(small, texts), max_size=25).map(unique), st.integers(1, 9), st.booleans())
def test_number_and_text(jde, keys, page_size, padded):
    jde.store.delete("F03012", {})
    jde.control.insert_rows("F03012", [{"AN8": an8, "CO": co} for an8, co in keys])
    jde.control.switch(trailing_blanks=padded, fetch_cap=0)
    with jde.client() as client:
        rows, _ = walk(client, "F03012", ["AN8", "CO"], [NUMBER, STRING], page_size=page_size)
    assert sorted((an8, co.rstrip()) for an8, co in rows) == sorted(keys)


@many
@given(
    st.lists(st.tuples(texts, texts, texts.filter(lambda t: not t.startswith(" "))), max_size=25).map(unique),
    st.integers(1, 9),
)
def test_text_throughout(jde, keys, page_size):
    jde.store.delete("F0005", {})
    jde.control.insert_rows(
        "F0005",
        [
            {"SY": sy, "RT": rt[:2].rstrip(), "KY": ky}
            for sy, rt, ky in unique((a, b[:2].rstrip(), c) for a, b, c in keys)
        ],
    )
    truth = len(jde.store.read("F0005"))
    with jde.client() as client:
        rows, _ = walk(client, "F0005", ["SY", "RT", "KY"], [STRING] * 3, page_size=page_size)
    assert len(rows) == len(set(rows)) == truth


@many
@given(st.lists(st.tuples(small, days), max_size=25).map(unique), st.integers(1, 9), st.booleans())
def test_number_and_date_with_empty_dates(jde, keys, page_size, null_dates):
    jde.store.delete("F0116", {})
    jde.control.insert_rows("F0116", [{"AN8": an8, "EFTB": day.isoformat() if day else ""} for an8, day in keys])
    jde.control.switch(null_dates=null_dates)
    with jde.client() as client:
        rows, pages = walk(client, "F0116", ["AN8", "EFTB"], [NUMBER, DATE], page_size=page_size)
        expected = sorted((an8, day.strftime("%Y%m%d") if day else "") for an8, day in keys)
        assert [(an8, day or "") for an8, day in rows] == expected
        # Any stored position is a place to go on from.
        read = 0
        for page in pages[:3]:
            read += len(page.rows)
            rest, _ = walk(client, "F0116", ["AN8", "EFTB"], [NUMBER, DATE], page_size=100, after=page.last_key)
            assert rest == rows[read:]


@many
@given(st.lists(st.tuples(small, small, small, small), max_size=40).map(unique), st.integers(1, 9))
def test_four_numbers_and_a_condition(jde, keys, page_size):
    jde.store.delete("F0115", {})
    key = ["AN8", "IDLN", "CNLN", "RCK7"]
    jde.control.insert_rows("F0115", [dict(zip(key, row, strict=False)) for row in keys])
    with jde.client() as client:
        rows, _ = walk(client, "F0115", key, [NUMBER] * 4, page_size=page_size, where=ne("IDLN", 2))
    assert rows == sorted(row for row in keys if row[1] != 2)


def test_plain_values_are_positions_too(jde):
    jde.control.insert_rows("F0116", [{"AN8": 1, "EFTB": f"2025-01-0{n}"} for n in range(1, 6)])
    with jde.client() as client:
        for after in ((1, date(2025, 1, 3)), (1, "2025-01-03"), ("1", "20250103")):
            rows, pages = walk(client, "F0116", ["AN8", "EFTB"], [NUMBER, DATE], after=after)
            assert rows == [(1, "20250104"), (1, "20250105")]
    assert pages[-1].last_key == (1, "2025-01-05")


# Result sets ---------------------------------------------------------------------------------------------------------


def request(**changes):
    return BrowseRequest(
        **{"table": "F0101", "columns": ("AN8",), "order": (Order("AN8"),), "page_size": 100, **changes}
    )


def test_a_result_set_is_read_to_its_end(jde):
    fill(jde, 250)
    jde.control.switch(href_base="http://inner.example:7077")
    with jde.client() as client:
        pages = list(result_set_pages(client, request()))
    assert [row["AN8"] for page in pages for row in page.rows] == list(range(1, 251))
    assert [len(page.rows) for page in pages] == [100, 100, 50]
    assert "token" not in repr(pages[0].next)


def test_an_expired_result_set_says_how_far_it_came_and_can_be_started_again(jde):
    fill(jde, 250)
    with jde.client() as client:
        pages = result_set_pages(client, request())
        next(pages)
        jde.control.expire_results()
        with pytest.raises(ResultSetExpired, match=r"the server closed the result set.*JAS_MSG347") as expired:
            next(pages)
        assert expired.value.rows_read == 100
        assert sum(len(page.rows) for page in result_set_pages(client, request(where=ge("AN8", 101)))) == 150
    assert jde.calls("dataservice/next") == 2


def test_an_expired_result_set_may_be_told_in_a_good_answer(jde):
    fill(jde, 250)
    words = "JAS_MSG347: The query results expired.  Refresh them by clicking Find again."
    body = {"sysErrors": [{"TITLE": words, "DESC": words}]}
    with jde.client() as client:
        pages = result_set_pages(client, request())
        next(pages)
        jde.control.fault("status", status=200, body=body, path="dataservice/next")
        with pytest.raises(ResultSetExpired, match="the server closed the result set") as expired:
            next(pages)
        assert expired.value.rows_read == 100


def test_a_session_that_dies_takes_its_result_set_along(jde):
    fill(jde, 250)
    with jde.client() as client:
        pages = result_set_pages(client, request())
        next(pages)
        jde.control.expire_sessions()
        with pytest.raises(ResultSetExpired, match="444"):
            next(pages)
        assert len(client.browse(request(where=eq("AN8", 1))).rows) == 1
    assert jde.calls("v2/tokenrequest") == 2


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "truncate"}, {"kind": "status", "status": 503}])
def test_a_lost_page_of_a_result_set_is_never_skipped(jde, fault):
    fill(jde, 250)
    jde.control.fault(path="dataservice/next", when="after", **fault)
    with jde.client() as client, pytest.raises(ResultSetExpired, match="start it again"):
        list(result_set_pages(client, request()))
    # Asked again, the emulator refuses; a real server may answer with the page after the lost one.
    assert jde.calls("dataservice/next") == 1


def test_more_rows_without_a_link_are_no_end(stub_server):
    body = (
        b'{"fs_DATABROWSE_F0101": {"data": {"gridData": {"rowset": [{"F0101_AN8": 1}],'
        b' "summary": {"records": 1, "moreRecords": true}}}}, "links": []}'
    )
    with (
        stub_server(lambda path: (200, {}, body)) as stub,
        stub.client() as client,
        pytest.raises(AisProtocolError, match="no link"),
    ):
        list(result_set_pages(client, request()))
