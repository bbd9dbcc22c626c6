"""meltano.yml declares what the plug-ins really have: it would drift from `--about` without anybody noticing."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
PROJECT = yaml.safe_load((ROOT / "meltano.yml").read_text())
ISOLATED = yaml.safe_load((ROOT / "docs" / "examples" / "meltano-isolated.yml").read_text())
SINGER_PLUGINS = [plugin for kind in ("extractors", "mappers", "loaders") for plugin in PROJECT["plugins"][kind]]
SINGER_PLUGINS = [plugin for plugin in SINGER_PLUGINS if "inherit_from" not in plugin]
KINDS = {"integer": "integer", "boolean": "boolean", "array": "array", "object": "object", "string": "string"}


def about(executable: str) -> dict[str, t.Any]:
    command = [SCRIPTS / executable, "--about", "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "LOGLEVEL": "ERROR"}, timeout=60)
    return json.loads(done.stdout)


@pytest.mark.parametrize("plugin", SINGER_PLUGINS, ids=lambda plugin: plugin["name"])
def test_settings_are_those_of_the_plugin(plugin):
    described = about(plugin["executable"])
    declared = {setting["name"]: setting for setting in plugin["settings"]}
    real = described["settings"]["properties"]
    assert set(declared) == set(real)
    for name, schema in real.items():
        setting = declared[name]
        kind = next(kind for kind in schema["type"] if kind != "null")
        stated = setting.get("kind", "string")
        assert {"file": "string", "options": "string"}.get(stated, stated) == KINDS[kind], name
        assert setting.get("value") == (schema.get("default") or None), name
        assert setting.get("sensitive", False) == bool(schema.get("writeOnly") or schema.get("secret")), name
        options = [option["value"] for option in setting.get("options", [])] or None
        assert options == (list(schema["enum"]) if "enum" in schema else None), name
    if "capabilities" in plugin:
        assert sorted(plugin["capabilities"]) == sorted(described["capabilities"])
    groups = plugin.get("settings_group_validation", [[]])
    required = described["settings"].get("required", [])
    assert all(set(required) <= set(group) <= set(real) for group in groups)
    assert len(groups) > 1 or groups == [required]  # several are ways to log in, of which one is needed


def test_meltano_accepts_both_projects(tmp_path):
    for name, file in (("main", ROOT / "meltano.yml"), ("isolated", ROOT / "docs/examples/meltano-isolated.yml")):
        home = tmp_path / name
        home.mkdir()
        (home / "meltano.yml").write_text(file.read_text())
        done = subprocess.run(
            [SCRIPTS / "meltano", "compile", "--lint", "--directory", "manifests"],
            cwd=home,
            env={key: value for key, value in os.environ.items() if not key.startswith("MELTANO_")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "is not valid" not in done.stderr
        assert len(list((home / "manifests").iterdir())) == 3


def test_prod_holds_no_values():
    [prod] = [environment for environment in PROJECT["environments"] if environment["name"] == "prod"]
    plugins = [plugin for kind in prod["config"]["plugins"].values() for plugin in kind]
    values = [value for plugin in plugins for value in plugin["config"].values()]
    assert values
    assert all(value.startswith("$") for value in values)


def test_mappings_exist_and_no_job_is_called_like_one():
    mappings = [mapping for mapper in PROJECT["plugins"]["mappers"] for mapping in mapper["mappings"]]
    for mapping in mappings:
        assert (ROOT / mapping["config"]["mapping_file"]).is_file()
    names = {mapping["name"] for mapping in mappings}
    assert names.isdisjoint(job["name"] for job in PROJECT["jobs"])
    assert {schedule["job"] for schedule in PROJECT["schedules"]} <= {job["name"] for job in PROJECT["jobs"]}
    tasks = [block for job in PROJECT["jobs"] for task in job["tasks"] for block in task.split()]
    assert names <= set(tasks)


def test_the_isolated_example_has_the_same_plugins_each_with_a_pip_url():
    for kind in ("extractors", "mappers", "loaders", "utilities"):
        plain = {plugin["name"] for plugin in PROJECT["plugins"][kind]}
        isolated = {plugin["name"]: plugin for plugin in ISOLATED["plugins"][kind]}
        assert set(isolated) == plain
        assert all(plugin["pip_url"] for plugin in isolated.values())
    assert "project_id" not in ISOLATED  # a copy of it belongs to another project


@pytest.mark.parametrize("project", [PROJECT, ISOLATED], ids=["project", "isolated"])
def test_the_tap_reads_parents_before_the_contacts_that_point_to_them(project):
    (tap,) = [one for one in project["plugins"]["extractors"] if one["name"] == "tap-jdedwards"]
    streams = tap["config"]["streams"]
    assert streams[-1] == "contacts"
    assert set(streams) == {"customers", "vendors", "business_partners", "contacts"}
