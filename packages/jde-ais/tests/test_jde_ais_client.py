from __future__ import annotations

import threading
from datetime import date, datetime
from decimal import Decimal

import pytest
from jde_ais import (
    AisAuthError,
    AisConfigError,
    AllOf,
    AnyOf,
    BrowseRequest,
    Order,
    between,
    contains,
    ends_with,
    eq,
    ge,
    gt,
    in_list,
    is_blank,
    le,
    lt,
    ne,
    not_blank,
    starts_with,
)


@pytest.fixture
def people(jde):
    jde.control.insert_rows(
        "F0101",
        [
            {"AN8": 1, "ALPH": "Ann", "AT1": "C", "MCU": "M30", "UPMJ": "2025-06-30", "UPMT": 93005},
            {"AN8": 2, "ALPH": "Bob's", "AT1": "V", "MCU": "M40", "UPMJ": "2025-07-01", "UPMT": 0},
            {"AN8": 3, "ALPH": "Cärol", "AT1": "", "MCU": "", "UPMJ": None, "UPMT": 0},
        ],
        stamp=False,
    )
    return jde


def keys(client, where, table="F0101"):
    page = client.browse(BrowseRequest(table, ("AN8",), where, (Order("AN8"),)))
    return [row["AN8"] for row in page.rows]


def test_a_page_has_aliases_as_names_and_the_servers_clock(people):
    people.control.set_clock(now="2026-11-20T09:30:05")
    with people.client() as client:
        page = client.browse(BrowseRequest("F0101", ("AN8", "ALPH", "UPMJ", "UPMT"), eq("AN8", 1)))
    assert page.rows == [{"AN8": 1, "ALPH": "Ann", "UPMJ": "20250630", "UPMT": 93005}]
    assert page.server_time == datetime(2026, 11, 20, 9, 30, 5)
    assert (page.more, page.next, page.last_key) == (False, None, None)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, [1, 2, 3]),
        (eq("ALPH", "Bob's"), [2]),
        (ne("AN8", 2), [1, 3]),
        (AllOf(gt("AN8", 1), lt("AN8", 3)), [2]),
        (AllOf(ge("AN8", 2), le("AN8", 3)), [2, 3]),
        (between("AN8", 1, Decimal(2)), [1, 2]),
        (in_list("AN8", [3, 1]), [1, 3]),
        (starts_with("ALPH", "Cä"), [3]),
        (ends_with("ALPH", "n"), [1]),
        (contains("ALPH", "ro"), [3]),
        (is_blank("AT1"), [3]),
        (not_blank("AT1"), [1, 2]),
        (ge("UPMJ", date(2025, 7, 1)), [2]),
        (AnyOf(eq("AN8", 1), eq("AN8", 3)), [1, 3]),
        (AnyOf(gt("UPMJ", date(2025, 6, 30)), AllOf(eq("UPMJ", date(2025, 6, 30)), ge("UPMT", 93005))), [1, 2]),
        (AllOf(ne("AN8", 1), AnyOf(eq("AT1", "V"), AllOf(eq("ALPH", "Cärol"), lt("AN8", 9)))), [2, 3]),
        (AllOf(AnyOf(eq("AN8", 1), eq("AN8", 2)), AnyOf(eq("AN8", 2), eq("AN8", 3))), [2]),
        (AllOf(AllOf(AnyOf(AllOf(eq("AN8", 3)))), ne("AT1", "C")), [3]),
    ],
)
def test_conditions(people, where, expected):
    with people.client() as client:
        assert keys(client, where) == expected
        assert client.count("F0101", where) == len(expected)


@pytest.mark.parametrize(
    "pattern",
    ["MM/dd/yyyy", "dd/MM/yyyy", "dd/MM/yy", "yyyy/MM/dd", "MM/dd/yy", "yy/MM/dd", "dd.MM.yyyy", "yyyy-MM-dd"],
)
def test_dates_are_sent_in_the_users_own_format(people, pattern):
    people.control.switch(date_format=pattern, misread_dates=True)
    people.control.insert_rows(
        "F0101",
        [{"AN8": 4, "ALPH": "x", "UPMJ": "2025-02-03"}, {"AN8": 5, "ALPH": "y", "UPMJ": "2025-03-02"}],
        stamp=False,
    )
    with people.client() as client:
        assert client.user.date_format == pattern
        assert keys(client, eq("UPMJ", date(2025, 2, 3))) == [4]


def test_an_unknown_date_format_stops_the_log_in_and_gives_the_token_back(jde):
    jde.control.switch(date_format="yyyy/dd/MM")
    with jde.client() as client, pytest.raises(AisConfigError, match="P0092"):
        client.browse(BrowseRequest("F0101"))
    assert jde.calls("tokenrequest/logout") == 1


