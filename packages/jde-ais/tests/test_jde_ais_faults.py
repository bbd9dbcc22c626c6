"""Answers that are none: outages, damage, pages of other servers, errors inside a 200."""

from __future__ import annotations

import html
import json
import logging
from urllib.parse import quote

import pytest
from jde_ais import (
    AisAuthError,
    AisConfigError,
    AisError,
    AisProtocolError,
    AisUnavailable,
    BrowseRequest,
    Order,
    ResultSetExpired,
    keyset_pages,
    result_set_pages,
)
from jde_ais.redaction import Redactor, redact_url

READ = BrowseRequest("F0101", ("AN8",), order=(Order("AN8"),))


@pytest.fixture
def people(jde):
    jde.control.insert_rows("F0101", [{"AN8": n, "ALPH": "x" * 30} for n in range(1, 251)])
    return jde


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "body": "<html><body>Service Unavailable</body></html>"},
        {"kind": "status", "status": 502, "body": {"message": "upstream"}},
        {"kind": "status", "status": 429},
        {"kind": "reset"},
        {"kind": "truncate"},
    ],
)
def test_a_burst_of_faults_is_lived_through(people, fault, caplog):
    caplog.set_level(logging.INFO, "jde_ais")
    people.control.fault(path="v2/dataservice$", times=4, **fault)
    sleeps = []
    with people.client(sleeps=sleeps) as client:
        assert len(client.browse(READ).rows) == 250
    assert people.calls("/dataservice") == 5
    assert len(sleeps) == 4
    assert all(low <= wait <= 2 * low for low, wait in zip((0.5, 1, 2, 4), sleeps, strict=False))
    retries = [record for record in caplog.records if "next attempt in" in record.getMessage()]
    assert [record.levelno for record in retries] == [logging.INFO] * 4


def test_patience_has_an_end(people):
    people.control.fault(
        "status", path="v2/dataservice$", status=500, body={"message": "Connection pool is empty"}, times=None
    )
    with people.client() as client, pytest.raises(AisUnavailable, match="HTTP 500, Connection pool is empty") as error:
        client.browse(READ)
    assert error.value.reached
    assert people.calls("/dataservice") == 5


@pytest.mark.parametrize(
    ("body", "log_ins"),
    [
        ("", 1),
        ({"sysErrors": [{"TITLE": "JAS session timed out", "DESC": "sign in again"}]}, 2),
        ({"sysErrors": [{"TITLE": "JAS_MSG347: The query results expired."}]}, 1),
    ],
)
def test_what_passes_inside_a_200_costs_no_page(people, body, log_ins):
    with people.client() as client:
        client.browse(READ)
        people.control.fault("status", status=200, body=body, path="v2/dataservice$", skip=2)
        pages = keyset_pages(client, "F0101", [], ["AN8"], key_kinds={"AN8": "number"}, page_size=100)
        assert sum(len(page.rows) for page in pages) == 250
        assert len([one for one in people.control.requests() if one["status"] == 200]) > 4
    assert people.calls("v2/tokenrequest") == log_ins
    assert people.emulator.sessions.expire_all() == 0


def test_log_in_and_settings_are_tried_again_too(people):
    people.control.fault("status", path="defaultconfig", status=503, times=2)
    people.control.fault("reset", path="v2/tokenrequest$", times=2)
    with people.client() as client:
        assert len(client.browse(READ).rows) == 250


def test_a_wait_the_server_asks_for_is_honoured_within_reason(people):
    people.control.fault("status", path="v2/dataservice$", status=503, headers={"Retry-After": "17"})
    people.control.fault("status", path="v2/dataservice$", status=503, headers={"Retry-After": "86400"})
    people.control.fault(
        "status", path="v2/dataservice$", status=503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    )
    sleeps = []
    with people.client(sleeps=sleeps) as client:
        client.browse(READ)
    assert sleeps[:2] == [17, 120]
    assert sleeps[2] <= 4


def test_a_slow_answer_is_a_time_out(people):
    people.control.fault("timeout", path="v2/dataservice$", delay_ms=400)
    with people.client(timeout_seconds=0.1) as client:
        assert len(client.browse(READ).rows) == 250


def page(rows, **more):
    grid = {"rowset": rows, "columns": {}, "summary": {"records": len(rows), "moreRecords": False}}
    return {"fs_DATABROWSE_F0101": {"data": {"gridData": grid}, "errors": []}, "sysErrors": [], **more}


SYS_ERROR = {"TITLE": "Security Violation", "DESC": "User is not authorized to view F0101"}


