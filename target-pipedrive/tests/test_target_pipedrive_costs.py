from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from target_pipedrive.costs import TOKENS
from target_pipedrive.entities import ENTITIES

SPECS = Path(os.environ.get("API_SPECS_DIR", "/nowhere")) / "pipedrive"


@pytest.mark.contract
@pytest.mark.skipif(not SPECS.is_dir(), reason="API_SPECS_DIR does not hold Pipedrive's specifications")
def test_every_price_is_the_one_in_the_official_specification() -> None:
    text = {version: (SPECS / f"openapi-{version}.yaml").read_text("utf-8") for version in ("v1", "v2")}
    paths = {version: yaml.load(spec, Loader=yaml.CSafeLoader)["paths"] for version, spec in text.items()}
    for (method, template), price in TOKENS.items():
        _, version, rest = template.split("/", 2)
        assert paths[version][f"/{rest}"][method.lower()]["x-token-cost"] == price, (method, template)


def test_every_call_an_entity_needs_has_a_price() -> None:
    for entity in ENTITIES.values():
        for call in (
            ("GET", entity.path),
            ("POST", entity.path),
            ("GET", entity.record_path),
            (entity.update_method, entity.record_path),
            *(("GET", path) for path in (*entity.list_paths, entity.fields_path) if path is not None),
        ):
            assert call in TOKENS
