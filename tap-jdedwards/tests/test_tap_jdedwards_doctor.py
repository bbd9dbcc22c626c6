"""The doctor tells what is wrong with a set-up and what helps, tries a password once, and repeats no secret."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
import trustme
from doctor_findings import Status
from hypothesis import given
from hypothesis import strategies as st
from jde_ais import AisSettings
from service_emulators.testing import start_jde
from tap_jdedwards.doctor.clock import check_clock, likely_zones, split_difference
from tap_jdedwards.doctor.fetching import advice
from tap_jdedwards.doctor.network import Route, check_network

PASSWORD = "Wr0ng-S3cret"
NOON = dt.datetime(2026, 11, 24, 12, 0, 0)


class Doctor:
    """Runs the doctor as a user does."""

    def __init__(self, folder):
        self.file = folder / "config.json"

    def __call__(self, config, **environment):
        self.file.write_text(json.dumps(config))
        command = [sys.executable, "-m", "tap_jdedwards", "doctor", "--config", str(self.file), "--json"]
        env = {**os.environ, "PYTHONWARNINGS": "ignore", **environment}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
        assert config.get("password", PASSWORD) not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        report = json.loads(done.stdout)
        self.failed = [one for one in report["findings"] if one["status"] == "failed"]
        self.warnings = [one for one in report["findings"] if one["status"] == "warning"]
        self.by_check = {one["check"]: one for one in report["findings"]}
        assert done.returncode == (1 if self.failed else 0)
        assert (report["failed"], report["warning"]) == (len(self.failed), len(self.warnings))
        assert all(one["remedy"] for one in (*self.failed, *self.warnings))
        return report["findings"]


@pytest.fixture
def doctor(tmp_path):
    return Doctor(tmp_path)


def test_a_right_set_up_has_no_failure_and_logs_in_and_out_once(jde, runner_of, doctor):
    doctor(runner_of(jde).config(tables=["F0101"], streams=["customers"]))
    assert doctor.failed == []
    checks = ["settings", "name", "port", "TLS", "AIS Server", "capabilities", "log-in", "session", "date format"]
    assert list(doctor.by_check)[:9] == checks
    assert {"table F0101", "table F03012", "table F0116", "clock", "page size"} <= doctor.by_check.keys()
    asked = jde.control.counters()["by_endpoint"]
    assert asked["POST /jderest/v2/tokenrequest"] == asked["POST /jderest/v2/tokenrequest/logout"] == 1
    assert jde.emulator.sessions.expire_all() == 0


def test_the_text_says_the_same_in_lines(read, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(read.config(tables=["F0101", "F9999"])))
    command = [sys.executable, "-m", "tap_jdedwards", "doctor", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok       settings         valid")
    (line,) = [number for number, line in enumerate(lines) if line.startswith("failed")]
    assert lines[line].split()[1:3] == ["table", "F9999"]
    assert lines[line + 1].strip().startswith("→ correct the name")
    assert "1 failed" in lines[-1]


def test_a_wrong_password_is_tried_once(jde, runner_of, doctor):
    doctor(runner_of(jde).config(tables=["F0101"], password=PASSWORD))
    (finding,) = doctor.failed
    assert finding["check"] == "log-in"
    assert "tried once" in finding["text"]
    assert "password" in finding["remedy"]
    assert jde.control.counters()["by_endpoint"]["POST /jderest/v2/tokenrequest"] == 1
    assert not any(check.startswith("table") for check in doctor.by_check)


@pytest.mark.parametrize(
    ("changes", "text", "remedy"),
    [
        ({"page_size": 0}, "page_size", "--about"),
        ({"password": 4711471147}, "the password must be text", "--about"),
        ({"password": None}, "the setting password is missing", "TAP_JDEDWARDS_PASSWORD"),
        ({"ais_url": "ais.example.com"}, "ais_url lacks https://", "https://ais.example.com"),
        ({"start_date": "last week"}, "start_date", ""),
        ({"streams": ["vendrs"]}, "vendrs", "customers"),
        ({"detect_deletes": "keys", "keys_path": "/proc/1/keys"}, "keys_path /proc/1/keys cannot be written", "folder"),
    ],
)
def test_wrong_settings_are_told(read, tmp_path, changes, text, remedy):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(read.config(**{"tables": ["F0101"], **changes})))
    command = [sys.executable, "-m", "tap_jdedwards", "doctor", "--config", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["status"] == "failed"]
    assert finding["check"] == "settings"
    assert text in finding["text"] + finding["remedy"]
    assert remedy in finding["text"] + finding["remedy"]
    assert "4711471147" not in done.stdout + done.stderr


def test_tables_unknown_refused_or_without_a_known_key(jde, runner_of, doctor):
    jde.control.switch(refused_tables=["F0115"])
    doctor(runner_of(jde).config(tables=["F0101", "F9999", "F0115"], streams=["contacts"]))
    texts = {one["check"]: one for one in doctor.failed}
    assert texts.keys() == {"table F9999", "table F0115"}
    assert "does not know it" in texts["table F9999"]["text"]
    assert "refused" in texts["table F0115"]["text"]
    assert "P00950" in texts["table F0115"]["remedy"]
    assert doctor.by_check["table F01151"]["status"] == "ok", "a table that only a composed stream needs"


def test_rows_and_columns_hidden_by_security(jde, runner_of, doctor):
    jde.control.switch(
        column_security={"F0101": ["UPMJ", "TAX"], "F0115": ["UPMT"], "F0111": ["IDLN"]},
        row_security={"F0401": {"AN8": [str(row["AN8"]) for row in jde.control.rows("F0401")]}},
    )
    doctor(runner_of(jde).config(tables=["F0101", "F0115", "F0111", "F0401"], streams=["customers"]))
    warned = [(one["check"], one["text"]) for one in doctor.warnings]
    assert any(check == "columns F0101" and "UPMJ is not to be seen" in text for check, text in warned)
    assert any(check == "columns F0101" and "TAX" in text and "customers" in text for check, text in warned)
    assert any(check == "columns F0115" and "UPMT is not to be seen" in text for check, text in warned)
    assert ("table F0401", "no rows to see") in warned
    (finding,) = doctor.failed
    assert (finding["check"], "IDLN" in finding["text"]) == ("table F0111", True)


def test_business_views_and_the_codes_table(runner_of, doctor):
    with start_jde(customers=10, contacts=0, documents=3) as jde:
        doctor(runner_of(jde).config(tables=["V0101", "V4301A"]))
        assert doctor.by_check["table V0101"]["status"] == "ok"
        (finding,) = doctor.failed
        assert (finding["check"], "table_keys" in finding["remedy"]) == ("table V4301A", True)
        key = ["F4311.DOCO", "F4311.DCTO", "F4311.KCOO", "F4311.SFXO", "F4311.LNID"]
        doctor(runner_of(jde).config(tables=["V4301A"], table_keys={"V4301A": key}))
        assert doctor.failed == []
        jde.control.switch(refused_tables=["F0005"])
        doctor(runner_of(jde).config(streams=["customers"], udc_descriptions=True))
        assert [one["check"] for one in doctor.failed] == ["table F0005"]


def test_rows_without_a_date(jde, runner_of, doctor):
    jde.control.update_rows("F0401", {}, {"UPMJ": None}, stamp=False)
    rows = len(jde.control.rows("F0401"))
    doctor(runner_of(jde).config(tables=["F0401"]))
    (finding,) = [one for one in doctor.warnings if one["check"] == "dates F0401"]
    assert f"{rows} of {rows} rows have no UPMJ" in finding["text"]
    assert "replication_columns" in finding["remedy"]
    doctor(runner_of(jde).config(tables=["F0401"], replication_columns={"F0401": ""}))
    assert doctor.warnings == []
    assert "whole at every run" in doctor.by_check["table F0401"]["text"]
    doctor(runner_of(jde).config(tables=["F0401"], replication_columns={"F0401": "AN8"}))
    assert "AN8 is no date" in doctor.failed[0]["text"]
    jde.control.update_rows("F03012", {}, {"UPMJ": None}, stamp=False)
    doctor(runner_of(jde).config(streams=["customers"]))
    assert "shows in customers with the next whole load" in doctor.by_check["dates F03012"]["text"]


def test_a_clock_in_the_zone_of_the_user_is_well_and_one_three_hours_or_seven_minutes_off_is_not(
    jde, runner_of, doctor
):
    config = runner_of(jde).config(tables=["F0401"])
    jde.control.set_clock(offset_seconds=-5 * 3600)
    doctor(config)
    assert doctor.by_check["clock"]["status"] == "ok"
    assert "-5 h" in doctor.by_check["clock"]["text"]
    jde.control.set_clock(offset_seconds=3 * 3600)
    doctor(config)
    finding = doctor.by_check["clock"]
    assert finding["status"] == "warning"
    assert "differs from UTC by +3 h, which is neither" in finding["text"]
    assert finding["remedy"].startswith("if the server does not stand in a zone of +3 h, have the clocks set by NTP")
    jde.control.set_clock(offset_seconds=3 * 3600 + 420)
    doctor(config)
    finding = doctor.by_check["clock"]
    assert finding["status"] == "warning"
    assert "+3 h of its time zone and +7 min" in finding["text"]
    assert "nothing is lost" in finding["remedy"]


def test_a_fetch_limit_below_the_page_size_is_measured(jde, runner_of, doctor):
    jde.control.switch(fetch_cap=50)
    doctor(runner_of(jde).config(tables=["F0115"]))
    assert "set page_size to 50" in doctor.by_check["page size"]["remedy"]
    doctor(runner_of(jde).config(tables=["F0115"], page_size=20))
    assert doctor.by_check["page size"]["status"] == "ok"
    assert "up to 50" in doctor.by_check["page size"]["text"]


def test_date_formats(jde, runner_of, doctor):
    jde.control.switch(date_format="dd/MM/yy")
    doctor(runner_of(jde).config(tables=["F0401"]))
    assert "two digits" in doctor.by_check["date format"]["text"]


def test_a_host_that_is_none_and_a_port_that_is_closed(read, doctor):
    doctor(read.config(ais_url="http://no-such-host.invalid:7077"))
    assert [(one["check"], "no-such-host.invalid" in one["text"]) for one in doctor.failed] == [("name", True)]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    doctor(read.config(ais_url=f"http://127.0.0.1:{port}"))
    assert [(one["check"], str(port) in one["text"]) for one in doctor.failed] == [("port", True)]


def test_something_else_than_an_ais_server(read, doctor):
    doctor(read.config(ais_url=read.jde.url + "/elsewhere"))
    (finding,) = doctor.failed
    assert (finding["check"], "HTTP 404" in finding["text"]) == ("AIS Server", True)
    assert "ais_url" in finding["remedy"]


def test_an_old_server_is_named_with_its_release(jde, runner_of, doctor):
    jde.control.switch(v1_only=True)
    doctor(runner_of(jde).config(tables=["F0101"]))
    (finding,) = doctor.failed
    assert finding["check"] == "AIS Server"
    assert "EnterpriseOne 9." in finding["text"]
    assert "Tools 9.2.1.2" in finding["remedy"]
    assert not any("tokenrequest" in path for path in jde.control.counters()["by_endpoint"]), "no log-in is wasted"


def test_an_expired_certificate_of_an_ais_server(runner_of, doctor, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name, life in (("expired", {"not_after": ago(2)}), ("good", {})):
        certificate = authority.issue_cert("127.0.0.1", **life)
        files = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(str(files[0]), append=True)
        certificate.private_key_pem.write_to_path(str(files[1]))
        with start_jde(customers=3, contacts=0, tls=files) as jde:
            doctor(runner_of(jde).config(tables=["F0401"], ca_bundle=str(tmp_path / "ca.pem")))
        assert [one["check"] for one in doctor.failed] == (["TLS"] if name == "expired" else [])
    assert "good until" in doctor.by_check["TLS"]["text"]


@contextmanager
def tls_server(certificate):
    """Shakes hands and hangs up."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True):
                    pass
            except OSError:
                plain.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def ago(days):
    return dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=days)


