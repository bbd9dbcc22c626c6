"""What an expression reads from a row."""

from __future__ import annotations

import pytest
from sync_mapper.rehearsal.inputs import inputs_of

ROW = {
    "name": "One",
    "nothing": None,
    "address": {"city": "Köln", "lines": ["a", "b"]},
    "phones": [{"number": "1"}],
    "email": "x",
}
NAMES = {**ROW, "record": ROW, "_": ROW, "config": {"labels": {"A": "Alpha"}}, "self": "own"}


@pytest.mark.parametrize(
    ("expression", "inputs"),
    [
        ("name", {"name": "One"}),
        ("name.upper() + name", {"name": "One"}),
        ("'literal'", {}),
        ("str(name)", {"name": "One"}),
        ("address['city'] if address else None", {"address['city']": "Köln"}),
        ("nothing['city'] if nothing else None", {"nothing": None, "nothing['city']": None}),
        ("address.city", {"address.city": "Köln"}),
        ("address['lines'][0]", {"address['lines'][0]": "a"}),
        ("(address or {}).get('city')", {"address": ROW["address"]}),
        ("record['name'] + _['name']", {"record['name']": "One", "_['name']": "One"}),
        ("record.get('missing', 1)", {"record.get('missing', 1)": None}),
        ("config['labels'].get(name)", {"config['labels']": {"A": "Alpha"}, "name": "One"}),
        ("[email['number'] for email in phones]", {"phones": ROW["phones"]}),
        ("f'{name}-{self}'", {"name": "One", "self": "own"}),
    ],
)
def test_inputs_are_told_as_the_expression_writes_them(expression, inputs):
    assert {one.name: one.value for one in inputs_of(expression, NAMES)} == inputs
