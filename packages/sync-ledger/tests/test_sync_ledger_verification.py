from __future__ import annotations

from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.verification import unjudged

KEY = Field("key", "key", FieldType.STRING)
DESCRIPTION = EntityDescription(
    "organizations",
    (
        KEY,
        Field("name", "name", FieldType.STRING),
        Field("Limit", "hash", FieldType.NUMBER),
        Field("add_time", "add_time", FieldType.DATETIME, updatable=False),
    ),
    KEY,
)


def test_fields_left_to_the_service_are_not_judged() -> None:
    assert unjudged(DESCRIPTION, {}) == {"add_time"}
    assert unjudged(DESCRIPTION, {"name": "always", "Limit": ["never_clear"]}) == {"add_time"}
    rules = {"name": "only_on_create", "hash": ["never_clear", "only_if_empty"]}
    assert unjudged(DESCRIPTION, rules) == {"add_time", "name", "Limit"}
    assert unjudged(DESCRIPTION, {"*": "only_if_empty"}) == {"add_time", "name", "Limit", "key"}
