from __future__ import annotations

import json
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from sync_ledger.errors import ConfigError
from target_zoho.setup.command import setup
from target_zoho.setup.making import Maker
from target_zoho.setup.wanted import EXTERNAL_ID_LENGTH, Wanted, lacking, wanted_fields

if t.TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from conftest import Org

WANTED = {
    "Accounts": {
        "Credit Limit": "currency",
        "JDE Status": {"type": "picklist", "options": ["Active", "On hold"]},
        "Branch": "text",
        "Remarks": "textarea",
        "Points": "number",
        "Since": "date",
        "On Hold": "boolean",
    },
    "Vendors": {"Terms": {"type": "multiselectpicklist", "options": ["N30", "N60"]}},
}


@pytest.fixture
def config(bare: Org, tmp_path: Path) -> dict[str, t.Any]:
    accounts = bare.emulator.accounts
    return {
        "client_id": accounts.client_id,
        "client_secret": accounts.client_secret,
        "refresh_token": accounts.refresh_token,
        "accounts_url": bare.emulator.url,
        "token_file": str(tmp_path / "tokens.json"),
        "custom_fields": WANTED,
        "request_timeout_seconds": 5,
    }


def command(config: dict[str, t.Any], tmp_path: Path, *arguments: str, answer: str | None = None) -> Result:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), "utf-8")
    return CliRunner().invoke(setup, ["--config", str(file), *arguments], input=answer)


def custom(org: Org, module: str = "Accounts") -> dict[str, dict[str, t.Any]]:
    """Return API name -> custom field."""
    fields = org.client.get("/settings/fields", {"module": module}).data["fields"]
    return {field["api_name"]: field for field in fields if field["custom_field"]}


def test_what_is_missing_is_shown_and_made_when_the_answer_is_yes(
    bare: Org, config: dict[str, t.Any], tmp_path: Path
) -> None:
    refused = command(config, tmp_path, answer="n\n")
    assert refused.exit_code == 1
    assert "Accounts: JDE Number, text, unique" in refused.stdout
    assert "Accounts: JDE Status, picklist (Active, On hold)" in refused.stdout
    assert custom(bare) == {}
    done = command(config, tmp_path, answer="y\n")
    assert done.exit_code == 0, done.output
    found = custom(bare)
    assert set(found) == {
        "JDE_Number", "Credit_Limit", "JDE_Status", "Branch", "Remarks", "Points", "Since", "On_Hold"
    }  # fmt: skip
    key = found["JDE_Number"]
    assert (key["unique"], key["length"], key["data_type"]) == ({"case_sensitive": False}, EXTERNAL_ID_LENGTH, "text")
    assert [one["actual_value"] for one in found["JDE_Status"]["pick_list_values"]] == ["Active", "On hold"]
    assert (found["Points"]["data_type"], found["Since"]["data_type"]) == ("double", "date")
    assert set(custom(bare, "Vendors")) == {"JDE_Number", "Terms"}
    assert set(custom(bare, "Contacts")) == {"JDE_Number"}
    bodies = [one["body"]["fields"] for one in bare.control.requests(200) if one["method"] == "POST" and one["body"]
              and "fields" in one["body"]]  # fmt: skip
    assert max(map(len, bodies)) == 5
    again = command(config, tmp_path)
    assert (again.exit_code, again.stdout) == (0, "Nothing is missing.\n")


