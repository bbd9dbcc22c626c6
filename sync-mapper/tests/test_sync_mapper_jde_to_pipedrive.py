"""The shipped mappings: their cases pass and show every property, by the command that users run."""

from __future__ import annotations

import re
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


DOCUMENT = FOLDER.parent / "docs" / "mappings.md"


def test_the_examples_for_people_work(tmp_path, monkeypatch):
    """The table of docs/mappings.md is a mapping that loads; its example of a case passes."""
    text = DOCUMENT.read_text()
    properties = {}
    for example in re.findall(r"^\| [^`|]+ \| `([^`]+)` \|$", text, re.M):
        properties |= yaml.safe_load(example)
    assert len(properties) >= 9
    properties |= {"__source__": "customers", "__else__": None, "external_id": "str(address_number)"}
    properties |= {"__key_properties__": ["external_id"], "__filter__": "address_number > 0"}
    mapping = {
        "stream_maps": {"organizations": properties, "__else__": None},
        "code_tables": {"regions": {"NOR": "North"}},
    }
    (tmp_path / "cases").mkdir()
    (tmp_path / "my-mapping.yml").write_text(yaml.safe_dump(mapping))
    (case,) = re.findall(r"^mapping: .*?(?=^```)", text, re.M | re.S)
    row = (
        "tax_id: x, address: {postal_code: a, city: b}, credit_limit: 1, group: null, region: NOR, emails: [], "
        'hold_code: ""'
    )
    case = re.sub(r"^catalog:.*\n", "", case, flags=re.M)  # its row has fields of all the examples, not of a stream
    case = case.replace('hold_code: ""', row, 1).replace("    rows:", "    compare: listed\n    rows:")
    (tmp_path / "cases" / "my-mapping.yml").write_text(case)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["cases"])
    assert done.exit_code == 0, done.output
