"""Microsoft's own client for Dataverse, as a stranger: it works with the emulator and sees what the target wrote.

The client takes https addresses alone, so the environment has a certificate of a private authority here.
"""

from __future__ import annotations

import time
import typing as t

import pytest
import trustme
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.upsert import UpsertItem
from service_emulators.testing import start_dynamics
from target_dynamics_login import settings_of
from target_dynamics_runs import Runner, account, contact, schema

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.dynamics.emulator import DynamicsEmulator


class Credential:
    """Gives tokens of the emulator, in the way of `azure-identity`."""

    def __init__(self, emulator: DynamicsEmulator) -> None:
        self._emulator = emulator

    def get_token(self, *scopes: str, **options: t.Any) -> AccessToken:
        assert scopes == (f"{self._emulator.url}/.default",)
        return AccessToken(self._emulator.token(), int(time.time()) + 3600)


@pytest.fixture
def dynamics(tmp_path, monkeypatch) -> Iterator[DynamicsEmulator]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = tmp_path / "secret server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with start_dynamics(demo_columns=True, tls=(server, server)) as emulator:
        yield emulator


@pytest.fixture
def stranger(dynamics) -> Iterator[DataverseClient]:
    with DataverseClient(dynamics.url, Credential(dynamics)) as client:
        yield client


def test_it_sees_what_the_target_wrote(dynamics, stranger, tmp_path):
    settings = settings_of(dynamics, tmp_path, ledger_url=f"sqlite:///{tmp_path}/ledger.db")
    rows = [account(number) for number in range(1, 6)]
    people = [contact(number) for number in range(1, 6)]
    assert Runner(settings).run(schema("accounts"), *rows, schema("contacts"), *people) == 0
    columns = ["name", "jde_number", "creditlimit", "paymenttermscode"]
    found = {row["jde_number"]: row for row in stranger.records.list("account", select=columns)}
    assert sorted(found) == ["1", "2", "3", "4", "5"]
    assert found["3"]["name"] == "Company 3"
    assert found["3"]["creditlimit"] == 31.5
    assert found["3"]["paymenttermscode"] == 1  # Net 30
    chosen = stranger.records.list(
        "contact", select=["lastname", "_parentcustomerid_value"], filter="jde_number eq '3-1'"
    )
    assert [row["_parentcustomerid_value"] for row in chosen] == [found["3"]["accountid"]]


def test_it_writes_as_it_does_to_the_service(stranger):
    one = stranger.records.create("account", {"name": "One", "jde_number": "1"})
    two, three = stranger.records.create(
        "account", [{"name": "Two", "jde_number": "2"}, {"name": "Three", "jde_number": "3"}]
    )
    stranger.records.update("account", one, {"paymenttermscode": "Net 30"})
    stranger.records.update("account", [two, three], [{"name": "Two!"}, {"name": "Three!"}])
    stranger.records.upsert("account", [UpsertItem({"jde_number": "1"}, {"name": "One!"})])
    new = [UpsertItem({"jde_number": "2"}, {"name": "Two?"}), UpsertItem({"jde_number": "4"}, {"name": "Four"})]
    stranger.records.upsert("account", new)
    batch = stranger.batch.new()
    batch.records.create("account", {"name": "Five", "jde_number": "5"})
    batch.records.update("account", three, {"name": "Three?"})
    assert [item.status_code for item in batch.execute().responses] == [204, 204]
    rows = stranger.records.list("account", select=["name", "jde_number", "paymenttermscode"], orderby=["jde_number"])
    assert [row["name"] for row in rows] == ["One!", "Two?", "Three?", "Four", "Five"]
    assert rows[0]["paymenttermscode"] == 1
    with pytest.raises(HttpError):
        stranger.records.create("account", {"name": "x" * 161})
    stranger.records.delete("account", one)
    assert stranger.records.retrieve("account", one) is None


def test_it_reads_the_definitions(stranger):
    (key,) = stranger.tables.get_alternate_keys("account")
    assert (key.key_attributes, key.status) == (["jde_number"], "Active")
    assert {"name", "jde_number"} <= {column["LogicalName"] for column in stranger.tables.list_columns("account")}