def test_what_setup_makes_is_what_the_target_wants(bare: Org, config: dict[str, t.Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="target-zoho setup Accounts"):
        bare.destination.entity("Accounts").describe()
    assert command(config, tmp_path, "--yes").exit_code == 0
    for module in ("Accounts", "Vendors", "Contacts"):
        assert bare.connect().entity(module).describe().external_id_field is not None


def test_missing_values_are_added_and_those_there_stay(bare: Org, config: dict[str, t.Any], tmp_path: Path) -> None:
    assert command(config, tmp_path, "--yes").exit_code == 0
    before = {one["actual_value"]: one["id"] for one in custom(bare)["JDE_Status"]["pick_list_values"]}
    more = {"Accounts": {"JDE Status": {"type": "picklist", "options": ["Closed", "Active"]}}}
    done = command({**config, "custom_fields": more}, tmp_path, "--yes")
    assert "added values to Accounts: JDE Status: Closed" in done.stdout
    after = {one["actual_value"]: one["id"] for one in custom(bare)["JDE_Status"]["pick_list_values"]}
    assert list(after) == ["Active", "On hold", "Closed"]
    assert {name: after[name] for name in before} == before


def test_what_stands_in_the_way_is_told_and_left_alone(bare: Org, config: dict[str, t.Any], tmp_path: Path) -> None:
    bare.client.write(
        "POST",
        "/settings/fields",
        {"fields": [{"field_label": "JDE Number", "data_type": "text", "length": 20},
                    {"field_label": "Branch", "data_type": "integer"}]},
        params={"module": "Accounts"},
    )  # fmt: skip
    done = command(config, tmp_path, "--yes")
    assert done.exit_code == 1
    assert "In the way: Accounts: 'JDE Number' is not unique; set 'Do not allow duplicate values'" in done.stderr
    assert "In the way: Accounts: 'Branch' is of type integer, not text" in done.stderr
    assert "Credit_Limit" in custom(bare)
    assert custom(bare)["JDE_Number"]["unique"] == {}


def test_two_unique_fields_leave_no_room_for_the_external_id(
    bare: Org, config: dict[str, t.Any], tmp_path: Path
) -> None:
    unique = {"data_type": "text", "length": 20, "unique": {"case_sensitive": False}}
    body = {"fields": [{"field_label": label, **unique} for label in ("Tax ID", "Register No")]}
    bare.client.write("POST", "/settings/fields", body, params={"module": "Accounts"})
    done = command({**config, "custom_fields": {}}, tmp_path, "--yes")
    assert done.exit_code == 1
    assert "Accounts has its 2 unique fields already (Tax ID, Register No), and Zoho allows no more" in done.stderr
    assert "JDE_Number" not in custom(bare)
    assert "JDE_Number" in custom(bare, "Contacts")


def test_a_module_the_edition_lacks_is_left_out_unless_it_is_named(
    bare: Org, config: dict[str, t.Any], tmp_path: Path
) -> None:
    bare.control.hide_module("Vendors")
    done = command({**config, "custom_fields": {}}, tmp_path, "--yes")
    assert (done.exit_code, "Left out: Vendors" in done.stderr) == (0, True)
    named = command({**config, "custom_fields": {}}, tmp_path, "--yes", "Vendors")
    assert (named.exit_code, "has no module 'Vendors'" in named.stderr) == (1, True)


def test_other_modules_are_made_ready_by_name(bare: Org, config: dict[str, t.Any], tmp_path: Path) -> None:
    bare.control.add_module("Machines")
    assert command({**config, "custom_fields": {}}, tmp_path, "--yes", "Machines").exit_code == 0
    assert set(custom(bare, "Machines")) == {"JDE_Number"}
    assert custom(bare) == {}


def test_the_report_is_one_json_object_and_makes_nothing_without_yes(
    bare: Org, config: dict[str, t.Any], tmp_path: Path
) -> None:
    done = command(config, tmp_path, "--json")
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert report["Accounts"]["fields"][0] == {"label": "JDE Number", "type": "text", "unique": True, "options": []}
    assert custom(bare) == {}
    assert bare.emulator.accounts.client_secret not in done.output


def test_a_lost_answer_makes_no_field_twice(bare: Org) -> None:
    bare.control.fault(kind="reset", when="after", method="POST", path="settings/fields")
    bare.set_up({"Accounts": {"Branch": "text"}})
    assert set(custom(bare)) == {"JDE_Number", "Branch"}


def test_set_ups_at_the_same_time_make_each_field_once(bare: Org) -> None:
    wanted = [Wanted("Accounts", "JDE Number", "text", key=True), Wanted("Accounts", "Branch", "text")]

    def make(_: int) -> None:
        Maker(bare.client, lambda _: None, sleep=bare.waits.append).make("Accounts", wanted)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    assert set(custom(bare)) == {"JDE_Number", "Branch"}


def test_a_refusal_tells_which_field_and_why(bare: Org) -> None:
    refused = {"code": "LIMIT_EXCEEDED", "details": {}, "message": "custom field limit", "status": "error"}
    bare.control.fault(kind="status", status=400, body=refused, method="POST", path="settings/fields", times=None)
    with pytest.raises(ConfigError, match="Branch: custom field limit"):
        bare.set_up({"Accounts": {"Branch": "text"}})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Accounts": {"X": "hologram"}}, "has no type setup can make; there are text"),
        ({"Accounts": {"X": "picklist"}}, "options belong to the types picklist"),
        ({"Accounts": {"X": {"type": "text", "options": ["a"]}}}, "options belong to the types picklist"),
        ({"Accounts": "X"}, "wants its fields as label -> type"),
        ({"Nothing": {"X": "text"}}, "has no module 'Nothing'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(fields: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        wanted_fields({"external_id_field": "JDE Number", "custom_fields": fields}, ["Accounts"])


def test_two_fields_of_one_label_are_for_a_person() -> None:
    metadata = [{"api_name": name, "field_label": "Branch", "data_type": "text", "id": name} for name in ("A", "B")]
    found = lacking([Wanted("Accounts", "Branch", "text")], metadata)
    assert not found
    assert found.conflicts == ["Accounts has 2 fields 'Branch' (A, B); rename all but one"]
