from __future__ import annotations

import io
import socket
import typing as t
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_calls import LostAnswerError
from service_emulators.zoho.emulator import ZohoEmulator
from sync_ledger.errors import ConfigError, CredentialsError, ServiceUnavailableError
from target_zoho.answers import ModuleMissingError, NoPermissionError, RefusedError, ScopeError
from target_zoho.connecting import login
from target_zoho.regions import REGIONS, belongs_to_zoho, checked, region_of, upload_address
from target_zoho_login import client_of, oauth_of, settings_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# -- data centers ----------------------------------------------------------------------------------------------


def test_there_are_eight_data_centers_and_each_has_hosts_of_its_own() -> None:
    assert set(REGIONS) == {"us", "eu", "in", "au", "cn", "jp", "ca", "sa"}
    hosts = [host for one in REGIONS.values() for host in (one.accounts, one.api, one.upload)]
    assert len(set(hosts)) == 24
    for name, one in REGIONS.items():
        assert {region_of(host) for host in (one.accounts, one.api, one.upload)} == {name}
        assert upload_address(one.api) == one.upload


@pytest.mark.parametrize("data_center", list(REGIONS))
def test_the_data_center_decides_who_is_asked_for_a_token(data_center: str) -> None:
    settings = {"client_id": "1000.X", "client_secret": "s", "refresh_token": "r", "scopes": []}
    assert login({**settings, "data_center": data_center}).accounts == REGIONS[data_center].accounts


def test_a_sandbox_belongs_to_the_data_center_of_its_org_and_an_emulator_to_none() -> None:
    assert region_of("https://sandbox.zohoapis.eu") == region_of("https://developer.zohoapis.eu") == "eu"
    assert upload_address("https://sandbox.zohoapis.com.au") == "https://content.zohoapis.com.au"
    assert region_of("http://127.0.0.1:80") is None
    assert upload_address("http://127.0.0.1:80") == "http://127.0.0.1:80"


@given(st.sampled_from([host for one in REGIONS.values() for host in (one.accounts, one.api, one.upload)]), st.text())
def test_only_hosts_below_zohos_domains_are_zohos(host: str, other: str) -> None:
    assert belongs_to_zoho(host)
    domain = host.partition(".")[2]
    assert not belongs_to_zoho(f"https://x{domain}")
    assert not belongs_to_zoho(f"https://{domain}.example.com/{other}")


@pytest.mark.parametrize("address", ["zohoapis.eu", "ftp://x", "https://u:p@x", "https://x/?a=1", "https://x:y", ""])
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ConfigError, match="setting api_url must be a plain address") as raised:
        checked("setting api_url", address)
    assert "u:p" not in str(raised.value)


def test_the_api_is_where_the_token_says(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    assert client.address == client.upload_address == zoho.url
    assert client.org["zgid"] == zoho.org.zgid
    assert client.concurrency_limit == 20  # enterprise


# -- signing in ------------------------------------------------------------------------------------------------


@pytest.fixture
def european() -> Iterator[ZohoEmulator]:
    """An org in Europe behind an address that is the accounts server of the US."""
    emulator = ZohoEmulator(home="eu", data_center="us")
    yield emulator
    emulator.stop()


def test_a_client_of_another_data_center_is_told_to_look_there(european: ZohoEmulator, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as raised:
        client_of(settings_of(european, tmp_path)).get("/org")
    text = str(raised.value)
    assert "invalid_client" in text
    assert f"data_center us ({european.url})" in text
    assert "check client_id and data_center" in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"client_id": "1000.X"}, "invalid_client.*check client_id and data_center"),
        ({"client_secret": "nonsense"}, "invalid_client_secret.*check client_secret"),
        ({"refresh_token": "1000.a.b"}, "invalid_code.*revoked.*another data center.*set refresh_token"),
        ({"refresh_token": None, "soid": "ZohoCRM.1"}, "invalid_soid.*soid"),
        (
            {"refresh_token": None, "soid": "right", "scopes": ["ZohoCRM.mails.ALL"]},
            "ZohoCRM.mails.ALL.*setting scopes",
        ),
    ],
)
def test_a_refusal_inside_of_http_200_says_what_to_check(
    zoho: ZohoEmulator, tmp_path: Path, changed: dict[str, t.Any], words: str
) -> None:
    if changed.get("soid") == "right":
        changed = {**changed, "soid": zoho.accounts.soid}
    settings = settings_of(zoho, tmp_path, **changed)
    with pytest.raises(CredentialsError, match=words) as raised:
        oauth_of(settings).tokens()
    assert "\n" not in str(raised.value)
    for name in ("client_secret", "refresh_token"):
        assert settings.get(name, "-") not in str(raised.value).replace("client_secret", "")


