"""The seeded emulator, with all its oddities, read to the last row; TLS; and the README's examples."""

from __future__ import annotations

import inspect
import re
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jde_ais
import pytest
from jde_ais import AisClient, AisConfigError, AisSettings, keyset_pages, to_typed
from service_emulators.jde.testing import start_jde

README = Path(__file__).parents[1] / "README.md"
KEYS = {
    "F0101": ["AN8"],
    "F0111": ["AN8", "IDLN"],
    "F0115": ["AN8", "IDLN", "CNLN", "RCK7"],
    "F01151": ["AN8", "IDLN", "RCK7"],
    "F0116": ["AN8", "EFTB"],
    "F03012": ["AN8", "CO"],
    "F0401": ["AN8"],
    "F0005": ["SY", "RT", "KY"],
    "F0006": ["MCU"],
}


@pytest.fixture(scope="module")
def site():
    with start_jde(customers=60, contacts=90, seed=3) as running:
        yield running


@pytest.mark.parametrize("switches", [{}, {"trailing_blanks": True, "null_dates": True, "fetch_cap": 40}])
@pytest.mark.parametrize("table", KEYS)
def test_every_row_of_a_seeded_table_is_read_as_it_is(site, table, switches):
    defaults = site.control.switches()
    site.control.switch(**switches)
    try:
        settings = AisSettings(site.url, site.username, site.password)
        with AisClient(settings) as client:
            kinds = {column.alias: column.kind for column in client.columns(table)}
            pages = keyset_pages(client, table, [], KEYS[table], key_kinds=kinds, page_size=40 if switches else 100)
            rows = [row for page in pages for row in to_typed(page.rows, kinds)]
            assert len(rows) == client.count(table)
    finally:
        site.control.switch(**defaults)
    truth = {tuple(str(row[column]).strip() for column in KEYS[table]): row for row in site.control.rows(table)}
    assert len(rows) == len(truth)
    for row in rows:
        real = truth[tuple(str(row[column]).strip() for column in KEYS[table])]
        for alias in ("UPMJ", "ALPH", "MLNM", "EMAL", "ADD1", "MCU", "DL01"):
            if alias in row:
                assert (row[alias] or "").strip() == (real[alias] or "").strip()
        if "ACL" in row:
            assert str(row["ACL"]) == str(real["ACL"])


def test_the_readmes_examples_run(site, monkeypatch, capsys):
    monkeypatch.setenv("AIS_URL", site.url)
    monkeypatch.setenv("AIS_USERNAME", site.username)
    monkeypatch.setenv("AIS_PASSWORD", site.password)
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    assert "1001" in capsys.readouterr().out


def test_what_is_public_is_listed_and_described():
    assert sorted(jde_ais.__all__) == jde_ais.__all__
    for name in jde_ais.__all__:
        public = getattr(jde_ais, name)
        if inspect.isclass(public) or inspect.isfunction(public):
            assert public.__doc__, name


@pytest.fixture
def tls_server(tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=ais", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = b'{"sessionTimeout": "30"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    class Server(HTTPServer):
        def handle_error(self, request, client_address):
            pass  # a client that does not trust the certificate hangs up

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}", str(certificate)
        server.shutdown()
        thread.join()


def test_a_certificate_of_the_own_authority(tls_server):
    url, certificate = tls_server
    with AisClient(AisSettings(url, "U", "p", verify=certificate)) as client:
        assert client.server_config().idle_seconds == 1800


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_checking_can_be_switched_off(tls_server):
    with AisClient(AisSettings(tls_server[0], "U", "p", verify=False)) as client:
        assert client.server_config().idle_seconds == 1800


def test_an_untrusted_certificate_names_the_setting(tls_server):
    with AisClient(AisSettings(tls_server[0], "U", "p")) as client, pytest.raises(AisConfigError, match="ca_bundle"):
        _ = client.user


def test_a_missing_file_of_authorities_names_the_setting(tls_server, tmp_path):
    settings = AisSettings(tls_server[0], "U", "p", verify=str(tmp_path / "none.pem"))
    with AisClient(settings) as client, pytest.raises(AisConfigError, match="ca_bundle"):
        _ = client.user
