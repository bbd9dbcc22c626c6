"""Pure parts of the emulator: criteria, times, API names, keys."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.zoho.catalog import Field, api_name_of
from service_emulators.zoho.criteria import Criterion, Group, parse_criteria
from service_emulators.zoho.default_fields import MODULES, SYSTEM_FIELDS, field_lines
from service_emulators.zoho.errors import ApiError
from service_emulators.zoho.keys import key_of
from service_emulators.zoho.times import local_time, parse_time, stored_time
from service_emulators.zoho.values import record_id

VALUES = st.text(min_size=1)


def escaped(value: str) -> str:
    return re.sub(r"([(),\\])", r"\\\1", value)


@given(VALUES)
def test_a_value_with_escapes_comes_through_criteria_unchanged(value: str) -> None:
    assert parse_criteria(f"(Name:equals:{escaped(value)})") == Criterion("Name", "equals", (value,))


@given(st.lists(VALUES, min_size=1, max_size=4), st.sampled_from(["and", "or"]), VALUES)
def test_groups_keep_their_parts(several: list[str], operator: str, value: str) -> None:
    text = f"((A:in:{','.join(map(escaped, several))}){operator}(B:equals:{escaped(value)}))"
    first, second = Criterion("A", "in", tuple(several)), Criterion("B", "equals", (value,))
    assert parse_criteria(text) == Group(operator, (first, second))  # type: ignore[arg-type]  # one of the two


@given(st.text())
def test_whatever_comes_as_criteria_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ApiError):
        parse_criteria(text)


@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 1, 1)).map(
        lambda d: d.replace(microsecond=0)
    ),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]),
)
def test_a_moment_is_the_same_in_every_zone(moment: datetime, offset: int, zone: str) -> None:
    given_time = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    stored = parse_time(given_time.isoformat())
    assert stored == stored_time(given_time)
    assert datetime.fromisoformat(local_time(stored, ZoneInfo(zone))) == given_time


@pytest.mark.parametrize(
    "value", ["2026-03-01", "2026-03-01T09:15:00", "2026-02-30T09:15:00Z", "2026-03-01 09:15:00Z", "", None, 7]
)
def test_what_is_no_time_with_an_offset(value: object) -> None:
    assert parse_time(value) is None


@pytest.mark.parametrize(
    ("label", "name"), [("JDE AN8", "JDE_AN8"), (" Tax-ID (EU) ", "Tax_ID_EU"), ("No. 1", "No_1"), ("Größe", "Gr_e")]
)
def test_an_api_name_follows_from_the_label(label: str, name: str) -> None:
    assert api_name_of(label) == name


@given(st.text(), st.text())
def test_keys_are_equal_as_values_are_without_regard_to_case(one: str, two: str) -> None:
    loose = Field(id=1, api_name="K", label="K", data_type="text", unique={"case_sensitive": False})
    strict = Field(id=1, api_name="K", label="K", data_type="text", unique={"case_sensitive": True})
    assert (key_of(loose, one) == key_of(loose, two)) is (one.casefold() == two.casefold())
    assert (key_of(strict, one) == key_of(strict, two)) is (one == two)


@given(st.one_of(st.text(), st.integers(), st.none()))
def test_an_id_is_digits_that_fit_64_bits_or_none(value: object) -> None:
    found = record_id(value)
    assert found is None or (isinstance(value, str) and int(value) == found < 2**63)


def test_default_fields_are_well_formed() -> None:
    for name, module in MODULES.items():
        lines = field_lines(SYSTEM_FIELDS + module.text)
        names = [line.api_name for line in lines]
        assert len(names) == len(set(names)), name
        assert {module.display_field, module.duplicate_field} <= set(names)
        for line in lines:
            assert (line.data_type in {"picklist", "multiselectpicklist"}) is bool(line.options), (name, line)
            assert (line.data_type == "lookup") is (line.target in MODULES), (name, line)
