from __future__ import annotations

import json
import typing as t

import pytest
from click.testing import CliRunner
from target_dynamics.doctor.command import doctor
from target_dynamics.doctor.privileges import lack
from target_dynamics.doctor.tables import columns
from target_dynamics.metadata import Key
from target_dynamics.setup.wanted import Lacking, Wanted
from target_dynamics_login import settings_of

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.dynamics.emulator import DynamicsEmulator

    from conftest import Crm


@pytest.fixture
def given(dynamics: DynamicsEmulator, tmp_path: Path) -> dict[str, t.Any]:
    """Settings as a user would give them."""
    return settings_of(dynamics, tmp_path)


def examined(config: dict[str, t.Any], tmp_path: Path) -> tuple[int, dict[str, dict[str, str]]]:
    """Return exit code and check -> finding."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({name: value for name, value in config.items() if value is not None}), "utf-8")
    done = CliRunner().invoke(doctor, ["--config", str(file), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert str(config.get("client_secret", "-")) not in done.output
    return done.exit_code, {one["check"]: one for one in json.loads(done.output)["findings"]}


def test_a_good_set_up_is_told_so_and_nothing_is_written(
    given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator, crm: Crm
) -> None:
    dynamics.control.reset_counters()
    code, found = examined(given, tmp_path)
    assert code == 0, found
    assert {one["status"] for one in found.values()} == {"ok"}
    assert set(found) >= {"settings", "authority", "token", "network", "environment", "clock", "tables", "limits"}
    assert dynamics.org_url in found["token"]["text"]
    assert "accounts, contacts" in found["tables"]["text"]
    assert "created and written" in found["accounts rights"]["text"]
    assert "active alternate key" in found["contacts columns"]["text"]
    assert found["accounts bulk"]["text"] == "by bulk messages; change tracking is on"
    assert "requests and 1" in found["limits"]["text"]
    assert "recommends 4 at the same time" in found["limits"]["text"]
    assert dynamics.control.counters()["writes"] == 0
    calls = sum(one["path"].startswith("/api/data/") for one in dynamics.control.requests())
    assert f"took {calls} requests" in found["limits"]["text"]


def test_what_an_environment_lacks_is_told(given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator) -> None:
    dynamics.control.switch(multiple_messages=["contact"])
    wanted = {"accounts": {"Hold Reason": "text"}}
    code, found = examined({**given, "custom_fields": wanted}, tmp_path)
    assert code == 1
    assert found["accounts columns"]["text"] == "accounts lacks JDE Number, Hold Reason"
    assert found["accounts columns"]["remedy"] == "target-dynamics setup makes them"
    assert found["contacts columns"]["status"] == "warning"
    assert found["accounts bulk"]["text"].startswith("no CreateMultiple and UpdateMultiple: rows go as single requests")
    assert found["contacts bulk"]["text"].startswith("by bulk messages")


@pytest.mark.parametrize(
    ("changed", "check", "words"),
    [
        ({"client_id": None}, "settings", "client_id"),
        ({"client_secret": None}, "settings", "set either client_secret or certificate_file"),
        ({"tenant_id": "common"}, "settings", "tenant_id"),
        ({"org_url": "contoso.crm4.dynamics.com"}, "settings", "org_url"),
        ({"max_concurrency": 5}, "settings", "max_concurrency"),
        ({"certificate_file": "/nowhere.pem", "client_secret": None}, "settings", "certificate_file"),
        ({"tenant_id": "00000000-0000-0000-0000-000000000001"}, "token", "AADSTS90002"),
        ({"client_id": "00000000-0000-0000-0000-000000000002"}, "token", "AADSTS700016"),
        ({"client_secret": "b1c2d3e4-0000-0000-0000-000000000003"}, "token", "AADSTS7000215"),
        ({"org_url": "https://other.crm.dynamics.com"}, "token", "AADSTS500011"),
        ({"api_url": "http://127.0.0.1:9"}, "environment", "cannot be reached"),
        ({"entities": ["machines"]}, "tables", "no entity set machines"),
    ],
)
def test_what_is_wrong_fails_with_a_remedy(
    given: dict[str, t.Any], tmp_path: Path, changed: dict[str, t.Any], check: str, words: str
) -> None:
    code, found = examined({**given, **changed}, tmp_path)
    assert code == 1
    assert found[check]["status"] == "failed"
    assert words in found[check]["text"] + found[check]["remedy"]
    assert found[check]["remedy"]
    assert "accounts columns" not in found  # what needs it is left out


def test_an_expired_secret_is_named(given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator) -> None:
    dynamics.control.expire_secret()
    _, found = examined(given, tmp_path)
    assert "the client secret has expired (AADSTS7000222)" in found["token"]["text"]
    assert found["token"]["remedy"].startswith("make a new one")


@pytest.mark.parametrize(("user", "words"), [({"present": False}, "0x80072560"), ({"disabled": True}, "disabled")])
def test_an_application_that_is_no_user_is_told_where_to_become_one(
    given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator, user: dict[str, t.Any], words: str
) -> None:
    dynamics.control.set_user(**user)
    code, found = examined(given, tmp_path)
    assert code == 1
    assert words in found["environment"]["text"]
    assert "Application users" in found["environment"]["remedy"]


def test_privileges_the_roles_lack_are_named(
    given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator
) -> None:
    dynamics.control.set_user(missing=["prvCreateAccount", "prvWriteAccount", "prvAppendToContact", "prvDeleteContact"])
    _, found = examined(given, tmp_path)
    assert found["accounts rights"]["status"] == "failed"
    assert found["accounts rights"]["text"] == "the roles lack prvCreateAccount, prvWriteAccount"
    assert found["contacts rights"]["status"] == "warning"
    assert found["contacts rights"]["text"].endswith("the roles lack prvAppendToContact")
    _, found = examined({**given, "deletions": {"contacts": {"do": "delete"}}}, tmp_path)
    assert found["contacts rights"]["text"] == "the roles lack prvDeleteContact"


def test_a_user_without_a_role_is_told_so(given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator) -> None:
    dynamics.control.set_user(roles=[])
    code, found = examined(given, tmp_path)
    assert code == 1
    assert "no security role" in found["privileges"]["text"]


def test_leaving_out_custom_logic_needs_a_privilege(
    given: dict[str, t.Any], tmp_path: Path, dynamics: DynamicsEmulator
) -> None:
    dynamics.control.set_user(missing=["prvBypassCustomPlugins"])
    assert "privileges" not in examined(given, tmp_path)[1]
    _, found = examined({**given, "bypass_custom_logic": True}, tmp_path)
    assert "prvBypassCustomPlugins" in found["privileges"]["text"]


def privilege(kind: str, number: int) -> dict[str, str]:
    return {"PrivilegeType": kind, "Name": f"prv{kind}Thing", "PrivilegeId": f"{number:08d}-AAAA"}


def test_a_privilege_for_part_of_the_organisation_is_told_apart_from_a_missing_one() -> None:
    table = [privilege(kind, number) for number, kind in enumerate(["Create", "Read", "Write", "Append", "AppendTo"])]
    own = {"00000000-aaaa": "Global", "00000001-aaaa": "Basic", "00000003-aaaa": "Global", "00000004-aaaa": "Local"}
    found = lack(table, own, ("Create", "Read", "Write"))
    assert found.needed == ("prvWriteThing",)
    assert found.narrow == ("prvReadThing",)
    assert found.lookups == ()


def test_what_a_table_lacks_is_told_by_what_helps() -> None:
    number = Wanted("accounts", "JDE Number", "text", key=True)
    hold = Wanted("accounts", "Hold", "choice", ("A", "B"))
    waiting, broken = Key("jde_key", ("jde_number",), "Pending"), Key("jde_key", ("jde_number",), "Failed")

    def told(**lacks: t.Any) -> list[tuple[str, str]]:
        return [(one.status.value, one.text) for one in columns("accounts", Lacking(**lacks), "JDE Number")]

    assert told() == [
        ("ok", "JDE Number is there with an active alternate key, and all columns of the settings are there")
    ]
    assert told(columns=[number], keys=["jde_number"]) == [
        ("warning", "accounts lacks JDE Number; the stream accounts cannot be loaded")
    ]
    assert told(columns=[number, hold], keys=["jde_number"]) == [("failed", "accounts lacks JDE Number, Hold")]
    assert told(keys=["jde_number"]) == [("failed", "accounts lacks an alternate key on jde_number")]
    assert told(options=[(hold, "jde_hold", ("B",))]) == [("failed", "accounts lacks Hold (options B)")]
    assert told(waiting=[waiting]) == [("failed", "the index of alternate key jde_key is still being built (Pending)")]
    assert told(failed=[broken]) == [("failed", "the index of alternate key jde_key failed: rows share an external ID")]
    assert told(conflicts=["column x is of type Memo; name another column"]) == [("failed", "column x is of type Memo")]
