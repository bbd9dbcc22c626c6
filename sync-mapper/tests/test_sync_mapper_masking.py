"""Masked rows: what values look like stays, whom they belong to does not."""

from __future__ import annotations

import re
import string
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sync_mapper.mapping_file import Mapping
from sync_mapper.rehearsal.codes import CodeCounter, named_in
from sync_mapper.rehearsal.masking import Masker

WORDS = st.text(alphabet=string.ascii_letters + string.digits + " -.,&'/()+äÖß", min_size=1, max_size=40)


def shape(text: str) -> str:
    """Return a text with its letters and digits made alike."""
    return "".join(
        "9" if one.isdigit() else one if not one.isalpha() else "A" if one.isupper() else "a" for one in text
    )


@settings(max_examples=300, deadline=None)
@given(WORDS)
def test_text_keeps_its_shape_and_no_word_of_it(text):
    assume(not re.fullmatch(r"\d{4}-\d\d-\d\d.*|\d\d:\d\d(:\d\d)?", text.strip()))
    masked = Masker().text(text)
    assert shape(masked) == shape(text)
    words = [{word for word in re.findall(r"\w+", one) if len(word) > 1} for one in (text, masked)]
    assert words[0].isdisjoint(words[1])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(min_value=-(10**12), max_value=10**12), max_size=20))
def test_numbers_keep_sign_and_length_and_stay_apart(numbers):
    masker = Masker()
    masked = [masker.value(number) for number in numbers]
    assert [(number < 0, len(str(number))) for number in numbers] == [(one < 0, len(str(one))) for one in masked]
    assert len({abs(number) for number in numbers}) == len({abs(number) for number in masked})


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_with_a_fraction_stay_such(number):
    masked = Masker().value(number)
    assert isinstance(masked, float)
    assert masked == masked  # no NaN


def test_keys_match_wherever_they_stand():
    masker = Masker()
    row = masker.record({"address_number": 1001, "text": "1001", "padded": "        1001", "nested": [{"key": 1001}]})
    number = row["address_number"]
    assert number != 1001
    assert row == {
        "address_number": number,
        "text": str(number),
        "padded": f"        {number}",
        "nested": [{"key": number}],
    }


def test_masks_depend_on_the_seed_alone():
    rows = {"name": "Anna Smith", "number": 4711}
    assert Masker(seed="a").record(rows) == Masker(seed="a").record(rows)
    assert Masker(seed="a").record(rows) != Masker(seed="b").record(rows)


@pytest.mark.parametrize("address", ["anna.smith@acme.com", "x@mail.acme.co.uk", "o'hara+jde@köln.de", "a@localhost"])
def test_a_mail_address_stays_one_and_leads_nowhere(address):
    masked = Masker().text(address)
    assert re.fullmatch(r"[^@\s]+@[^@\s]+\.example", masked)
    assert not set(re.findall(r"\w\w+", address)) & set(re.findall(r"\w\w+", masked))


def test_a_web_address_stays_one_and_leads_nowhere():
    masked = Masker().text("https://www.acme.com/shop?id=77")
    assert re.fullmatch(r"https://\w{3}\.\w{4}\.example/\w{4}\?\w\w=\d\d", masked)
    assert "acme" not in masked


def test_days_move_together_and_stay_days():
    masker = Masker()
    first, last = (date.fromisoformat(masker.text(day)) for day in ("2024-02-29", "2026-11-20"))
    assert last - first == date(2026, 11, 20) - date(2024, 2, 29)
    assert first != date(2024, 2, 29)
    assert masker.text("2026-11-20T10:11:12Z") == f"{last}T10:11:12Z"
    assert masker.text("10:11:12") == "10:11:12"


def test_what_holds_nothing_stays():
    row = {"a": None, "b": "", "c": "  ", "d": True, "e": [], "f": {}, "g": "-"}
    assert Masker().record(row) == row


def test_constants_of_the_mapping_are_kept_but_never_where_they_point_to_people():
    mapping = Mapping(
        stream_maps={"a": {"x": "'Y' if kind == 'VIP' else None", "n": "number > 500"}},
        stream_map_config={"labels": {"BUS": "work"}},
    )
    masker = Masker(named_in(mapping))
    row = masker.record({"kind": "VIP", "type": "BUS  ", "number": 500, "name": "VIP", "phones": [{"number": "BUS"}]})
    assert (row["kind"], row["type"], row["number"]) == ("VIP", "BUS  ", 500)
    assert row["name"] != "VIP"
    assert row["phones"][0]["number"] != "BUS"


def test_codes_are_what_few_values_come_often():
    counter = CodeCounter()
    for number in range(100):
        counter.add(
            "customers",
            {
                "region": ("NOR", "SOU")[number % 2],
                "initials": f"{chr(65 + number % 26)}{chr(65 + number // 26)}",
                "given_name": ("ANN", "BOB")[number % 2],
                "long": ("SWITCHBOARD", "0221 999")[number % 2],
                "phones": [{"type": "FAX", "number": "112"}],
            },
        )
    counter.add("customers", {"rare": "XYZ"})
    assert counter.codes == {"NOR", "SOU", "FAX"}