def test_columns_are_discovered_once(people):
    with people.client() as client:
        columns = {column.alias: column for column in client.columns("F0101")}
        client.columns("F0101")
    assert (columns["AN8"].kind, columns["ALPH"].kind, columns["UPMJ"].kind, columns["UPMT"].kind) == (
        "number",
        "string",
        "date",
        "number",
    )
    assert columns["AN8"].title == "Address Number"
    assert people.calls("/v2/dataservice") == 1


def test_a_fraction_comes_as_the_decimal_it_is(jde):
    jde.control.insert_rows("F0111", [{"AN8": 1, "IDLN": 0, "DSS5": "0.1"}], stamp=False)
    with jde.client() as client:
        value = client.browse(BrowseRequest("F0111", ("AN8", "DSS5"))).rows[0]["DSS5"]
    assert (type(value), value) == (Decimal, Decimal("0.1"))


def test_hidden_columns_are_simply_missing(people):
    people.control.switch(column_security={"F0101": ["ALPH"]})
    with people.client() as client:
        assert client.browse(BrowseRequest("F0101", ("AN8", "ALPH"), eq("AN8", 1))).rows == [{"AN8": 1}]


@pytest.mark.parametrize("status", [500, 503])
def test_an_unknown_table_or_column_is_named_at_once(jde, status):
    jde.control.switch(unknown_object_status=status)
    sleeps = []
    with jde.client(sleeps=sleeps) as client:
        with pytest.raises(AisConfigError, match=r"columns of F9999.*does not know a table") as unknown_table:
            client.columns("F9999")
        with pytest.raises(AisConfigError, match=r"read of F0101.*AN8 and not ABAN8.*F0101\.ABAN8"):
            client.browse(BrowseRequest("F0101", ("ABAN8",)))
    assert "\n" not in str(unknown_table.value)
    assert sleeps == []


def test_a_refused_table_is_told_from_a_dead_token(people):
    people.control.switch(refused_tables=["F0101"])
    with people.client() as client, pytest.raises(AisAuthError, match="Data Browser security"):
        keys(client, None)
    assert people.calls("v2/tokenrequest") == 2


def test_server_config_needs_no_log_in(jde):
    jde.control.switch(session_timeout_minutes=20, time_to_live_minutes=60)
    with jde.client(password="wrong") as client:
        config = client.server_config()
    assert (config.idle_seconds, config.lifetime_seconds) == (1200, 3600)
    assert "dataservice" in config.capabilities
    assert jde.calls("tokenrequest") == 0


@pytest.mark.parametrize("tail", ["", "/", "/jderest", "/jderest/", "/jderest/v2/"])
def test_the_address_is_taken_in_every_usual_form(people, tail):
    with people.client(url=people.url + tail) as client:
        assert keys(client, eq("AN8", 1)) == [1]


@pytest.mark.parametrize(
    "url", ["ais.example.com", "ftp://x", "http://", "http://u:p@x", "http://x?y=1", "http://x:99999", ""]
)
def test_an_address_that_is_none_is_refused(jde, url):
    with pytest.raises(AisConfigError, match="ais_url") as refused:
        jde.client(url=url)
    assert "u:p" not in str(refused.value)


@pytest.mark.parametrize("url", ["ais.example.com", "ais.example.com:7077", "10.0.0.1:7077/jderest"])
def test_an_address_without_its_scheme_is_told_what_is_missing(jde, url):
    with pytest.raises(AisConfigError, match=f"ais_url lacks https://.*give https://{url}"):
        jde.client(url=url)


def test_no_more_requests_at_once_than_allowed(people):
    people.control.fault("slow", path="v2/dataservice$", delay_ms=20, times=None)
    running, peak, lock = 0, 0, threading.Lock()
    with people.client(max_concurrency=2) as client:
        send = client._transport._session.request

        def watched(*args, **options):
            nonlocal running, peak
            with lock:
                running += 1
                peak = max(peak, running)
            try:
                return send(*args, **options)
            finally:
                with lock:
                    running -= 1

        client._transport._session.request = watched
        threads = [threading.Thread(target=keys, args=(client, None)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert peak == 2


def test_an_empty_combination_is_a_mistake_of_the_caller(people):
    with people.client() as client:
        for where in (AllOf(), AnyOf(), AllOf(eq("AN8", 1), AnyOf())):
            with pytest.raises(ValueError, match="at least one part"):
                keys(client, where)
    with pytest.raises(ValueError, match="at least one value"):
        in_list("AN8", [])
