from __future__ import annotations

import json
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from sync_ledger.errors import ConfigError, ServiceUnavailableError
from target_dynamics.metadata_reading import metadata_of
from target_dynamics.setup.command import setup
from target_dynamics.setup.wanted import Wanted
from target_dynamics_runs import CUSTOM_FIELDS

if t.TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from conftest import Crm

NUMBER = Wanted("accounts", "JDE Number", "text", key=True)


def command(crm: Crm, tmp_path: Path, *arguments: str, answer: str | None = None, **changed: t.Any) -> Result:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**crm.settings, **changed}), "utf-8")
    return CliRunner().invoke(setup, ["--config", str(file), *arguments], input=answer)


def custom(crm: Crm, logical: str = "account") -> dict[str, str]:
    """Return logical name -> type of the columns of ours."""
    columns = metadata_of(crm.client, logical).columns
    return {name: item["Kind"] for name, item in columns.items() if name.startswith("jde_") and "_base" not in name}


def test_what_is_missing_is_shown_and_made_when_the_answer_is_yes(bare: Crm, tmp_path: Path) -> None:
    bare.control.switch(key_index_ms=0)
    refused = command(bare, tmp_path, answer="n\n", custom_fields=CUSTOM_FIELDS)
    assert refused.exit_code == 1
    assert "accounts: JDE Number, text with an alternate key" in refused.stdout
    assert "accounts: JDE Status, choice (Active, On hold, Closed)" in refused.stdout
    assert custom(bare) == {}
    done = command(bare, tmp_path, answer="y\n", custom_fields=CUSTOM_FIELDS)
    assert done.exit_code == 0, done.output
    assert "alternate key on jde_number is active" in done.stdout
    assert custom(bare) == {
        "jde_number": "String",
        "jde_vatid": "String",
        "jde_status": "Picklist",
        "jde_regions": "MultiSelectPicklist",
        "jde_since": "DateTime",
        "jde_checkedat": "DateTime",
        "jde_openbalance": "Money",
        "jde_rate": "Decimal",
        "jde_notes": "Memo",
        "jde_blocked": "Boolean",
    }
    assert custom(bare, "contact") == {"jde_number": "String"}
    again = command(bare, tmp_path, custom_fields=CUSTOM_FIELDS)
    assert (again.exit_code, again.stdout) == (0, "Nothing is missing.\n")


def test_what_setup_makes_is_what_the_target_wants(bare: Crm) -> None:
    with pytest.raises(ConfigError, match="target-dynamics setup accounts"):
        bare.destination.entity("accounts").describe()
    bare.set_up()
    for entity in ("accounts", "contacts"):
        found = bare.connect().entity(entity).describe().external_id_field
        assert found is not None
        assert (found.key, found.max_length) == ("jde_number", 100)


def test_options_that_a_choice_lacks_are_added_and_those_there_stay(bare: Crm) -> None:
    choice = {"accounts": {"JDE Status": {"type": "choice", "options": ["Active"]}}}
    bare.set_up(choice)
    before = dict(t.cast("t.Any", bare.connect().entity("accounts").describe().find("JDE Status")).options)
    bare.set_up({"accounts": {"JDE Status": {"type": "choice", "options": ["Closed", "Active"]}}})
    after = dict(t.cast("t.Any", bare.connect().entity("accounts").describe().find("JDE Status")).options)
    assert set(after) == {"Active", "Closed"}
    assert after["Active"] == before["Active"]


def test_the_wait_for_the_index_is_told_and_ends(bare: Crm) -> None:
    bare.control.switch(key_index_ms=60_000)
    said: list[str] = []
    bare.maker(said.append).make("accounts", [NUMBER])
    assert any("is being built for" in line and "InProgress" in line for line in said)
    assert said[-1] == "accounts: alternate key on jde_number is active"
    assert sum(bare.waits) >= 55


def test_an_index_that_takes_too_long_is_left_to_the_service(bare: Crm) -> None:
    bare.control.switch(key_index_ms=600_000)
    with pytest.raises(ServiceUnavailableError, match=r"is not built after 30 s .*run setup again"):
        bare.maker(seconds=30).make("accounts", [NUMBER])
    with pytest.raises(ConfigError, match="is still being built"):
        bare.connect().entity("accounts").describe()
    bare.advance(600)
    bare.maker().make("accounts", [NUMBER])


def test_rows_that_share_a_value_are_named_and_the_index_is_built_once_they_are_corrected(bare: Crm) -> None:
    bare.maker().make("accounts", [Wanted("accounts", "JDE Number", "text")])
    twins = [bare.add("accounts", name=name, jde_number="7") for name in ("A", "B")]
    bare.add("accounts", name="C", jde_number="8")
    with pytest.raises(ConfigError, match="failed because rows share a value: '7' in") as problem:
        bare.maker().make("accounts", [NUMBER])
    assert all(twin in str(problem.value) for twin in twins)
    with pytest.raises(ConfigError, match="because rows share a value of jde_number"):
        bare.connect().entity("accounts").describe()
    bare.control.patch_record("accounts", twins[0], {"jde_number": None})
    bare.maker().make("accounts", [NUMBER])
    assert bare.connect().entity("accounts").describe().external_id_field is not None


def test_two_set_ups_at_once_make_everything_once(bare: Crm) -> None:
    makers = [bare.maker() for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(maker.make, "accounts", [NUMBER]) for maker in makers]
        for one in done:
            one.result()
    assert custom(bare) == {"jde_number": "String"}
    assert len(metadata_of(bare.client, "account").keys) == 1


def test_columns_go_into_the_solution(bare: Crm) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        bare.maker(solution="nowhere").make("accounts", [NUMBER])
    assert custom(bare) == {}


def test_a_user_who_may_not_customise_gets_one_line(bare: Crm) -> None:
    bare.control.set_user(missing=["prvCreateAttribute"])
    with pytest.raises(ConfigError, match=r"Dataverse does not make columns of accounts: .*System Customizer"):
        bare.maker().make("accounts", [NUMBER])


def test_the_report_for_machines_makes_nothing_by_itself(bare: Crm, tmp_path: Path) -> None:
    done = command(bare, tmp_path, "accounts", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["accounts"]["keys"] == ["jde_number"]
    assert custom(bare) == {}
