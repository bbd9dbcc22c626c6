from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_pipedrive_runs import organization, person, record, schema
from test_target_pipedrive_contract import Specification, problems

if t.TYPE_CHECKING:
    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

SALES = "sam@emulator-sandbox.example"
PARENTS = [schema("organizations"), organization(1), schema("persons"), person(1)]
SCHEMAS = [schema(name) for name in ("pipelines", "stages", "products", "deals", "activities", "notes")]

ROWS: dict[str, dict[str, t.Any]] = {
    "pipelines": record("pipelines", "P1", name="Spare parts"),
    "stages": record("stages", "S1", name="Quoted", pipeline_id="P1", deal_probability=40),
    "products": record(
        "products",
        "A-100",
        name="Pump",
        code="A-100",
        owner_id=SALES,
        category=7,
        prices=[{"currency": "EUR", "price": 9}],
    ),
    "deals": record(
        "deals",
        "00100-SO",
        title="Order 100",
        value=1250.5,
        currency="EUR",
        org_id="1",
        person_id="1-1",
        pipeline_id="Pipeline",
        stage_id="Contact made",
        owner_id=SALES.upper(),
        label_ids=["Hot"],
        expected_close_date="2026-12-24",
        status="open",
    ),
    "activities": record(
        "activities",
        "77",
        subject="Call back",
        type="Call",
        deal_id="00100-SO",
        org_id="1",
        person_id="1-1",
        owner_id=SALES,
        due_date="2026-12-01",
        due_time="09:30:00",
        done=False,
    ),
    "notes": record("notes", "N1", content="Pays late", org_id="1", pinned_to_organization_flag=True),
}
CHANGES: dict[str, dict[str, t.Any]] = {
    "pipelines": {"name": "Spare parts 2"},
    "stages": {"deal_probability": 60},
    "products": {"category": 8},
    "deals": {"stage_id": "Pipeline / Proposal made"},
    "activities": {"done": True},
    "notes": {"content": "Pays in time"},
}


def changed(entity: str) -> dict[str, t.Any]:
    row = ROWS[entity]
    return {**row, "record": {**row["record"], **CHANGES[entity]}}


