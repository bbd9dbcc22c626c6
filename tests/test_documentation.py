"""What the documents say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
import yaml
from service_emulators.dynamics.schema.catalog import definitions
from service_emulators.testing import start_dynamics, start_pipedrive
from service_emulators.zoho.default_fields import MODULES, field_lines
from service_emulators.zoho.emulator import ZohoEmulator

ROOT = Path(__file__).parents[1]
KEY = "JDE Number"
STANDARD = {
    "pipedrive": {entity: {"name", "address", "org_id", "emails", "phones"} for entity in ("organizations", "persons")},
    "zoho": {name: {line.api_name for line in field_lines(module.text)} for name, module in MODULES.items()},
    "dynamics": {
        one.table.set_name: {column.name for column in one.columns}
        | {relation.navigation for relation in one.relations}
        for one in definitions().values()
    },
}
"""Fields that are there without being made, by service and entity."""


def documented(service: str) -> list[tuple[str, str]]:
    """Return entity and name of the fields a page tells to create."""
    page = (ROOT / f"docs/jde-to-{service}.md").read_text()
    table = re.split(r"## \w+ to create", page)[1].split("\n\n")[1]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return [({"organization": "organizations", "person": "persons"}.get(one[0], one[0]), one[1]) for one in cells]


@pytest.mark.parametrize("service", STANDARD)
def test_the_fields_to_create_are_those_the_mapping_writes_and_setup_makes(service: str) -> None:
    rows = documented(service)
    maps = yaml.safe_load((ROOT / f"mappings/jde-to-{service}.yml").read_text())["stream_maps"]
    standard = STANDARD[service]
    mapped = {
        (entity, name)
        for entity, properties in maps.items()
        if isinstance(properties, dict)
        for name in properties
        if not name.startswith("__") and name not in standard[entity] | {"external_id"}
    }
    assert {row for row in rows if row[1] != KEY} == mapped
    assert {row for row in rows if row[1] == KEY} == {(entity, KEY) for entity, _ in mapped}
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]["loaders"]
    [made] = [loader["config"]["custom_fields"] for loader in loaders if loader["name"] == f"target-{service}"]
    assert {(entity, name) for entity in made for name in made[entity] if name not in standard[entity]} == mapped


def test_the_emulated_accounts_have_the_fields_to_create() -> None:
    with ZohoEmulator(demo_fields=True) as zoho:
        for module, label in documented("zoho"):
            assert label in {field.label for field in zoho.parts.catalog.modules()[module].fields.values()}
    with start_dynamics(demo_columns=True) as dynamics:
        for entity, label in documented("dynamics"):
            table = dynamics.parts.catalog.by_set(entity)
            assert table is not None
            assert label in {column.label for column in table.columns.values()}
    with start_pipedrive() as pipedrive:
        for entities, name in documented("pipedrive"):
            entity = entities.removesuffix("s")
            answer = requests.get(
                f"{pipedrive.url}/api/v2/{entity}Fields",
                params={"limit": 500},
                headers={"x-api-token": pipedrive.api_token},
                timeout=10,
            )
            assert name in {field["field_name"] for field in answer.json()["data"]}, (entity, name)


@pytest.mark.parametrize("file", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md")), ids=lambda f: f.name)
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text()):
        if "://" not in target:
            assert (file.parent / target).exists(), target


def test_every_guarantee_names_tests_that_exist() -> None:
    named = re.findall(r"`([\w/.-]+\.py)::(\w+)`", (ROOT / "docs/invariants.md").read_text())
    assert len(named) >= 20
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), f"{file}::{test}"
