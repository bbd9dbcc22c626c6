"""Signing in, and calling an emulated environment: what is repeated, what is not, and what each refusal says."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import typing as t
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from service_calls import LostAnswerError
from service_emulators.testing import start_dynamics
from sync_ledger.errors import ConfigError, CredentialsError, ServiceUnavailableError, SyncError
from target_dynamics.answers import PrivilegeError, RefusedError
from target_dynamics.batches import BatchRequest
from target_dynamics.connecting import connect
from target_dynamics_login import client_of, kept, oauth_of, settings_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.dynamics.emulator import DynamicsEmulator

SECRET = "a very ~ secret/value"


@pytest.fixture(scope="module")
def shared() -> Iterator[DynamicsEmulator]:
    with start_dynamics(demo_columns=True) as emulator:
        yield emulator


@pytest.fixture
def dynamics(shared: DynamicsEmulator) -> DynamicsEmulator:
    shared.control.clear_faults()
    shared.control.set_user()
    shared.control.set_clock()
    shared.control.forgive()
    shared.control.reset_limits()
    shared.control.reset_counters()
    shared.control.switch(requests=6000, execution_ms=1_200_000, concurrency=52, access_token_seconds=3599)
    return shared


@pytest.fixture
def settings(dynamics: DynamicsEmulator, tmp_path: Path) -> dict[str, t.Any]:
    return settings_of(dynamics, tmp_path)


def posts(dynamics: DynamicsEmulator) -> int:
    return sum(one["method"] == "POST" and "token" in one["path"] for one in dynamics.control.requests())


# -- signing in --------------------------------------------------------------------------------------------------


def test_a_token_is_kept_and_used_by_the_next_run(dynamics, settings):
    first = client_of(settings)
    assert first.organisation == dynamics.parts.environment.organization_id
    client_of(settings).get("/WhoAmI")
    assert posts(dynamics) == 1
    assert kept(settings).tokens is not None
    assert Path(settings["token_file"]).stat().st_mode & 0o077 == 0


def test_a_token_that_ended_is_replaced_once(dynamics, settings):
    client = client_of(settings)
    client.get("/WhoAmI")
    dynamics.control.expire_tokens()
    client.write("POST", "/accounts", {"name": "After the end"})
    assert posts(dynamics) == 2
    assert len([one for one in dynamics.records("accounts") if one["name"] == "After the end"]) == 1


def test_a_token_is_renewed_before_it_ends(dynamics, settings):
    dynamics.control.switch(access_token_seconds=100)  # less than the two minutes it is renewed early
    client = client_of(settings)
    client.get("/WhoAmI")
    client.get("/WhoAmI")
    assert posts(dynamics) == 2


def _run(settings: dict[str, t.Any]) -> str:
    client = client_of(settings)
    return str(client.organisation)


@pytest.mark.slow
def test_many_runs_in_four_processes_ask_for_few_tokens(dynamics, settings):
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = set(pool.map(_run, [settings] * 50))
    assert len(found) == 1
    assert posts(dynamics) == 1


@pytest.mark.parametrize(
    ("changed", "code", "remedy"),
    [
        ({"client_secret": SECRET}, "AADSTS7000215", "client_secret"),
        ({"tenant_id": "nobody.example.com"}, "AADSTS90002", "tenant_id"),
        ({"client_id": "22222222-2222-3333-4444-555555555555"}, "AADSTS700016", "client_id"),
        ({"org_url": "https://other.crm.dynamics.com"}, "AADSTS500011", "org_url"),
    ],
)
def test_a_refused_sign_in_is_one_line_with_a_remedy(settings, changed, code, remedy):
    with pytest.raises(CredentialsError) as caught:
        client_of({**settings, **changed}).get("/WhoAmI")
    text = str(caught.value)
    assert code in text
    assert remedy in text
    assert "\n" not in text
    assert SECRET not in text


def test_an_expired_secret_says_so(tmp_path):
    with start_dynamics() as emulator:
        emulator.control.expire_secret()
        with pytest.raises(CredentialsError, match=r"expired .AADSTS7000222.*set client_secret"):
            client_of(settings_of(emulator, tmp_path)).get("/WhoAmI")


def test_a_user_that_is_not_there_says_so(dynamics, settings):
    dynamics.control.set_user(present=False)
    with pytest.raises(CredentialsError, match="add an application user"):
        client_of(settings).get("/WhoAmI")


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "truncate"}])
def test_a_sign_in_that_fails_for_the_moment_is_repeated(dynamics, settings, fault):
    dynamics.control.fault(**fault, path="oauth2", times=2)
    assert client_of(settings).organisation


def test_a_sign_in_that_is_not_answered_ends(settings):
    with pytest.raises(ServiceUnavailableError, match="Entra ID does not answer"):
        oauth_of({**settings, "authority_url": "http://127.0.0.1:9"}, sleep=lambda _: None).tokens()


def certificate(folder: Path) -> tuple[Path, bytes]:
    """Return a file with key and certificate, and the certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jde")])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pass")
    )
    path = folder / "secret.pem"
    path.write_bytes(private + pem)
    return path, pem


