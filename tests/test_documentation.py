"""What the documents say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
import yaml
from service_emulators.testing import start_pipedrive

ROOT = Path(__file__).parents[1]
STANDARD = {"name", "address", "org_id", "emails", "phones", "external_id"}


def test_the_fields_to_create_are_those_the_mapping_writes_and_the_emulated_account_has() -> None:
    rows = re.findall(
        r"^\| (organization|person) \| ([^|]+) \| ([^|]+) \|", (ROOT / "docs/jde-to-pipedrive.md").read_text(), re.M
    )
    documented = {(f"{entity}s", name) for entity, name, _ in rows if name != "JDE Number"}
    maps = yaml.safe_load((ROOT / "mappings/jde-to-pipedrive.yml").read_text())["stream_maps"]
    mapped = {
        (entity, name)
        for entity in ("organizations", "persons")
        for name in maps[entity]
        if not name.startswith("__") and name not in STANDARD
    }
    assert documented == mapped
    with start_pipedrive() as pipedrive:
        for entity, name, _ in rows:
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
