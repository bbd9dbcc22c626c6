from __future__ import annotations

import datetime as dt
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.engine.diff import changes, same
from sync_ledger.engine.payload import from_json_text, payload_hash, to_json_text
from sync_ledger.engine.validate import Invalid, normalise
from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.records import external_id_of

KEY = Field("Key", "k", FieldType.STRING)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
payloads = st.dictionaries(st.text(min_size=1), values, max_size=5)


def one(field_type: FieldType, value: object, **more: object) -> object:
    description = EntityDescription("things", (Field("f", "f", field_type, **more), KEY), KEY)
    return normalise(description, {"f": value})["f"]


@given(payloads)
def test_a_payload_differs_from_itself_in_nothing(payload: dict[str, object]) -> None:
    assert changes(payload, payload) == {}
    assert payload_hash(payload) == payload_hash(dict(reversed(payload.items())))


@given(payloads, payloads)
def test_applying_the_changes_leaves_none(before: dict[str, object], after: dict[str, object]) -> None:
    applied = {**before, **{name: new for name, (_, new) in changes(before, after).items()}}
    assert changes(applied, after) == {}


@given(payloads)
def test_payloads_survive_the_ledger(payload: dict[str, object]) -> None:
    assert payload_hash(from_json_text(to_json_text(payload))) == payload_hash(payload)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_numbers_lose_nothing_and_have_one_form(number: decimal.Decimal) -> None:
    assert decimal.Decimal(str(one(FieldType.NUMBER, number))) == number
    assert one(FieldType.NUMBER, number) == one(FieldType.NUMBER, str(number))


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        (None, "", True),
        ([], None, True),
        (0, None, False),
        (False, 0, False),
        (1, 1.0, True),
        ({"value": "a", "country": "DE"}, {"value": "a"}, True),
        ({"value": "a"}, {"value": "a", "country": "DE"}, False),
        ([{"value": "a", "primary": True}], [{"value": "a"}], True),
        ([1, 2], [1], False),
    ],
)
def test_same(old: object, new: object, equal: bool) -> None:
    assert same(old, new) is equal


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (FieldType.STRING, 12, "12"),
        (FieldType.STRING, "", None),
        (FieldType.STRING, dt.date(2026, 3, 1), "2026-03-01"),
        (FieldType.INTEGER, "7", 7),
        (FieldType.INTEGER, decimal.Decimal("7.0"), 7),
        (FieldType.NUMBER, "12.50", 12.5),
        (FieldType.DATE, dt.datetime(2026, 3, 1, 10, 0), "2026-03-01"),
        (FieldType.DATE, "2026-03-01T10:00:00Z", "2026-03-01"),
        (FieldType.TIME, "09:30", "09:30:00"),
        (FieldType.DATETIME, "2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        (FieldType.DATETIME, dt.datetime(2026, 3, 1, 10, 0), "2026-03-01T10:00:00Z"),
        (FieldType.RELATION, 1001, "1001"),
        (FieldType.OBJECT, {"a": decimal.Decimal("1.5"), "b": [dt.date(2026, 3, 1)]}, {"a": 1.5, "b": ["2026-03-01"]}),
    ],
)
def test_normal_forms(kind: FieldType, value: object, result: object) -> None:
    assert one(kind, value) == result


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.STRING, True),
        (FieldType.STRING, {"a": 1}),
        (FieldType.INTEGER, 7.5),
        (FieldType.NUMBER, "NaN"),
        (FieldType.NUMBER, "1,5"),
        (FieldType.BOOLEAN, 1),
        (FieldType.DATE, "31.12.2026"),
        (FieldType.TIME, "half past nine"),
        (FieldType.DATETIME, 5),
        (FieldType.RELATION, 1.5),
        (FieldType.OBJECT, "text"),
        (FieldType.LIST, "text"),
    ],
)
def test_wrong_types_are_refused(kind: FieldType, value: object) -> None:
    with pytest.raises(Invalid) as caught:
        one(kind, value)
    assert caught.value.field == "f"


def test_options_are_taken_by_label_or_id() -> None:
    options = {"Red": 1, "Blue": 2}
    assert one(FieldType.OPTIONS, ["Blue", "Red"], options=options) == [1, 2]
    assert one(FieldType.OPTIONS, [], options=options) is None
    assert one(FieldType.OPTION, 2, options=options) == 2
    with pytest.raises(Invalid, match="has no option 'Green'; it has: Blue, Red"):
        one(FieldType.OPTION, "Green", options=options)


def test_external_ids() -> None:
    assert external_id_of({"a": 1, "b": "x"}, ["a", "b"]) == "1-x"
    assert external_id_of({"a": 0}, ["a"]) == "0"
    assert external_id_of({"a": ""}, ["a"]) is None
    assert external_id_of({}, ["a"]) is None
    assert external_id_of({"a": "1-2"}, ["a"]) == "1-2"


@given(
    st.lists(st.text("-%a1", min_size=1), min_size=2, max_size=2),
    st.lists(st.text("-%a1", min_size=1), min_size=2, max_size=2),
)
def test_different_keys_never_give_one_external_id(one_key: list[str], other: list[str]) -> None:
    names = ["a", "b"]
    same_id = external_id_of(dict(zip(names, one_key, strict=True)), names) == external_id_of(
        dict(zip(names, other, strict=True)), names
    )
    assert same_id == (one_key == other)
