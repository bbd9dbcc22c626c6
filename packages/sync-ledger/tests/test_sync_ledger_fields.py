from __future__ import annotations

import pytest
from sync_ledger.describing import snapshot
from sync_ledger.engine.validate import normalise
from sync_ledger.fields import AmbiguousFieldError, EntityDescription, Field, FieldType

KEY = Field("Key", "Key", FieldType.STRING)
LIMIT = Field("Credit_Limit", "Credit_Limit", FieldType.NUMBER, label="Credit Limit")


def described(*fields: Field) -> EntityDescription:
    return EntityDescription("accounts", (KEY, *fields), KEY)


def test_a_field_answers_to_its_label_and_keeps_its_name() -> None:
    description = described(LIMIT)
    assert description.find("Credit Limit") is LIMIT
    assert normalise(description, {"Credit Limit": "7"}) == {"Credit_Limit": 7}
    assert [field["label"] for field in snapshot("t", "d", [description])["entities"]["accounts"]["fields"]] == [
        None,
        "Credit Limit",
    ]


def test_a_label_two_fields_have_is_not_guessed() -> None:
    twin = Field("Limit_2", "Limit_2", FieldType.NUMBER, label="Credit Limit")
    with pytest.raises(AmbiguousFieldError, match="Credit_Limit, Limit_2"):
        described(LIMIT, twin).find("Credit Limit")


def test_a_name_that_is_its_own_label_is_no_second_field() -> None:
    same = Field("Phone", "Phone", FieldType.STRING, label="Phone")
    assert described(same).find("Phone") is same
