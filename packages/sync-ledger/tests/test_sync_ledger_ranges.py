"""What a description says of values beside their type: range, form, and characters that keys cannot have."""

from __future__ import annotations

import pytest
from sync_ledger.adapter import Action, Operation, Result, WriteResult
from sync_ledger.engine.validate import Invalid, check_external_id, normalise
from sync_ledger.engine.verdict import verdict
from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.rows import Outcome, Reason, SourceRow

KEY = Field("Key", "key", FieldType.STRING, forbidden="/<")
AMOUNT = Field("Amount", "a", FieldType.NUMBER, minimum=0, maximum=100, kept_as=lambda value: round(value, 2))
SINCE = Field("Since", "s", FieldType.DATE, minimum="1753-01-01")
THINGS = EntityDescription("things", (KEY, AMOUNT, SINCE), KEY)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Amount", 0, 0),
        ("Amount", "100", 100),
        ("Amount", 100.004, 100.0),
        ("Amount", 12.345678, 12.35),
        ("Amount", None, None),
        ("Since", "1753-01-01", "1753-01-01"),
    ],
)
def test_a_value_in_range_is_taken_in_the_form_the_service_keeps(name: str, value: object, kept: object) -> None:
    assert normalise(THINGS, {name: value}) == {name: kept}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("Amount", -0.01, "Amount takes values from 0 up to 100, got -0.01"),
        ("Amount", 100.01, "Amount takes values from 0 up to 100, got 100.01"),
        ("Since", "1752-12-31", "Since takes values from 1753-01-01, got 1752-12-31"),
    ],
)
def test_a_value_out_of_range_is_held_with_the_range(name: str, value: object, text: str) -> None:
    with pytest.raises(Invalid) as problem:
        normalise(THINGS, {name: value})
    assert (problem.value.reason, problem.value.field, problem.value.text) == (Reason.OUT_OF_RANGE, name, text)


def test_an_external_id_with_characters_keys_cannot_have_is_held_with_a_remedy() -> None:
    check_external_id(THINGS, "10-01|7")
    with pytest.raises(Invalid, match=r"has / <, which the service does not take in keys; map another key"):
        check_external_id(THINGS, "1/2<3")


def test_a_duplicate_the_service_names_is_held_with_its_candidates() -> None:
    row = SourceRow("things", "1", {})
    result = WriteResult(Result.REJECTED, code="0x80040333", text="a duplicate", candidates=("a", "b"))
    settled = verdict(row, Operation(Action.CREATE, "1", {}), result, {}, None)
    assert (settled.outcome, settled.reason, settled.candidates) == (Outcome.HELD, Reason.AMBIGUOUS, ("a", "b"))
    assert settled.text == "0x80040333 a duplicate"