def test_a_revoked_refresh_token_ends_the_run_in_one_line_and_asks_no_more(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    client.get("/org")
    zoho.control.revoke_tokens()
    for _ in range(3):
        with pytest.raises(CredentialsError, match="invalid_code"):
            client.get("/org")
    questions = [one for one in zoho.control.requests() if one["path"] == "/oauth/v2/token"]
    assert len(questions) == 2


def test_client_credentials_sign_in_to_the_org_in_soid(zoho: ZohoEmulator, tmp_path: Path) -> None:
    settings = settings_of(zoho, tmp_path, refresh_token=None, soid=zoho.accounts.soid)
    client = client_of(settings)
    assert client.org["zgid"] == zoho.org.zgid
    assert client.coql("select id from Accounts where id is not null").rows == []


def test_without_a_way_to_sign_in_the_settings_are_named(zoho: ZohoEmulator, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set refresh_token, or soid"):
        login(settings_of(zoho, tmp_path, refresh_token=None))


def test_an_api_address_of_another_data_center_is_told(
    zoho: ZohoEmulator, european: ZohoEmulator, tmp_path: Path
) -> None:
    client = client_of(settings_of(zoho, tmp_path, api_url=european.url))
    with pytest.raises(CredentialsError, match="different data centers; check api_url and data_center"):
        client.get("/org")


def test_what_is_no_accounts_server_is_told(zoho: ZohoEmulator, tmp_path: Path) -> None:
    zoho.control.fault("status", path="/oauth/v2/token", status=404, body="<html>", times=None)
    with pytest.raises(ServiceUnavailableError, match="no accounts server of Zoho; check data_center and accounts_url"):
        oauth_of(settings_of(zoho, tmp_path)).tokens()
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        oauth_of(settings_of(zoho, tmp_path, accounts_url="http://127.0.0.1:9"), sleep=lambda _: None).tokens()


def test_a_life_in_milliseconds_is_not_taken_for_seconds(zoho: ZohoEmulator, tmp_path: Path) -> None:
    body = {"access_token": "1000.x", "api_domain": zoho.url, "expires_in": 3_600_000}
    zoho.control.fault("status", path="/oauth/v2/token", status=200, body=body)
    oauth = oauth_of(settings_of(zoho, tmp_path), clock=lambda: 1000.0)
    assert oauth.tokens().expires_at == 4600.0


# -- calls -----------------------------------------------------------------------------------------------------


def test_scope_permission_and_module_that_are_missing_are_named(tmp_path: Path) -> None:
    emulator = ZohoEmulator(scopes=["ZohoCRM.org.READ", "ZohoCRM.modules.ALL"])
    try:
        client = client_of(settings_of(emulator, tmp_path))
        with pytest.raises(ScopeError, match=r"GET /settings/fields .*needs ZohoCRM\.settings\.fields\.READ;"):
            client.get("/settings/fields", {"module": "Accounts"})
        with pytest.raises(ScopeError, match=r"ZohoCRM\.coql\.READ and ZohoCRM\.modules\.Accounts\.READ"):
            client.coql("select id from Accounts where id is not null")
        with pytest.raises(ModuleMissingError, match=r"no module 'Acounts'.*INVALID_MODULE"):
            client.get("/Acounts", {"fields": "id"})
        with pytest.raises(ModuleMissingError, match="'Nothing'"):
            client.write("POST", "/Nothing/upsert", {"data": [{"Name": "x"}]})
        body = {"code": "NO_PERMISSION", "details": {"permissions": ["Crm_Implied_Create_Accounts"]}, "message": "x"}
        emulator.control.fault("status", path="/Accounts", status=403, body=body)
        with pytest.raises(NoPermissionError, match=r"POST /Accounts .*Crm_Implied_Create_Accounts.*Profiles$"):
            client.write("POST", "/Accounts", {"data": [{"Account_Name": "x"}]})
        assert client.org["zgid"]  # none of them keeps other calls from being made
    finally:
        emulator.stop()


def test_reads_are_repeated_and_writes_are_not(
    zoho: ZohoEmulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    client.get("/org")
    for kind, rule in (("status", {"status": 502}), ("reset", {}), ("truncate", {})):
        zoho.control.fault(kind, method="GET", path="/org", times=2, **rule)
        assert client.get("/org").status == 200
        zoho.control.fault(kind, method="POST", path="/Accounts", when="after", **rule)
        with pytest.raises(LostAnswerError):
            client.write("POST", "/Accounts", {"data": [{"Account_Name": kind}]})
    assert [line for line in caplog.messages if "try" in line and "GET /org" not in line] == []
    assert sum("try" in line for line in caplog.messages) == 6
    assert len(zoho.control.records("Accounts")) == 3
    zoho.control.fault("status", method="POST", path="/coql", times=4, status=500)
    assert client.coql("select id from Accounts where id is not null limit 200").rows
    zoho.control.fault("status", path="/org", times=None, status=500)
    with pytest.raises(ServiceUnavailableError, match="Zoho does not answer GET /org: HTTP 500"):
        client.get("/org")


def test_nothing_there_and_nothing_new_are_answers_without_data(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    assert (client.get("/Accounts", {"fields": "id"}).status, client.get("/Accounts", {"fields": "id"}).data) == (
        204,
        None,
    )
    zoho.control.add_record("Accounts", {"Account_Name": "x"})
    since = {"If-Modified-Since": "2099-01-01T00:00:00+00:00"}
    assert client.get("/Accounts", {"fields": "id"}, since).status == 304
    assert list(client.pages("/Accounts", {"fields": "id"}, since)) == []


def test_a_result_per_record_is_returned_whatever_the_status(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    good, bad = {"Account_Name": "x"}, {"Phone": "1"}
    for rows, status in (([good], 201), ([good, bad], 207), ([bad], 400)):
        answer = client.write("POST", "/Accounts", {"data": rows}, records=len(rows))
        assert (answer.status, len(answer.data["data"])) == (status, len(rows))
    with pytest.raises(RefusedError, match="REQUIRED_PARAM_MISSING") as raised:
        client.get("/Accounts")
    assert raised.value.details == {"param_name": "fields"}


def test_lists_are_read_to_the_end_by_token_and_deleted_ones_by_number(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    for start in range(0, 25, 5):
        client.write("POST", "/Accounts", {"data": [{"Account_Name": f"{start + one}"} for one in range(5)]}, records=5)
    pages = list(client.pages("/Accounts", {"fields": "Account_Name", "per_page": 10}))
    assert [len(page) for page in pages] == [10, 10, 5]
    ids = [row["id"] for page in pages for row in page]
    assert len(set(ids)) == 25
    client.write("DELETE", "/Accounts", None, records=25, params={"ids": ",".join(ids)})
    deleted = [row["id"] for page in client.pages("/Accounts/deleted", {"type": "all", "per_page": 10}) for row in page]
    assert sorted(deleted) == sorted(ids)


def test_files_go_to_the_upload_host_and_come_from_zohos_hosts_only(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    assert client.upload(zipped("accounts.csv", "Account_Name\nx\n"))
    with pytest.raises(RefusedError, match="INVALID_FILE_FORMAT"):
        client.upload(b"no zip")
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        with pytest.raises(ServiceUnavailableError, match="none of its hosts"):
            client.download(f"http://127.0.0.1:{stranger.getsockname()[1]}/result.zip")
        stranger.settimeout(0.1)
        with pytest.raises(TimeoutError):
            stranger.accept()


def zipped(name: str, content: str) -> bytes:

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def test_a_redirect_is_not_followed(zoho: ZohoEmulator, tmp_path: Path) -> None:
    zoho.control.fault("status", path="/org", status=302, headers={"location": "http://127.0.0.1:9"})
    with pytest.raises(ConfigError, match="redirect"):
        client_of(settings_of(zoho, tmp_path)).get("/org")


def test_an_api_that_cannot_be_reached_is_named(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path, api_url="http://127.0.0.1:9"))
    with pytest.raises(ServiceUnavailableError, match=r"cannot be reached at http://127\.0\.0\.1:9"):
        client.get("/org")