def test_a_certificate_signs_in(tmp_path):
    path, pem = certificate(tmp_path)
    with start_dynamics(certificates=(pem,)) as emulator:
        own = {"client_secret": None, "certificate_file": str(path), "certificate_password": "pass"}
        settings = settings_of(emulator, tmp_path, **own)
        assert client_of(settings).organisation
        other = {"certificate_password": "other", "token_file": str(tmp_path / "other tokens.json")}
        auth = oauth_of({**settings, **other}, sleep=lambda _: None)
        with pytest.raises(ConfigError, match=r"setting certificate_file: .*certificate_password"):
            auth.tokens()


def test_an_unknown_certificate_is_refused(dynamics, tmp_path):
    path, _ = certificate(tmp_path)
    own = {"client_secret": None, "certificate_file": str(path), "certificate_password": "pass"}
    with pytest.raises(CredentialsError, match=r"AADSTS700027.*upload it"):
        client_of(settings_of(dynamics, tmp_path, **own)).get("/WhoAmI")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"client_secret": None}, "set either client_secret or certificate_file"),
        ({"certificate_file": "some.pem"}, "not both"),
        ({"tenant_id": "common"}, "signs in to one tenant"),
        ({"org_url": "contoso"}, "setting org_url: give an address"),
        ({"org_url": "https://u:p@contoso.crm.dynamics.com"}, "setting org_url: give an address"),
        ({"api_url": "https://contoso.crm.dynamics.com/main.aspx"}, "leave out '/main.aspx'"),
        ({"authority_url": "ftp://x"}, "setting authority_url"),
        ({"client_secret": None, "certificate_file": "/nowhere.pem"}, "cannot be read"),
    ],
)
def test_settings_that_cannot_work_name_themselves(settings, changed, said):
    given = {name: value for name, value in {**settings, **changed}.items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        connect(given)
    assert said in str(caught.value)


# -- requests ----------------------------------------------------------------------------------------------------


def test_reads_are_repeated_and_writes_are_not(dynamics, settings):
    client = client_of(settings)
    dynamics.control.fault(kind="status", status=503, path="accounts", times=2)
    assert client.get("/accounts", {"$top": 1}).status == 200
    dynamics.control.fault(kind="status", status=503, path="accounts", times=1, when="after")
    with pytest.raises(LostAnswerError):
        client.write("POST", "/accounts", {"name": "Once"})
    assert len([one for one in dynamics.records("accounts") if one["name"] == "Once"]) == 1


def test_a_service_that_is_down_ends_the_run(settings):
    with pytest.raises(ServiceUnavailableError, match="cannot be reached"):
        client_of({**settings, "api_url": "http://127.0.0.1:9"}).get("/WhoAmI")


def test_a_refusal_has_the_code_of_the_service(settings):
    with pytest.raises(RefusedError) as caught:
        client_of(settings).write("POST", "/accounts", {"name": "x" * 161})
    assert (caught.value.status, caught.value.code) == (400, "0x80044331")
    assert "'name'" in caught.value.text


def test_a_missing_privilege_is_named(dynamics, settings):
    client = client_of(settings)
    dynamics.control.set_user(missing=["prvReadAccount", "prvCreateAccount"])
    with pytest.raises(PrivilegeError, match=r"GET /accounts .*prvReadAccount"):
        client.get("/accounts")
    with pytest.raises(RefusedError, match="prvCreateAccount"):
        client.write("POST", "/accounts", {"name": "x"})
    assert client.get("/contacts", {"$top": 1}).status == 200  # the run goes on


def test_pages_are_followed_to_the_end(dynamics, settings):
    client = client_of(settings)
    for number in range(7):
        client.write("POST", "/accounts", {"name": f"Page {number}"})
    params = {"$select": "name", "$filter": "startswith(name,'Page ')", "$orderby": "name desc"}
    dynamics.control.fault(kind="status", status=503, path="accounts", skip=1, times=1)  # pages are reads
    pages = list(client.pages("/accounts", params, 3, {"Prefer": 'odata.include-annotations="*"'}))
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [row["name"] for page in pages for row in page] == [f"Page {number}" for number in range(6, -1, -1)]


def test_a_batch_answers_each_request_in_order(dynamics, settings):
    client = client_of(settings)
    items = [
        BatchRequest("POST", "/accounts", {"name": "First", "description": "ä\r\n--batch\r\nb"}),
        BatchRequest("POST", "/accounts", {"name": "x" * 161}),
        BatchRequest("GET", "/accounts?$select=name,description&$filter=name eq 'First'"),
    ]
    first, second, third = client.batch(items)
    assert (first.status, first.error) == (204, None)
    assert "accounts(" in first.headers["OData-EntityId"]
    assert second.error is not None
    assert (second.error.status, second.error.code) == (400, "0x80044331")
    assert [row["description"] for row in third.data["value"]] == ["ä\r\n--batch\r\nb"]
    assert client.usage().calls == 1
    assert client.usage().cost == 3


def test_a_batch_with_a_lost_answer_is_unknown(dynamics, settings):
    client = client_of(settings)
    dynamics.control.fault(kind="truncate", path="batch")
    with pytest.raises(LostAnswerError):
        client.batch([BatchRequest("POST", "/accounts", {"name": "Lost"})])
    dynamics.control.fault(kind="truncate", path="batch")
    assert client.batch([BatchRequest("GET", "/accounts?$top=1")])[0].status == 200


# -- limits ------------------------------------------------------------------------------------------------------


class Clock:
    """A clock that the waits of a client move, with the emulator's."""

    def __init__(self, emulator: DynamicsEmulator) -> None:
        self._emulator = emulator
        self.seconds = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds
        self._emulator.control.set_clock(offset_seconds=self.seconds, running=True)


def test_requests_of_a_window_are_never_more_than_the_limit(dynamics, settings):
    clock = Clock(dynamics)
    dynamics.control.switch(requests=20)
    client = client_of(settings, clock=clock, sleep=clock.sleep)
    for _ in range(50):
        client.get("/WhoAmI")
    seen = dynamics.control.limits()
    assert seen["most"]["requests"] <= 20
    assert seen["refused"]["requests"] == 0
    assert clock.seconds >= 300


@pytest.mark.parametrize("code", ["0x80072322", "0x80072321", "0x80072326"])
def test_who_is_turned_away_waits_as_long_as_the_service_says(dynamics, settings, code):
    clock = Clock(dynamics)
    client = client_of(settings, clock=clock, sleep=clock.sleep)
    body = {"error": {"code": code, "message": "Number of requests exceeded the limit."}}
    dynamics.control.fault(kind="status", status=429, body=body, headers={"Retry-After": "22"}, path="accounts")
    client.write("POST", "/accounts", {"name": f"Turned away {code}"})
    assert 22 <= clock.seconds <= 24
    assert len([one for one in dynamics.records("accounts") if one["name"] == f"Turned away {code}"]) == 1


def test_who_is_turned_away_for_ever_gives_up(dynamics, settings):
    clock = Clock(dynamics)
    client = client_of(settings, clock=clock, sleep=clock.sleep)
    dynamics.control.fault(kind="status", status=429, headers={"Retry-After": "300"}, path="accounts", times=None)
    with pytest.raises(SyncError, match=r"turned away for 20 min"):
        client.get("/accounts")
    assert clock.seconds < 3600


def test_the_execution_time_the_service_counts_is_kept(dynamics, settings):
    clock = Clock(dynamics)
    dynamics.control.switch(record_ms=400_000)  # each row takes a third of what a window has
    client = client_of(settings, clock=clock, sleep=clock.sleep)
    for number in range(5):
        client.write("POST", "/accounts", {"name": f"Slow {number}"})
    seen = dynamics.control.limits()
    dynamics.control.switch(record_ms=0)
    assert seen["refused"]["execution_ms"] == 0
    assert clock.seconds >= 300