@pytest.mark.parametrize(
    ("status", "headers", "content", "error", "words"),
    [
        (200, {}, b"<html><title>Sign in</title>", AisProtocolError, "not JSON.*check that ais_url"),
        (200, {}, b"", AisUnavailable, "the answer is empty"),
        (200, {}, {"sysErrors": [{"TITLE": "Session timed out"}]}, AisAuthError, "Session timed out.*refused again"),
        (200, {}, b"[]", AisProtocolError, "not JSON"),
        (200, {}, b'{"fs_DATABROWSE_F0101": {"da', AisUnavailable, "damaged"),
        (200, {}, b"{}", AisProtocolError, "error instead of data"),
        (200, {}, {"sysErrors": [SYS_ERROR]}, AisAuthError, "Data Browser security.*Security Violation"),
        (
            200,
            {},
            page([], sysErrors=[{"TITLE": "JAS_MSG347: The query results expired."}]),
            ResultSetExpired,
            "JAS_MSG347",
        ),
        (200, {}, {"sysErrors": [{"TITLE": "Table F0101 does not exist"}]}, AisConfigError, "check the names"),
        (200, {}, {"message": "Something", "exception": "E"}, AisProtocolError, "Something"),
        (
            200,
            {},
            {"fs_DATABROWSE_F0101": {"errors": [{"CODE": "1", "TITLE": "Bad"}], "data": {"gridData": {"rowset": []}}}},
            AisProtocolError,
            "Bad",
        ),
        (200, {}, {"fs_DATABROWSE_F0101": {"data": {}}}, AisProtocolError, "error instead of data"),
        (
            302,
            {"Location": "https://sso.example/login?token=1"},
            b"",
            AisConfigError,
            r"redirected to 'https://sso.example/login'",
        ),
        (400, {}, {"message": "Malformed"}, AisProtocolError, "HTTP 400, Malformed"),
        (401, {}, b"", AisAuthError, "HTTP 401"),
        (404, {}, b"<h1>Not Found</h1>", AisConfigError, "ais_url"),
        (501, {}, b"<h1>Unsupported method ('POST')</h1>", AisConfigError, "ais_url"),
        (405, {"Content-Type": "text/html"}, b"<html>no</html>", AisConfigError, "allowed hosts"),
        (407, {}, b"", AisConfigError, "NO_PROXY"),
        (415, {}, b"", AisProtocolError, "HTTP 415"),
        (444, {}, b"", AisAuthError, "refused again after a new log-in"),
        (500, {}, {"message": {"deep": {"message": "odd"}}}, AisUnavailable, "odd"),
        (500, {}, b"\xff\xfe", AisUnavailable, "HTTP 500"),
    ],
)
def test_every_other_answer_is_one_clear_line(stub_server, status, headers, content, error, words):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with (
        stub_server(lambda path: (status, headers, raw)) as stub,
        stub.client() as client,
        pytest.raises(AisError, match=words) as raised,
    ):
        client.browse(READ)
    assert isinstance(raised.value, error)
    assert str(raised.value).startswith("read of F0101: ")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 700


def shaped(**grid):
    whole = {"columns": {"F0101_AN8": "Address"}, "rowset": [{"F0101_AN8": 1}], "summary": {"records": 1}, **grid}
    return {"fs_DATABROWSE_F0101": {"data": {"gridData": whole}, "errors": []}, "sysErrors": [], "links": []}


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (shaped(rowset=[None]), AisProtocolError, "no object of columns but None"),
        (shaped(rowset=[[1]]), AisProtocolError, "no object of columns"),
        (shaped(rowset="x"), AisProtocolError, "error instead of data"),
        ({"fs_DATABROWSE_F0101": {"data": [1], "errors": []}}, AisProtocolError, "error instead of data"),
        (shaped(summary={"records": 5}), AisUnavailable, "summary tells of 5 rows, it holds 1"),
        (shaped(summary={"records": 0}, columns={}), AisUnavailable, "summary tells of 0 rows, it holds 1"),
    ],
)
def test_malformed_pages_are_one_clear_line(stub_server, content, error, words):
    with (
        stub_server(lambda path: (200, {}, json.dumps(content).encode())) as stub,
        stub.client() as client,
        pytest.raises(error, match=words),
    ):
        client.browse(READ)


@pytest.mark.parametrize("rows", [[None], ["x"], [], [{}]])
def test_malformed_discoveries_are_one_clear_line(stub_server, rows):
    with (
        stub_server(lambda path: (200, {}, json.dumps(shaped(rowset=rows)).encode())) as stub,
        stub.client() as client,
        pytest.raises(AisProtocolError, match="columns of F0101: "),
    ):
        client.columns("F0101")


