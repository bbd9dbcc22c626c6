"""The command line starts what it is asked for and says where it is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
import trustme
from service_emulators.client import DynamicsControl, JdeControl


@pytest.fixture
def certificate(tmp_path):
    file = tmp_path / "server.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))
    return file


def command(*arguments, service="jde"):
    return [sys.executable, "-m", "service_emulators", "serve", service, *map(str, arguments)]


@pytest.mark.shows_secrets("the command tells credentials to those who start it")
def test_documents_odd_rows_a_ledger_and_https(tmp_path, certificate):
    facts = tmp_path / "services.json"
    amounts = ["--customers", 10, "--contacts", 5, "--documents", 4, "--gl-rows", 60, "--odd"]
    tls = ["--tls-cert", certificate, "--tls-key", certificate]
    with subprocess.Popen(command(*amounts, *tls, "--json", facts), stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not facts.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            found = json.loads(facts.read_text())["jde"]
            assert found["url"].startswith("https://")
            assert len(found["counts"]) == 23
            assert found["counts"]["F0911"] > 60 + 4 * 8
            control = JdeControl(found["url"])
            assert len(control.rows("F4301", {"DOCO": [100001, 100002, 100003, 100004, 100005]})) == 4
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.shows_secrets("the command tells credentials to those who start it")
def test_dataverse_with_columns_rows_and_a_switch(tmp_path):
    facts = tmp_path / "services.json"
    amounts = ["--dynamics-columns", "--dynamics-records", 2, "--switch", "dynamics.concurrency=4", "--json", facts]
    with subprocess.Popen(command(*amounts, service="dynamics"), stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not facts.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            found = json.loads(facts.read_text())["dynamics"]
            assert found["counts"] == {"accounts": 2, "contacts": 2}
            assert set(found) >= {"tenant_id", "client_id", "client_secret", "org_url", "authority_url", "api_url"}
            control = DynamicsControl(found["url"])
            assert control.switches()["concurrency"] == 4
            assert all("jde_number" in row for row in control.records("accounts"))
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tls-cert", "x.pem"], "--tls-key"),
        (["--tls-cert", "x.pem", "--tls-key", "x.pem", "--customers", 1, "--contacts", 1], "can not start"),
        (["--customers", 2, "--contacts", 2, "--documents", 1], "at least five"),
    ],
)
def test_what_makes_no_sense_is_said(arguments, message):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())