@pytest.mark.parametrize(
    ("case", "status", "text"),
    [
        ("good", Status.OK, "good until"),
        ("unchecked", Status.WARNING, "not checked"),
        ("unknown", Status.FAILED, "authority that is not among"),
        ("expired", Status.FAILED, "has expired"),
        ("future", Status.FAILED, "not valid yet"),
        ("soon", Status.WARNING, "expires in 9 days"),
        ("other", Status.FAILED, "another host"),
        ("plain", Status.FAILED, "no TLS connection"),
        ("no file", Status.FAILED, "no TLS connection"),
    ],
)
def test_certificates(tmp_path, case, status, text):
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    life = {"expired": {"not_after": ago(2)}, "soon": {"not_after": ago(-9.5)}, "future": {"not_before": ago(-2)}}
    name = "ais.example.com" if case == "other" else "127.0.0.1"
    certificate = authority.issue_cert(name, **life.get(case, {}))
    verify = {"unchecked": False, "unknown": True, "no file": str(tmp_path / "none.pem")}.get(case, str(file))
    with tls_server(certificate) as port, socket.create_server(("127.0.0.1", 0)) as silent:
        there = silent.getsockname()[1] if case == "plain" else port
        settings = AisSettings(f"https://127.0.0.1:{there}", "U", PASSWORD, verify=verify, timeout_seconds=2)
        finding = list(check_network(settings))[-1]
    assert (finding.check, finding.status) == ("TLS", status)
    assert text in finding.text


