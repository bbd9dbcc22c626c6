"""What goes wrong is one line, a non-zero exit, no secret, and costs no other stream anything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from jde_ais import AisClient
from service_emulators.testing import start_jde
from tap_jdedwards.failures import IncompleteRunError

NOISE = ("METRIC", "| INFO ", "| WARNING ")


def tap(config, tmp_path, *arguments, **options):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    command = [sys.executable, "-m", "tap_jdedwards", "--config", str(file), *arguments]
    # The SDK warns of a Python near the end of its life; the lines looked at here are the tap's own.
    options.setdefault("env", {**os.environ, "PYTHONWARNINGS": "ignore"})
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def errors(done):
    return [line for line in done.stderr.splitlines() if not any(noise in line for noise in NOISE)]


def messages(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_wrong_password_is_one_line(read, tmp_path):
    done = tap(read.config(tables=["F0101"], password="Wr0ng-S3cret"), tmp_path)
    assert done.returncode == 1
    (line,) = errors(done)
    assert "password" in line
    assert "TAPUSER" in line
    assert "Traceback" not in done.stderr
    assert "Wr0ng-S3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize("argument", ["--discover", "--test"])
def test_a_wrong_password_is_one_line_in_every_mode(read, tmp_path, argument):
    done = tap(read.config(tables=["F0101"], password="Wr0ng-S3cret"), tmp_path, argument)
    assert done.returncode == 1
    assert len(errors(done)) == 1
    assert done.stdout == ""


@pytest.mark.slow
def test_an_unreachable_host_is_one_line(tmp_path, read):
    done = tap(read.config(ais_url="http://127.0.0.1:9"), tmp_path)
    assert done.returncode == 1
    (line,) = errors(done)
    assert "127.0.0.1:9" in line
    assert "ais_url" in line


def test_an_unknown_table_does_not_stop_the_others(read, tmp_path):
    done = tap(read.config(tables=["F9999", "F0101", "F0006"], streams=["no_such"]), tmp_path)
    assert done.returncode == 1
    first, second = errors(done)
    assert "F9999" in first
    assert "no_such" in second
    assert "the setting streams names it, but there are only business_partners, contacts, customer_credit, " in second
    state = [one for one in messages(done) if one["type"] == "STATE"][-1]["value"]
    assert state["bookmarks"].keys() == {"F0101", "F0006"}
    assert "replication_key_value" in state["bookmarks"]["F0101"]


def test_discovery_shows_what_there_is_and_tells_the_rest(read, tmp_path):
    done = tap(read.config(tables=["F9999", "F0101"]), tmp_path, "--discover")
    assert [entry["tap_stream_id"] for entry in json.loads(done.stdout)["streams"]] == ["F0101"]
    (line,) = errors(done)
    assert "F9999" in line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"page_size": 0}, "page_size"),
        ({"password": None}, "password"),
        ({"password": 4711471147}, "the password must be text, in quotes"),
        ({"tables": ["F0101", " "]}, "tables and streams must not hold empty names"),
        ({"ais_url": "http://ais example:7077"}, "ais_url must be the address"),
        ({"start_date": "last week"}, "start_date must be a day like 2026-11-20, not 'last week'"),
        ({"definitions_file": "/nowhere.yml"}, "definitions_file /nowhere.yml cannot be read"),
        ({"ais_url": "ais.example.com"}, "ais_url lacks https://"),
    ],
)
def test_wrong_settings_are_told_by_name(read, tmp_path, changes, message):
    done = tap(read.config(**{"tables": ["F0101"], **changes}), tmp_path)
    assert done.returncode == 1
    assert message in errors(done)[0]
    assert "Traceback" not in done.stderr
    assert read.jde.password not in done.stderr
    assert "4711471147" not in done.stderr


def test_a_malformed_environment_variable_is_one_line():
    environment = {**os.environ, "TAP_JDEDWARDS_AIS_URL": "http://127.0.0.1:9", "TAP_JDEDWARDS_USERNAME": "TAPUSER"}
    environment |= {"TAP_JDEDWARDS_PASSWORD": "Wr0ng-S3cret", "TAP_JDEDWARDS_PAGE_SIZE": "many"}
    command = [sys.executable, "-m", "tap_jdedwards", "--config=ENV"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 1
    (line,) = errors(done)
    assert "TAP_JDEDWARDS_PAGE_SIZE must be a whole number" in line


def test_a_state_of_another_shape_starts_no_load_from_the_beginning(read, tmp_path):
    (tmp_path / "state.json").write_text('{"type": "STATE", "value": {"bookmarks": {}}}')
    done = tap(read.config(tables=["F0101"]), tmp_path, "--state", str(tmp_path / "state.json"))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = errors(done)
    assert "The state file holds no Singer state" in line


def test_a_catalog_of_another_shape(read, tmp_path):
    (tmp_path / "catalog.json").write_text('{"streams": [{}]}')
    done = tap(read.config(tables=["F0101"]), tmp_path, "--catalog", str(tmp_path / "catalog.json"))
    assert done.returncode == 1
    (line,) = errors(done)
    assert "The catalog file holds no Singer catalog" in line


@pytest.mark.parametrize(
    "position",
    [
        {"F0101": {"first_load": {"after": ["abc"]}}},
        {"customers": {"tables": {}, "first_load": {"after": ["abc"], "tables": {"F0101": {}}}}},
        {"customers": {"tables": {}, "first_load": {"after": 7, "tables": {"F0101": {}}}}},
    ],
)
def test_a_position_that_cannot_be_one_is_told(read, caplog, position):
    ((stream, _),) = position.items()
    output = read(tables=["F0101"], streams=["customers"], state={"bookmarks": position})
    assert output.failures.keys() == {stream}
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "after" in line.getMessage()
    assert not line.exc_info


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_at_once_and_shows_in_the_exit_code(jde, runner_of, tmp_path, number):
    (tmp_path / "config.json").write_text(json.dumps(runner_of(jde).config(tables=["F0101", "F0115"], page_size=2)))
    command = [sys.executable, "-m", "tap_jdedwards", "--config", str(tmp_path / "config.json")]
    jde.control.fault("slow", path="dataservice", skip=4, times=None, delay_ms=100)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    process.send_signal(number)
    rest, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Ended by signal" in stderr
    assert "Traceback" not in stderr
    assert all(json.loads(line) for line in (first + rest).splitlines())
    assert jde.emulator.sessions.expire_all() == 0


def test_a_run_that_fails_before_it_reads_logs_out(jde, runner_of, tmp_path):
    config = runner_of(jde).config(tables=["F0101"], stream_maps={"F0101": {"BAD": "1 +"}})
    done = tap(config, tmp_path)
    assert done.returncode != 0
    assert jde.control.counters()["by_endpoint"]["POST /jderest/v2/tokenrequest"] == 1
    assert jde.emulator.sessions.expire_all() == 0


def test_a_state_file_that_is_none(read, tmp_path):
    (tmp_path / "state.json").write_text("{")
    done = tap(read.config(tables=["F0101"]), tmp_path, "--state", str(tmp_path / "state.json"))
    assert done.returncode == 1
    assert "no valid JSON" in errors(done)[0]


def test_the_connection_test_fails_with_a_stream(read, tmp_path):
    assert tap(read.config(tables=["F0101"], streams=["customers"]), tmp_path, "--test").returncode == 0
    assert tap(read.config(tables=["F0101", "F9999"]), tmp_path, "--test").returncode == 1
    schemas = tap(read.config(tables=["F0101"]), tmp_path, "--test=schema")
    assert [one["type"] for one in messages(schemas)] == ["SCHEMA"]


def test_a_reader_that_leaves_is_one_line(read, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(read.config(tables=["F0101", "F0115"])))
    command = [sys.executable, "-m", "tap_jdedwards", "--config", str(tmp_path / "config.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "The program that reads the tap's output has ended" in stderr
    assert "Traceback" not in stderr


def test_kill_minus_nine_and_the_last_state(read, tmp_path):
    config = read.config(tables=["F0101"], page_size=40)
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "tap_jdedwards", "--config", str(tmp_path / "config.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen, state = [], None
    for line in process.stdout:
        message = json.loads(line)
        if message["type"] == "RECORD":
            seen.append(message["record"]["AN8"])
        elif message["type"] == "STATE":
            state = message["value"]
            if len(seen) >= 80:
                break
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait(60) == -signal.SIGKILL
    (tmp_path / "state.json").write_text(json.dumps(state))
    rest = tap(config, tmp_path, "--state", str(tmp_path / "state.json"))
    again = [one["record"]["AN8"] for one in messages(rest) if one["type"] == "RECORD"]
    assert min(again) > max(seen)
    assert seen + again == sorted(row["AN8"] for row in read.jde.control.rows("F0101"))


def test_no_secret_in_any_output(read, tmp_path):
    environment = {**os.environ, "TAP_JDEDWARDS_LOGLEVEL": "DEBUG"}
    config = read.config(tables=["F0101", "F9999"], streams=["customers"])
    for arguments in ([], ["--discover"], ["--test"], ["--about"]):
        done = tap(config, tmp_path, *arguments, env=environment)
        assert read.jde.password not in done.stdout + done.stderr


def test_a_table_the_user_may_not_read(read, caplog):
    plain = read(tables=["F0101", "F0115"], streams=["contacts", "customers"])
    read.jde.control.switch(refused_tables=["F0115"])
    output = read(tables=["F0101", "F0115"], streams=["contacts", "customers"])
    assert set(output.failures) == {"F0115", "contacts", "customers"}
    assert output.bookmark("F0101") == plain.bookmark("F0101")
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 3
    assert all("F0115" in line for line in told)
    assert not any(record.exc_info for record in caplog.records if record.levelname == "ERROR")


def test_a_table_that_breaks_in_the_middle_keeps_what_it_has(read):
    def refuse():
        read.jde.control.switch(refused_tables=["F0111"])

    output = read(tables=["F0101", "F0111", "F0115"], page_size=100, on_state=refuse)
    assert set(output.failures) == {"F0111"}
    assert "replication_key_value" in output.bookmark("F0101")
    assert "replication_key_value" in output.bookmark("F0115")
    read.jde.control.switch(refused_tables=[])
    rest = read(tables=["F0101", "F0111", "F0115"], state=output.state, overlap_minutes=0)
    keys = set(output.keys("F0111")) | set(rest.keys("F0111"))
    assert keys == {(row["AN8"], row["IDLN"]) for row in read.jde.control.rows("F0111")}


def test_a_server_that_goes_away_is_not_tried_for_every_stream(runner_of):
    with start_jde(customers=3, contacts=0) as jde:
        tap_ = runner_of(jde).tap(tables=["F0101", "F0111", "F0115"])
    tap_.client = AisClient(tap_.settings.ais, sleep=lambda _: None)
    tap_.sync_all()
    tap_.close()
    assert "cannot reach" in tap_.failures["F0101"]
    assert [tap_.failures[table] for table in ("F0111", "F0115")] == ["not tried"] * 2
    with pytest.raises(IncompleteRunError, match="F0101, F0111, F0115"):
        tap_.check()


def test_hidden_columns_and_rows_are_coped_with(read):
    read.jde.control.switch(column_security={"F0101": ["TAX", "RMK"]}, row_security={"F0101": {"AT1": ["V"]}})
    output = read(tables=["F0101"], streams=["customers"])
    assert output.failures == {}
    assert (
        {record["TAX"] for record in output.records["F0101"]} == {None} if "TAX" in output.records["F0101"][0] else True
    )
    assert {document["tax_id"] for document in output.records["customers"]} == {None}
    assert "V" not in {record["AT1"] for record in output.records["F0101"]}
