"""Streams that users define, and the page that tells how."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jde_ais import AisClient, AisSettings
from service_emulators.testing import start_jde
from tap_jdedwards.composed import loading, resolving
from tap_jdedwards.composed.definition import DefinitionError
from tap_jdedwards.composed.loading import parse_definitions, shipped_definitions
from tap_jdedwards.composed.resolving import resolved
from tap_jdedwards.dictionary import load_dictionary

PAGE = (Path(__file__).parents[2] / "docs" / "composed-streams.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if text.startswith("supplier_"))


@pytest.fixture(scope="module")
def business():
    with start_jde(customers=30, documents=60, seed=9) as emulator:
        yield emulator


def test_the_table_of_streams_says_what_the_definitions_say():
    told = {
        cells[0].strip(" `"): [cell.strip() for cell in cells[1:]]
        for cells in (line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `"))
    }
    assert list(told) == sorted(told, key=list(shipped_definitions()).index)
    assert set(told) == set(shipped_definitions())
    for name, definition in shipped_definitions().items():
        _, key, emits, only = told[name]
        assert re.findall(r"`(\w+)`", key) == list(definition.key)
        assert emits.split(", ") == [one.name for one in definition.sources.values() if one.emits]
        assert [part for part in only.split(", ") if part] == [
            one.name for one in definition.sources.values() if not one.emits
        ]


def test_the_example_of_the_page_runs(business, runner_of, tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(EXAMPLE, encoding="utf-8")
    run = runner_of(business)
    today = business.control.set_clock()[:10]
    output = run(streams=["supplier_backlog"], definitions_file=str(file), udc_descriptions=True)
    assert output.failures == {}
    lines = defaultdict(list)
    for row in business.store.read("F4311"):
        if row["UOPN"] > 0 and row["DCTO"] in ("OP", "OB"):
            lines[row["AN8"]].append(row)
    names = {row["AN8"]: row["ALPH"] for row in business.store.read("F0101")}
    suppliers = [row["AN8"] for row in business.store.read("F0401") if row["AN8"] in names]
    assert [one["supplier_number"] for one in output.records["supplier_backlog"]] == suppliers
    assert sum(one["open_lines"] for one in output.records["supplier_backlog"]) > 10
    for one in output.records["supplier_backlog"]:
        own = lines[one["supplier_number"]]
        late = [row for row in own if row["PDDJ"] and row["PDDJ"] < today]
        assert one["name"] == names[one["supplier_number"]]
        assert one["search_type_description"]
        assert one["open_lines"] == len(own) == len(one["lines"])
        assert one["open_amount"] == pytest.approx(float(sum(row["AOPN"] for row in own)))
        assert one["late_amount"] == pytest.approx(float(sum(row["AOPN"] for row in late)))
        assert (one["days_late"] or 0) > 0 or not late
    # A line that is closed is no longer taken, but its supplier comes once more.
    closed = next(row for row in business.store.read("F4311") if row["UOPN"] > 0 and row["DCTO"] == "OP")
    key = {name: closed[name] for name in ("DOCO", "DCTO", "KCOO", "SFXO", "LNID")}
    business.control.update_rows("F4311", key, {"UOPN": 0, "AOPN": 0})
    after = run(streams=["supplier_backlog"], definitions_file=str(file), state=output.state, overlap_minutes=0)
    (now,) = [one for one in after.records["supplier_backlog"] if one["supplier_number"] == closed["AN8"]]
    assert now["open_lines"] == len(lines[closed["AN8"]]) - 1


def test_the_error_the_page_shows_is_the_one_told():
    entry = yaml.safe_load(EXAMPLE)
    entry["supplier_backlog"]["tables"]["F4311"] = {"joins": ["AN8"]}
    with pytest.raises(DefinitionError) as raised:
        parse_definitions(yaml.safe_dump(entry), load_dictionary())
    assert str(raised.value) in PAGE


OWN = {
    "unknown_tables": {
        "root": "F4102",
        "key": {"item": "ITM", "branch": "MCU"},
        "tables": {
            "F4102": {"key": ["ITM", "MCU"]},
            "F41021": {"key": ["ITM", "MCU", "LOCN", "LOTN"], "join": ["ITM", "MCU"]},
            "F0006": {"key": ["MCU"], "join": {"MCU": "F4102.MCU"}, "on_change": "ignore"},
        },
        "properties": {
            "item": "F4102.ITM",
            "branch": "F4102.MCU",
            "class": "F4102.GLPT",
            "branch_name": "F0006.DL01",
            "on_hand": {"sum": "F41021.PQOH"},
            "last_receipt": {"max": "F41021.LRCJ"},
        },
    }
}


@pytest.fixture
def ignorant(monkeypatch):
    """A tap whose dictionary knows nothing of items."""
    full = load_dictionary()
    shipped_definitions()  # with all of it
    items = {"F4101", "F4102", "F41021", "F0006"}
    aliases = {"ITM", "GLPT", "PQOH", "LRCJ", "LOCN", "LOTN", "DL01"}
    poor = replace(
        full,
        tables={name: table for name, table in full.tables.items() if name not in items},
        kinds={alias: kind for alias, kind in full.kinds.items() if alias not in aliases},
    )
    for module in (loading, resolving):
        monkeypatch.setattr(module, "load_dictionary", lambda: poor)
    return poor


def test_tables_the_dictionary_does_not_know_are_discovered(business, runner_of, tmp_path, ignorant):
    file = tmp_path / "mine.yml"
    file.write_text(yaml.safe_dump(OWN, sort_keys=False), encoding="utf-8")
    output = runner_of(business)(streams=["unknown_tables", "item_availability"], definitions_file=str(file))
    assert output.failures == {}
    known = {(one["item_number"], one["branch"]): one for one in output.records["item_availability"]}
    assert len(output.records["unknown_tables"]) == len(known)
    for one in output.records["unknown_tables"]:
        same = known[one["item"], one["branch"]]
        assert (one["on_hand"], one["branch_name"], one["last_receipt"], one["UPMT"]) == (
            same["on_hand"],
            same["branch_name"],
            same["last_receipt_date"],
            one["UPMT"],
        )
        assert one["UPMT"] is not None
    properties = output.schemas["unknown_tables"]["schema"]["properties"]
    assert properties["last_receipt"]["format"] == "date"
    assert properties["item"]["type"] == ["integer"]


def own(tables=None, properties=None, **changes):
    entry = {**OWN["unknown_tables"], **changes}
    entry["tables"] = {**entry["tables"], **(tables or {})}
    entry["properties"] = {**entry["properties"], **(properties or {})}
    return yaml.safe_dump({"mine": entry}, sort_keys=False)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (own(properties={"x": "F4102.NOPE"}), "F4102 has no column NOPE on this server"),
        (own({"F9999": {"key": ["ITM"], "join": ["ITM"]}}), "F9999"),
        (own(properties={"x": {"sum": "F41021.LOCN"}}), "property x adds columns that are no numbers"),
        (own(properties={"x": {"days_since": "F4102.GLPT"}}), "property x counts the days from GLPT, which is no date"),
        (own(properties={"x": {"max": "F4102.GLPT"}}), "only numbers and dates have a lowest and a highest value"),
        (own({"F41021": {"key": ["ITM"], "join": ["ITM"], "take": {"LOCN": 5}}}), "holds text: put 5 in quotes"),
        (own({"F41021": {"key": ["ITM"], "join": ["ITM"], "take": {"PQOH": "x"}}}), "holds numbers, 'x' is none"),
        (own({"F41021": {"key": ["ITM"], "join": ["ITM"], "daily": {"LRCJ": "soon"}}}), "neither one like 2026-11-20"),
        (own({"F41021": {"key": ["ITM"], "join": ["ITM"], "take": {"LOCN": {"gt": "a"}}}}), "text has no order"),
        (own({"F0006": {"key": ["MCU"], "join": {"MCU": "F4102.BUYR"}}}), "MCU is a string, BUYR a whole"),
        (
            own({"F41021": {"key": ["ITM"], "join": ["MCU"]}}, key={"branch": "MCU"}),
            "the first key column MCU must hold whole numbers",
        ),
    ],
)
def test_what_does_not_fit_the_server_is_told(business, runner_of, tmp_path, ignorant, definition, message):
    file = tmp_path / "mine.yml"
    file.write_text(definition, encoding="utf-8")
    output = runner_of(business)(streams=["mine", "contacts"], definitions_file=str(file))
    assert message in output.failures["mine"]
    assert output.records["contacts"]


def test_a_table_without_a_stamp_must_not_be_waited_for(business, ignorant):
    definition = parse_definitions(yaml.safe_dump(OWN, sort_keys=False), ignorant)["unknown_tables"]

    def columns(table):
        with_stamp = start_columns[table]
        return [one for one in with_stamp if table != "F41021" or one.alias not in ("UPMJ", "TDAY")]

    with AisClient(AisSettings(business.url, business.username, business.password)) as client:
        start_columns = {table: client.columns(table) for table in ("F4102", "F41021", "F0006")}
    with pytest.raises(
        DefinitionError, match="F41021 has no column UPMJ, so its changes cannot be seen: say `on_change"
    ):
        resolved(definition, columns)