def test_odd_shapes_nobody_needs_are_passed_over(stub_server):
    content = json.dumps({**shaped(columns=["AN8"]), "links": 3}).encode()
    with stub_server(lambda path: (200, {}, content)) as stub:
        stub.config = {"capabilityList": 5, "sessionTimeout": "30"}
        with stub.client() as client:
            assert [column.alias for column in client.columns("F0101")] == ["AN8"]
            assert client.browse(READ).rows == [{"AN8": 1}]
            assert client.server_config().capabilities == frozenset()


def test_a_log_in_that_tells_its_user_as_text(stub_server):
    with stub_server(lambda path: (500, {}, b"")) as stub:
        stub.login = {"userInfo": "x"}
        with stub.client() as client, pytest.raises(AisProtocolError, match="log-in of U: "):
            client.browse(READ)


def test_an_allowed_hosts_page_at_log_in(stub_server):
    with stub_server(lambda path: (405, {}, b"<html>")) as stub:
        stub.login = None
        with stub.client() as client, pytest.raises(AisConfigError, match=r"log-in of U: HTTP 405.*Server Manager"):
            client.browse(READ)


def test_an_address_of_something_else(stub_server):
    with stub_server(lambda path: (404, {}, b"<h1>nginx</h1>")) as stub:
        stub.login = stub.config = None
        with stub.client() as client, pytest.raises(AisConfigError, match="no AIS Server here; ais_url"):
            client.browse(READ)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"ds_F0101": {"error": {"message": "Unknown column QQ", "exception": "E"}}}, AisConfigError),
        ({"ds_F0101": {"output": []}}, AisProtocolError),
        ({"ds_F0101": {"output": [{"COUNT": "x"}]}}, AisProtocolError),
        ({"sysErrors": [SYS_ERROR]}, AisAuthError),
        ({}, AisProtocolError),
    ],
)
def test_errors_inside_a_count(stub_server, content, error):
    with (
        stub_server(lambda path: (200, {}, json.dumps(content).encode())) as stub,
        stub.client() as client,
        pytest.raises(error),
    ):
        client.count("F0101")


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_no_secret_in_logs_or_errors(people, caplog):
    caplog.set_level(logging.DEBUG)
    people.control.fault("status", path="v2/dataservice$", status=503, body={"message": "for Emul8-JDE"}, times=2)
    secrets = {"Emul8-JDE"}
    errors = []
    with people.client() as client:
        pages = result_set_pages(client, BrowseRequest("F0101", ("AN8",), page_size=100))
        next(pages)
        next(pages)
        secrets.add(client._session.token().value)
        people.control.fault("reset", path="dataservice/next")
        with pytest.raises(ResultSetExpired) as lost:
            next(pages)
        errors.append(lost.value)
        people.control.fault(
            "status", path="v2/dataservice$", status=500, body={"message": f"token {min(secrets)}"}, times=None
        )
        with pytest.raises(AisUnavailable) as down:
            list(keyset_pages(client, "F0101", [], ["AN8"], key_kinds={"AN8": "number"}))
        errors.append(down.value)
        assert "Emul8-JDE" not in repr(client.settings)
    # The emulator runs in this process; its own log is none of the client's.
    texts = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    texts += [repr(one) for error in errors for one in chain(error)]
    assert any("dataservice/next" in text for text in texts), "urllib3's own lines are part of this test"
    for secret in secrets:
        for form in (secret, quote(secret, safe="")):
            assert not [text for text in texts if form in text]


@pytest.mark.parametrize("password", ['Tiger"77', "Tiger\\77", "Ti<g>er&77", "Tigér77", "Ti/g'er77", 'Ti"<77'])
@pytest.mark.parametrize(
    "shown",
    [
        str,
        quote,
        lambda text: json.dumps({"password": text}),
        lambda text: json.dumps({"password": text}, ensure_ascii=False),
        lambda text: json.dumps(text).replace("/", "\\/"),
        html.escape,
        lambda text: html.escape(json.dumps(text)),
        lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    ],
)
def test_a_request_quoted_by_the_server_shows_no_password(stub_server, password, shown):
    with stub_server(lambda path: (200, {}, b"")) as stub:
        stub.login = {"sysErrors": [{"TITLE": f"Malformed request: {shown(password)}"}]}
        with stub.client(password=password) as client, pytest.raises(AisProtocolError, match="Malformed") as error:
            client.browse(READ)
    assert "77" not in str(error.value)


def test_redaction():
    assert redact_url("/next?rid=1&token=a%2Bb&x=1") == "/next?rid=1&token=***&x=1"
    assert redact_url("GET /t?$token=abc&$password=p HTTP/1.1") == "GET /t?$token=***&$password=*** HTTP/1.1"
    redact = Redactor("a+b", "")
    assert redact("got a+b\nand a%2Bb") == "got *** and ***"