def test_the_route_follows_proxy_and_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    plain = AisSettings("https://ais.example.com", "U", PASSWORD)
    assert Route.of(plain).first_stop == ("ais.example.com", 443)
    given_ = AisSettings("https://ais.example.com", "U", PASSWORD, proxy_url="http://user:pw@proxy.example.com:3128")
    assert Route.of(given_).first_stop == ("proxy.example.com", 3128)
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example.com:8080")
    assert Route.of(plain).first_stop == ("other.example.com", 8080)
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert Route.of(plain).first_stop == ("ais.example.com", 443)


@given(
    st.sampled_from([-720, -570, -300, 0, 60, 330, 345, 765, 840]),
    st.integers(-120, 120),
)
def test_a_zone_explains_a_difference_of_its_own_and_no_more(minutes, seconds):
    difference = dt.timedelta(minutes=minutes, seconds=seconds)
    assert split_difference(difference) == (dt.timedelta(minutes=minutes), dt.timedelta(seconds=seconds))
    assert check_clock(NOON + difference, NOON, {dt.timedelta(minutes=minutes)}).status is Status.OK
    assert (check_clock(NOON + difference, NOON).status is Status.OK) == (minutes == 0)


@pytest.mark.parametrize(
    ("told", "minutes"), [("UTC-05:00", (-300, -240)), ("UTC+05:30", (330, 390)), ("GMT+1", (60, 120)), ("", ())]
)
def test_the_zone_of_the_user_is_read_from_the_log_in(told, minutes):
    own = dt.datetime.now().astimezone().utcoffset()
    assert likely_zones(told) == {own, *(dt.timedelta(minutes=one) for one in minutes)}


@given(st.timedeltas(dt.timedelta(days=-400), dt.timedelta(days=400)))
def test_zone_and_rest_make_the_difference(difference):
    zone, rest = split_difference(difference)
    assert (zone or dt.timedelta(0)) + rest == difference
    assert zone is None or abs(rest) <= dt.timedelta(minutes=15)


def test_a_clock_in_another_year_is_no_time_zone():
    finding = check_clock(NOON - dt.timedelta(days=365), NOON)
    assert finding.status is Status.WARNING
    assert "no time zone explains" in finding.text
    assert check_clock(None, NOON).status is Status.OK


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_advice_never_asks_for_more_than_the_server_gives(page_size, got, more):
    finding = advice(page_size, got=got, there=got + more, name="F0101")
    assert (finding.status is Status.WARNING) == (more > 0 and page_size > got)
    if finding.remedy:
        assert f"page_size to {got}," in finding.remedy


def test_an_account_without_log_in_by_password(doctor, runner_of):
    with start_jde(customers=3, contacts=0, allow_user_password=False, allow_basic=False) as jde:
        doctor(runner_of(jde).config(tables=["F0101"]))
    assert [one["check"] for one in doctor.failed] == ["log-in"]
