"""The definitions for MeltanoHub fit its schema and say what the plug-ins really have."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import pytest
import yaml
from suite import BIN, ROOT

FILES = sorted((ROOT / "hub" / "meltano").glob("*/*/*.yml"))

# What the Hub's schemas/plugin_definitions/extractors.schema.json allows (read at its commit 9d28b36a).
REQUIRED = {"name", "namespace", "variant", "label", "quality"}
OPTIONAL = {
    *("capabilities", "commands", "definition", "description", "docs", "domain_url", "executable", "keywords"),
    *("logo_url", "maintenance_status", "metadata", "next_steps", "pip_url", "prereq", "repo", "schema", "select"),
    *("settings", "settings_group_validation", "settings_preamble", "supported_python_versions", "usage"),
}
STATUSES = {"active", "beta", "development", "inactive", "unknown"}
QUALITIES = {"gold", "silver", "bronze", "unknown"}
SETTING = {"name", "label", "kind", "description", "value", "options", "sensitive", "placeholder"}
KINDS = {
    "string": {"string", "password", "options", "file", "date_iso8601"},
    **{kind: {kind} for kind in ("integer", "boolean", "array", "object")},
}


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def definition(request: pytest.FixtureRequest) -> dict[str, t.Any]:
    """One definition."""
    found: dict[str, t.Any] = yaml.safe_load(request.param.read_text())
    assert request.param.parent.name == found["name"]
    assert request.param.stem == found["variant"]
    return found


def about(executable: str) -> dict[str, t.Any]:
    """Ask a plug-in what it has."""
    command = [BIN / executable, "--about", "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "LOGLEVEL": "ERROR"}, timeout=60)
    found: dict[str, t.Any] = json.loads(done.stdout)
    return found


def flattened(properties: dict[str, t.Any], prefix: str = "") -> dict[str, dict[str, t.Any]]:
    """List settings as the Hub does: those of objects by themselves, with a dot."""
    found = {}
    for name, schema in properties.items():
        if schema.get("properties") and name != "stream_maps":
            found.update(flattened(schema["properties"], f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = schema
    return found


def test_it_has_the_form_that_the_hub_wants(definition: dict[str, t.Any]) -> None:
    assert REQUIRED <= definition.keys() <= REQUIRED | OPTIONAL
    assert definition["maintenance_status"] in STATUSES
    assert definition["quality"] in QUALITIES
    assert "meltano_sdk" in definition["keywords"]
    assert list(definition) == sorted(definition), "the Hub's linter wants sorted keys"
    for setting in definition["settings"]:
        assert setting.keys() <= SETTING
        assert list(setting) == sorted(setting)
        assert setting["label"]


def test_it_is_what_about_says(definition: dict[str, t.Any]) -> None:
    described = about(definition["executable"])
    assert definition["name"] == described["name"]
    assert definition["capabilities"] == sorted(described["capabilities"])
    assert definition["supported_python_versions"] == described["supported_python_versions"]
    real = flattened(described["settings"]["properties"])
    assert [setting["name"] for setting in definition["settings"]] == list(real)
    for setting in definition["settings"]:
        schema = real[setting["name"]]
        assert setting["description"] == (schema.get("description") or ""), setting["name"]
        assert setting.get("value") == schema.get("default"), setting["name"]
        assert setting.get("sensitive", False) == bool(schema.get("writeOnly")), setting["name"]
        assert [option["value"] for option in setting.get("options", [])] == schema.get("enum", []), setting["name"]
        for kind in {*schema.get("type", ())} - {"null"}:
            assert setting["kind"] in KINDS[kind], setting["name"]
    groups = [set(group) for group in definition["settings_group_validation"]]
    assert all(set(described["settings"].get("required", [])) <= group <= real.keys() for group in groups)


def test_its_commands_are_those_of_the_project(definition: dict[str, t.Any]) -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]
    plugins = [*project["extractors"], *project["loaders"]]
    [plugin] = [one for one in plugins if one["name"] == definition["name"]]
    assert definition["commands"] == plugin["commands"]
