"""Tokens: log-in, limits, renewal, log-out."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from jde_ais import AisAuthError, AisClient, AisSettings, AisUnavailable, BrowseRequest, eq

READ = BrowseRequest("F0101", ("AN8",))
LOGINS = "v2/tokenrequest"


def dataservice_requests(jde):
    return [one for one in jde.control.requests() if one["path"].endswith("/dataservice")]


def test_one_token_is_used_and_given_back(jde):
    with jde.client() as client:
        client.browse(READ)
        client.browse(READ)
        assert jde.emulator.sessions.expire_all() == 1
    assert (jde.calls(LOGINS), jde.calls("/logout")) == (1, 1)


def test_threads_share_one_token(jde):
    barrier = threading.Barrier(6)
    with jde.client(max_concurrency=6) as client:

        def read():
            barrier.wait()
            client.browse(READ)

        for expired in (False, True):
            if expired:
                jde.control.expire_sessions()
            threads = [threading.Thread(target=read) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert jde.calls(LOGINS) == 1 + expired


@pytest.mark.parametrize("status", [444, 403])
def test_a_dead_token_costs_one_log_in_and_no_row(jde, status):
    jde.control.switch(invalid_token_status=status)
    with jde.client() as client:
        client.browse(READ)
        jde.control.expire_sessions()
        assert client.browse(READ).rows == []
        assert client.count("F0101") == 0
    assert jde.calls(LOGINS) == 2


def test_a_session_that_died_under_a_live_token_costs_one_log_in(jde):
    sleeps = []
    with jde.client(sleeps=sleeps) as client:
        client.browse(READ)
        jde.control.fault("status", path="dataservice", status=500, body={"message": "session is gone"}, times=5)
        assert client.browse(READ).rows == []
    assert (jde.calls(LOGINS), len(sleeps)) == (2, 4)


def test_a_new_token_that_dies_after_serving_another_thread_is_renewed_too(jde, monkeypatch):
    jde.control.fault("status", path="dataservice", status=444, body={"message": "Invalid Token"}, times=2)
    with jde.client() as client:
        renew = client._session.renew

        def serve_another_thread(refused, *, gone):
            token = renew(refused, gone=gone)
            token.proven = True
            return token

        monkeypatch.setattr(client._session, "renew", serve_another_thread)
        assert client.browse(READ).rows == []
    assert jde.calls(LOGINS) == 3


def test_a_token_that_never_works_ends_in_one_clear_error(jde):
    jde.control.fault("status", path="dataservice", status=444, body={"message": "Invalid Token"}, times=None)
    sleeps = []
    with jde.client(sleeps=sleeps) as client, pytest.raises(AisAuthError, match=r"444, Invalid Token; refused again"):
        client.browse(READ)
    assert (jde.calls("/dataservice"), jde.calls(LOGINS), sleeps) == (3, 3, [])


def test_sessions_ended_between_a_log_in_and_its_first_read_cost_one_more_log_in(jde):
    jde.control.fault("sign_off", path="dataservice", times=2)
    with jde.client() as client:
        client.browse(READ)
    assert (jde.calls("/dataservice"), jde.calls(LOGINS)) == (3, 3)


def test_refused_tables_leave_no_session_behind(jde):
    refused = ["F0111", "F0115", "F0116"]
    jde.control.switch(refused_tables=refused)
    with jde.client() as client:
        for table in refused:
            with pytest.raises(AisAuthError, match="Data Browser security"):
                client.browse(BrowseRequest(table))
        client.browse(READ)
    assert jde.emulator.sessions.expire_all() == 0
    assert jde.calls("/logout") == jde.calls(LOGINS)


def test_a_wrong_password_is_sent_once(jde):
    sleeps = []
    with jde.client(password="hunter2", sleeps=sleeps) as client:
        for _ in range(3):
            with pytest.raises(AisAuthError, match="check username and password") as refused:
                client.browse(READ)
            assert "hunter2" not in repr(refused.value)
    assert (jde.calls(LOGINS), sleeps) == (1, [])


def test_a_refused_environment_is_named(jde):
    with (
        jde.client(environment="XX920") as client,
        pytest.raises(AisAuthError, match=r"; check that the user may use environment XX920"),
    ):
        client.browse(READ)


def test_cookies_are_kept(jde):
    jde.control.switch(require_session_cookie=True)
    with jde.client() as client:
        client.browse(READ)
        jde.control.expire_sessions()
        client.browse(READ)
    assert jde.calls(LOGINS) == 2


def test_basic_log_in_where_the_server_takes_no_password_in_the_body(jde):
    jde.control.switch(allow_user_password=False)
    with jde.client() as client:
        client.browse(READ)
    assert jde.calls(LOGINS) == 1


def test_the_token_travels_in_headers_alone(stub_server):
    def answer(path):
        return 500, {}, b'{"message": "Invalid column"}'

    with stub_server(answer) as stub, stub.client(device_name="dev-1") as client:
        with pytest.raises(Exception, match="column"):
            client.browse(READ)
        (read,) = [one for one in stub.seen if one[1] == "/jderest/v2/dataservice"]
        assert read[3]["jde-AIS-Auth"] == "t0ken+/="
        assert read[3]["jde-AIS-Auth-Device"] == "dev-1"
        assert b"t0ken" not in read[2]
        assert json.loads(read[2])["deviceName"] == "dev-1"
        assert not any("t0ken" in path for path in stub.paths())


def test_an_idle_token_is_replaced_before_the_server_drops_it(jde, clock):
    jde.control.switch(session_timeout_minutes=10)
    with jde.client(clock=clock) as client:
        client.browse(READ)
        clock.now += 8 * 60
        client.browse(READ)
        assert jde.calls(LOGINS) == 1
        clock.now += 9 * 60 + 1
        client.browse(READ)
        assert jde.calls(LOGINS) == 2
    assert jde.calls("dataservice") == 3
    assert "444" not in jde.control.counters()["by_status"]


def test_an_old_token_is_replaced_though_it_is_in_use(jde, clock):
    jde.control.switch(session_timeout_minutes=60, time_to_live_minutes=60)
    with jde.client(clock=clock) as client:
        for _ in range(3 * 59 // 10):
            client.browse(READ)
            clock.now += 10 * 60
        assert jde.calls(LOGINS) == 3
    assert jde.emulator.sessions.expire_all() == 0, "replaced tokens must be given back as well"


def test_twenty_five_minutes_where_the_server_tells_no_limits(stub_server, clock):
    with stub_server(lambda path: (200, {}, b'{"ds_F0101": {"output": [{"COUNT": 3}]}}')) as stub:
        stub.config = {}
        with AisClient(AisSettings(stub.url, "U", "p"), clock=clock) as client:
            for seconds, logins in ((0, 1), (1499, 1), (1, 2), (1500, 3)):
                clock.now += seconds
                assert client.count("F0101") == 3
                assert stub.paths().count("/jderest/v2/tokenrequest") == logins


@pytest.mark.parametrize("failure", [(404, {}, b""), (500, {}, b"oops"), (200, {}, b"<html>"), (444, {}, b"{}")])
def test_settings_the_server_does_not_tell_are_no_reason_to_stop(stub_server, failure):
    def answer(path):
        return failure if "defaultconfig" in path else (200, {}, b'{"ds_F0101": {"output": [{"COUNT": 3}]}}')

    with stub_server(answer) as stub:
        stub.config = None
        with stub.client() as client:
            assert client.count("F0101", eq("AN8", 1)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "headers": {"Retry-After": "100"}},
        {"kind": "timeout"},
    ],
    ids=["waits for the next attempt", "waits for an answer"],
)
def test_closing_ends_every_wait(jde, fault):
    client = AisClient(jde.settings())
    assert client.browse(READ).rows == []
    jde.control.fault(path="v2/dataservice$", times=None, **fault)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.browse, READ) for _ in range(3)]  # one of them for a slot
        while jde.calls("/dataservice") < 2 and fault["kind"] == "status":
            time.sleep(0.01)
        time.sleep(0.3)
        begun = time.monotonic()
        client.close()
        errors = [one.exception(timeout=5) for one in waiting]
    assert time.monotonic() - begun < 2
    assert all(isinstance(error, AisUnavailable) for error in errors), errors
    assert jde.calls("/logout") == 1
    assert jde.emulator.sessions.expire_all() == 0


def test_log_out_hides_no_other_error(jde):
    jde.control.fault("reset", path="logout")

    def work():
        with jde.client() as client:
            client.browse(READ)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert jde.calls("/logout") == 1


def test_a_client_that_never_read_logs_in_and_out_never(jde):
    jde.client().close()
    assert jde.control.counters()["requests"] == 0


def test_a_closed_client_says_so(jde):
    client = jde.client()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.browse(READ)


def test_an_unreachable_host_is_one_line_about_the_setting(jde):
    sleeps = []
    words = r"cannot reach http://127\.0\.0\.1:9: .*refused.*ais_url"
    with (
        jde.client(url="http://127.0.0.1:9", sleeps=sleeps) as client,
        pytest.raises(AisUnavailable, match=words) as error,
    ):
        client.browse(READ)
    assert not error.value.reached
    assert "\n" not in str(error.value)
    assert len(sleeps) == 2  # first contact: more likely a wrong address than a passing fault


def test_an_unknown_host_name_is_unreachable_too(jde):
    with jde.client(url="http://ais.invalid:7077") as client, pytest.raises(AisUnavailable, match="cannot reach"):
        client.browse(READ)
