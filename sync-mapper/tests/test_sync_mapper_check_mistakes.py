"""A mapping with ten mistakes: each is found at its line and column, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sync_mapper.checking import catalog, destination
from sync_mapper.checking.checker import check
from sync_mapper.checking.source import read

TEXT = {"type": ["string", "null"]}
CATALOG = {
    "streams": [
        {
            "tap_stream_id": "customers",
            "key_properties": ["number"],
            "schema": {
                "properties": {
                    "number": {"type": ["integer", "null"]},
                    "name": TEXT,
                    "status": TEXT,
                    "credit_limit": {"type": ["number", "null"]},
                    "phones": {
                        "type": ["array", "null"],
                        "items": {"type": "object", "properties": {"area": TEXT, "number": TEXT}},
                    },
                }
            },
        },
        {
            "tap_stream_id": "contacts",
            "key_properties": ["number", "line"],
            "schema": {"properties": {"number": {"type": "integer"}, "line": {"type": "integer"}, "name": TEXT}},
        },
    ]
}


def field(name, kind="string", **more):
    return {"name": name, "key": more.pop("key", name), "type": kind, **more}


SNAPSHOT = {
    "format": 1,
    "target": "target-example",
    "entities": {
        "organizations": {
            "external_id_field": field("JDE Number", key="a1"),
            "fields": [
                field("name", required=True, max_length=20),
                field("JDE Number", key="a1"),
                field(
                    "Status", "option", key="a2", options=[{"id": 1, "label": "Active"}, {"id": 2, "label": "Closed"}]
                ),
                field("Credit Limit", "number", key="a3"),
                field("Phone", key="a4"),
                field("add_time", "datetime", creatable=False, updatable=False),
            ],
        },
        "persons": {
            "external_id_field": None,
            "fields": [
                field("name", required=True, max_length=20),
                field("org_id", "relation", relation="organizations"),
            ],
        },
    },
}

RIGHT = """\
# A mapping without a mistake.
stream_map_config:
  labels: {"1": Closed, "0": Active}
expressions:
  phone: "(phones or [{}])[0].get('number')"
stream_maps:
  organizations:
    __source__: customers
    __else__: null
    __key_properties__: [external_id]
    external_id: str(number)
    name: name or 'unknown'
    Status: config['labels'].get(status)
    Credit Limit: float(credit_limit) if credit_limit is not None else None
    Phone: >-
      phone
      or ''
  persons:
    __source__: contacts
    __else__: null
    __key_properties__: [external_id]
    external_id: f'{number}-{line}'
    name: {value: name, when_null: no name}
    org_id: str(number)
  __else__: null
"""

# What is replaced, what with, and what is found where: line, column, code.
MISTAKES = [
    ("__source__: contacts", "__source__: contract", (19, 17, "unknown_stream")),
    ('"1": Closed', '"1": Inactive', (13, 13, "unknown_option")),
    ("[0].get('number')", "[0].get('nummer')", (5, 11, "unknown_field")),
    ("__key_properties__: [external_id]", "__key_properties__: [external_id, nam]", (10, 39, "wrong_key")),
    ("external_id: str(number)", "external_id: str(numbr)", (11, 22, "unknown_name")),
    ("name or 'unknown'", "name or 'unknown to the system'", (12, 11, "too_long")),
    ("float(credit_limit) if credit_limit is not None else None", "float(credit_limit)", (14, 25, "null_unsafe")),
    ("    Phone: >-", "    Fone: >-", (15, 5, "unknown_destination_field")),
    ("      or ''", "      or name.uper()", (17, 10, "wrong_type")),
    ("str(number)\n  __else__: null\n", "str(number)\n  __else__: null\nexpresions: {}\n", (26, 1, "unknown_key")),
]


# Ten more, so that there is one of each family of findings that the README lists.
FURTHER = [
    ("external_id: str(number)", "external_id: strr(number)", (11, 18, "unknown_function")),
    ("name or 'unknown'", "name", (12, 11, "nullable_required")),
    ("config['labels']", "config['label']", (13, 13, "unknown_config")),
    (
        "float(credit_limit) if credit_limit is not None else None",
        "{value: credit_limit, type: text}",
        (14, 41, "unknown_type"),
    ),
    ("      phone\n", "      name\n", (5, 3, "unused_expression")),
    ("    Phone: >-", "    add_time: >-", (15, 5, "read_only_field")),
    ("\n  __else__: null\n", "\n  __else__: null\n  __else__: null\n", (26, 3, "duplicate_name")),
    (
        "    name: {value: name, when_null: no name}",
        "    name: {value: name, when_null: x, typ: string}",
        (23, 39, "unknown_option"),
    ),
    ("org_id: str(number)", "org_id: '[number]'", (24, 14, "wrong_destination_type")),
    ("external_id: f'{number}-{line}'", "external_id: str(line", (22, 21, "not_an_expression")),
]


def run(tmp_path, text):
    (tmp_path / "map.yml").write_text(text, encoding="utf-8")
    known = catalog.parse(json.dumps(CATALOG).encode(), "catalog")
    target = destination.parse(json.dumps(SNAPSHOT).encode(), "snapshot")
    return check(read(str(tmp_path / "map.yml")), known, target)


def places(findings):
    return [(finding.line, finding.column, finding.code) for finding in findings]


def test_the_mapping_without_mistakes_has_none(tmp_path):
    assert run(tmp_path, RIGHT) == []


@pytest.mark.parametrize("mistakes", [MISTAKES, FURTHER], ids=["ten", "ten others"])
def test_ten_mistakes_are_ten_findings_at_their_places(tmp_path, mistakes):
    text = RIGHT
    for right, wrong, _ in mistakes:
        assert right in text, right
        text = text.replace(right, wrong, 1)
    found = run(tmp_path, text)
    assert places(found) == sorted(place for _, _, place in mistakes)
    assert len(found) == 10
    assert all(finding.remedy for finding in found)


def test_each_mistake_alone_is_one_finding(tmp_path):
    for right, wrong, place in [*MISTAKES, *FURTHER]:
        assert places(run(tmp_path, RIGHT.replace(right, wrong, 1))) == [place], wrong


def test_there_is_a_mistake_of_each_family_of_the_readme(tmp_path):
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    table = readme.split("| code | meaning |")[1].split("\n\n")[0]
    families = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()[2:]]
    assert len(families) > 10
    made = {code for _, _, (_, _, code) in [*MISTAKES, *FURTHER]}
    assert [family for family in families if not made.intersection(family)] == []