def load(*extra: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [*PARENTS, *SCHEMAS, *ROWS.values(), *extra]


def held(runner: Runner) -> list[tuple[str, str, str | None, str | None]]:
    """Return entity, reason, field and text of every open row."""
    engine = open_engine(runner.settings["ledger_url"])
    with engine.connect() as connection:
        query = select(open_rows).where(open_rows.c.closed_at.is_(None)).order_by(open_rows.c.id)
        found = [(row.entity, row.reason, row.field, row.text) for row in connection.execute(query)]
    engine.dispose()
    return found


def writes(pipedrive: PipedriveEmulator) -> list[tuple[str, str, t.Any]]:
    return [
        (entry["method"], entry["path"], entry["body"])
        for entry in pipedrive.control.requests(500)
        if entry["method"] != "GET"
    ]


@pytest.fixture
def loaded(runner: Runner) -> Runner:
    assert runner.run(*load()) == 0
    assert held(runner) == []
    return runner


def test_every_entity_is_created_with_its_relations_and_names(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    del loaded
    control = pipedrive.control
    (org,), (who,) = control.records("organizations"), control.records("persons")
    (pipeline,) = [one for one in control.records("pipelines") if one["name"] == "Spare parts"]
    (stage,) = [one for one in control.records("stages") if one["name"] == "Quoted"]
    assert (stage["pipeline_id"], stage["deal_probability"]) == (pipeline["id"], 40)
    (product,) = control.records("products")
    assert (product["owner_id"], product["category"], product["prices"][0]["price"]) == (14, "7", 9)
    assert product["custom_fields"] == {"JDE Number": "A-100"}
    (deal,) = control.records("deals")
    assert (deal["org_id"], deal["person_id"], deal["owner_id"]) == (org["id"], who["id"], 14)
    names = {one["id"]: one["name"] for one in control.records("stages")}
    assert (names[deal["stage_id"]], deal["label_ids"]) == ("Contact made", [9])
    (activity,) = control.records("activities")
    assert (activity["deal_id"], activity["org_id"], activity["person_id"]) == (deal["id"], org["id"], who["id"])
    assert (activity["type"], activity["due_time"]) == ("call", "09:30:00")
    (note,) = control.records("notes")
    assert (note["content"], note["org_id"], note["pinned_to_organization_flag"]) == ("Pays late", org["id"], True)


def test_an_unchanged_run_writes_nothing(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    pipedrive.control.reset_counters()
    assert loaded.run(*load()) == 0
    assert writes(pipedrive) == []


@pytest.mark.parametrize("entity", list(ROWS))
def test_a_change_writes_its_field_only(loaded: Runner, pipedrive: PipedriveEmulator, entity: str) -> None:
    pipedrive.control.reset_counters()
    assert loaded.run(schema(entity), changed(entity)) == 0
    ((method, path, body),) = writes(pipedrive)
    assert method == ("PUT" if entity == "notes" else "PATCH")
    assert f"/{entity}/" in path
    assert list(body) == list(CHANGES[entity])
    assert held(loaded) == []


@pytest.mark.parametrize("entity", list(ROWS))
def test_a_create_whose_answer_is_lost_happens_once(runner: Runner, pipedrive: PipedriveEmulator, entity: str) -> None:
    pipedrive.control.fault(kind="reset", when="after", method="POST", path=f"/{entity}$")
    assert runner.run(*load()) == 0
    assert sum(path.endswith(f"/{entity}") for method, path, _ in writes(pipedrive) if method == "POST") == 1
    assert held(runner) == []
    pipedrive.control.reset_counters()
    assert runner.run(*load()) == 0
    assert writes(pipedrive) == []


@pytest.mark.parametrize("entity", list(ROWS))
def test_a_create_that_did_not_happen_is_sent_again(runner: Runner, pipedrive: PipedriveEmulator, entity: str) -> None:
    pipedrive.control.fault(kind="reset", when="before", method="POST", path=f"/{entity}$")
    assert runner.run(*load()) == 0
    assert held(runner) == []
    start = {"pipelines": 1, "stages": 5}
    assert len(pipedrive.control.records(entity)) == 1 + start.get(entity, 0)


def test_a_create_that_dates_its_record_back_is_found_again(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    old = record("notes", "N9", content="From the old system", org_id="1", add_time="2015-01-02T03:04:05Z")
    pipedrive.control.fault(kind="reset", when="after", method="POST", path="/notes$")
    assert runner.run(*PARENTS, schema("notes"), old) == 0
    (note,) = pipedrive.control.records("notes")
    assert note["add_time"] == "2015-01-02T03:04:05Z"
    assert held(runner) == []


def test_twins_without_an_answer_are_held_instead_of_guessed(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    twins = [record("notes", key, content="Same words", org_id="1") for key in ("N1", "N2")]
    pipedrive.control.fault(kind="reset", when="after", method="POST", path="/notes$", times=1)
    pipedrive.control.fault(kind="reset", when="before", method="POST", path="/notes$", times=1)
    assert runner.run(*PARENTS, schema("notes"), *twins) == 0
    (note,) = pipedrive.control.records("notes")
    assert [row[:2] for row in held(runner)] == [("notes", "ambiguous_create")] * 2
    assert all(str(note["id"]) in (row[3] or "") for row in held(runner))
    # They stay held, whatever comes again, until a person has looked.
    assert runner.run(*PARENTS, schema("notes"), *twins) == 0
    assert len(pipedrive.control.records("notes")) == 1
    assert [row[1] for row in held(runner)] == ["ambiguous_create"] * 2


def test_a_record_somebody_has_changed_meanwhile_is_not_made_again(
    runner: Runner, pipedrive: PipedriveEmulator
) -> None:
    """The create happened, its answer was lost, the text was edited before anybody looked."""
    pipedrive.control.fault(kind="status", status=500, when="before", method="GET", path="/activities$", times=5)
    pipedrive.control.fault(kind="reset", when="after", method="POST", path="/activities$")
    assert runner.run(*load()) == 1  # nobody can look: the run ends, the create stays noted
    (made,) = pipedrive.control.records("activities")
    pipedrive.control.patch_record("activities", made["id"], {"subject": "Called back"})
    pipedrive.control.set_clock(offset_seconds=60, running=True)
    pipedrive.control.patch_record("activities", made["id"], {"subject": "Called back!"})
    assert runner.run(*load()) == 0
    assert [row[:2] for row in held(runner)] == [("activities", "ambiguous_create")]
    assert len(pipedrive.control.records("activities")) == 1
    # The person deletes the record that was made for the row: the next row makes it anew.
    pipedrive.control.delete_record("activities", made["id"])
    assert runner.run(*load()) == 0
    assert len(pipedrive.control.records("activities")) == 1
    assert held(runner) == []


def test_a_run_that_could_not_look_leaves_it_to_the_next(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    pipedrive.control.fault(kind="status", status=500, when="before", method="GET", path="/activities$", times=5)
    pipedrive.control.fault(kind="reset", when="after", method="POST", path="/activities$")
    assert runner.run(*load()) == 1
    assert runner.run(*load()) == 0
    assert len(pipedrive.control.records("activities")) == 1
    assert held(runner) == []


@pytest.mark.parametrize(
    ("entity", "values", "field", "words"),
    [
        ("deals", {"owner_id": "nobody@x.example"}, "owner_id", "sam@emulator-sandbox.example"),
        ("deals", {"pipeline_id": "Nowhere"}, "pipeline_id", "it has: Pipeline"),
        ("deals", {"stage_id": "Lost in space"}, "stage_id", "Contact made"),
        ("deals", {"label_ids": ["Lukewarm"]}, "label_ids", "Cold, Hot, Warm"),
        ("deals", {"status": "parked"}, "status", "lost, open, won"),
        ("activities", {"type": "Telepathy"}, "type", "Call"),
    ],
)
def test_an_unknown_name_is_held_with_the_ones_there_are(
    runner: Runner, pipedrive: PipedriveEmulator, entity: str, values: dict[str, t.Any], field: str, words: str
) -> None:
    row = {**ROWS[entity], "record": {**ROWS[entity]["record"], **values}}
    assert runner.run(*PARENTS, *SCHEMAS, ROWS["deals"], row) == 0
    ((of, reason, at, text),) = held(runner)
    assert (of, reason, at) == (entity, "unknown_option", field)
    assert words in (text or "")
    assert len(pipedrive.control.records("activities")) == 0


def test_a_stage_is_looked_for_in_the_rows_own_pipeline(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    namesake = record("stages", "S2", name="Contact made", pipeline_id="P1")
    here = {**ROWS["deals"]["record"], "pipeline_id": "Spare parts"}
    loose = {**ROWS["deals"]["record"], "external_id": "2", "pipeline_id": None}
    messages = [*PARENTS, *SCHEMAS, ROWS["pipelines"], namesake]
    assert runner.run(*messages, record("deals", **{**here, "external_id": "1"}), record("deals", **loose)) == 0
    (deal,) = pipedrive.control.records("deals")
    (stage,) = [one for one in pipedrive.control.records("stages") if one["id"] == deal["stage_id"]]
    (pipeline,) = [one for one in pipedrive.control.records("pipelines") if one["name"] == "Spare parts"]
    assert (stage["name"], stage["pipeline_id"]) == ("Contact made", pipeline["id"])
    ((_, reason, field, _),) = held(runner)  # two pipelines have such a stage: none is picked
    assert (reason, field) == ("unknown_option", "stage_id")


def test_a_row_whose_parent_is_not_there_yet_is_settled_later(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    assert runner.run(schema("deals"), ROWS["deals"]) == 0
    assert [row[:3] for row in held(runner)] == [("deals", "parent_missing", "org_id")]
    assert pipedrive.control.records("deals") == []
    assert runner.run(*PARENTS) == 0
    assert held(runner) == []
    assert len(pipedrive.control.records("deals")) == 1


def test_a_stage_may_name_a_pipeline_that_was_made_by_hand(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    assert runner.run(schema("stages"), record("stages", "S9", name="Audit", pipeline_id="Pipeline")) == 0
    assert held(runner) == []
    assert "Audit" in {one["name"] for one in pipedrive.control.records("stages")}


def test_archived_deals_are_known_and_kept(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    archived = {**ROWS["deals"], "record": {**ROWS["deals"]["record"], "is_archived": True}}
    assert runner.run(*PARENTS, schema("deals"), archived) == 0
    runner.settings["ledger_url"] += "2"  # a ledger that knows nothing finds it among the archived ones
    pipedrive.control.reset_counters()
    assert runner.run(*PARENTS, schema("deals"), archived) == 0
    assert writes(pipedrive) == []
    assert len(pipedrive.control.records("deals")) == 1


def test_a_record_deleted_in_pipedrive_is_held(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    for entity in ("deals", "activities"):
        (one,) = pipedrive.control.records(entity)
        pipedrive.control.delete_record(entity, one["id"])
    assert loaded.run(schema("activities"), changed("activities"), schema("deals"), changed("deals")) == 0
    assert sorted(row[:2] for row in held(loaded)) == [("activities", "record_deleted"), ("deals", "record_deleted")]
    assert pipedrive.control.records("deals") == []


@pytest.mark.parametrize("stream", ["users", "leads", "dealFields"])
def test_what_cannot_be_written_is_refused_with_the_remedy(
    runner: Runner, caplog: pytest.LogCaptureFixture, stream: str
) -> None:
    assert runner.run(schema(stream, {"id": {"type": "string"}}, keys=("id",))) == 1
    assert f"Stream '{stream}' cannot be written" in caplog.text
    assert "on_unknown_stream" in caplog.text
    assert runner.run(schema(stream, {"id": {"type": "string"}}, keys=("id",)), on_unknown_stream="skip") == 0


@pytest.mark.contract
@pytest.mark.skipif(
    not (Path(os.environ.get("API_SPECS_DIR", "/nowhere")) / "pipedrive").is_dir(),
    reason="API_SPECS_DIR does not hold Pipedrive's specifications",
)
def test_no_request_of_any_entity_violates_the_specification(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    for entity in ROWS:
        pipedrive.control.fault(kind="reset", when="after", method="POST", path=f"/{entity}$")
    assert runner.run(*load()) == 0
    assert runner.run(*SCHEMAS, *(changed(entity) for entity in ROWS)) == 0
    loose = {"org_id": None, "person_id": None, "expected_close_date": None}
    assert runner.run(schema("deals"), record("deals", **{**ROWS["deals"]["record"], **loose})) == 0
    runner.settings["ledger_url"] += "2"
    assert runner.run(*PARENTS, schema("deals"), schema("products"), ROWS["deals"], ROWS["products"]) == 0
    specifications = {version: Specification(version) for version in ("v1", "v2")}
    assert problems(specifications, pipedrive.control.requests(5000)) == []
