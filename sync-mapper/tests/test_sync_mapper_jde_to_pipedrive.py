"""The shipped mappings: their cases pass and show every property, by the command that users run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from sync_mapper.commands.test import test as command

FOLDER = Path(__file__).resolve().parents[2] / "mappings"
MAPPINGS = sorted(FOLDER.glob("*.yml"))


def test_all_cases_pass_and_show_every_property():
    done = CliRunner().invoke(command, [str(FOLDER / "tests"), "--min-coverage", "100"])
    assert done.exit_code == 0, done.output
    for mapping in MAPPINGS:
        assert f"{mapping}: " in done.output, f"{mapping.name} has no cases"


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda file: file.name)
def test_every_line_has_a_comment(mapping):
    """Users copy these files: each name of a property, table or expression is explained beside or above it."""
    lines = mapping.read_text().splitlines()
    for section, names in yaml.compose(mapping.read_text()).value:
        for name, value in names.value:
            commented(lines, name)
            inner = value.value if isinstance(value, yaml.MappingNode) else []
            for key, _ in inner if section.value != "expressions" else []:
                commented(lines, key)


def commented(lines: list[str], node: yaml.Node) -> None:
    line = node.start_mark.line
    assert "#" in lines[line] or lines[line - 1].lstrip().startswith("#"), lines[line]
