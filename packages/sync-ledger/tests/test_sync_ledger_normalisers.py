from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.engine.normalisers import NORMALISERS, named, phone
from sync_ledger.errors import ConfigError

EVERY = [*sorted(NORMALISERS), "phone:49"]
WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüßéñø", min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("email", " Ana@ACME.example ", "ana@acme.example"),
        ("email", "mailto:ana@acme.example", "ana@acme.example"),
        ("email", "ana at acme", None),
        ("email", "ana@localhost", None),
        ("domain", "https://www.Acme.example:8080/de?x=1", "acme.example"),
        ("domain", "Info@shop.acme.example", "shop.acme.example"),
        ("domain", "ana@gmail.com", None),
        ("domain", "acme", None),
        ("tax_id", "DE 123.456/789", "DE123456789"),
        ("tax_id", "0000000", None),
        ("tax_id", "n/a", None),
        ("name", "Müller & Söhne AG", "muller sohne"),
        ("name", "MULLER SOHNE, Inc.", "muller sohne"),
        ("name", "Acme S. A.", "acme"),
        ("name", "The Co-operative Ltd.", "the co operative"),
        ("name", "AG", "ag"),
        ("name", "Straße & Co. KG", "strasse"),
        ("digits", "A-12 / 3", "123"),
        ("digits", "none", None),
        ("exact", " A 1 ", "A 1"),
        ("exact", "  ", None),
        ("phone", "+49 (0)40 123456", "+4940123456"),
        ("phone", "0049 40 123456", "+4940123456"),
        ("phone", "040 123456", "040123456"),
        ("phone", "000000000", None),
        ("phone", "4711", None),
        ("phone:49", "040/12 34 56 ext. 12", "+4940123456"),
        ("phone:1", "+1 (303) 555-0100 x22", "+13035550100"),
        ("phone:1", "303-555-0100", "+13035550100"),
    ],
)
def test_spellings_of_one_thing_have_one_key(kind: str, text: str, key: str | None) -> None:
    assert named(kind)(text) == key


@given(st.sampled_from(EVERY), st.text(max_size=60))
def test_a_key_has_itself_as_its_key(kind: str, text: str) -> None:
    normalise = named(kind)
    key = normalise(text)
    assert key is None or (key != "" and normalise(key) == key)


@given(st.sampled_from(EVERY), st.text(max_size=60), st.sampled_from(["", " ", "\t", "  "]))
def test_blanks_around_a_text_do_not_count(kind: str, text: str, blank: str) -> None:
    assert named(kind)(f"{blank}{text}{blank}") == named(kind)(text)


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(["GmbH", "Inc.", "S.A.", "Ltd", "GmbH & Co. KG"]))
def test_a_legal_form_capitals_and_punctuation_do_not_tell_names_apart(words: list[str], form: str) -> None:
    plain = " ".join(words)
    assert NORMALISERS["name"](f"{plain.upper()}, {form}") == NORMALISERS["name"](plain)


@given(st.integers(10_000_000, 999_999_999), st.sampled_from([" ", "-", "/", ".", ") "]), st.integers(2, 6))
def test_a_number_is_the_same_however_it_is_grouped(number: int, between: str, place: int) -> None:
    text = str(number)
    grouped = f"{text[:place]}{between}{text[place:]}"
    normalise = phone("49")
    assert normalise(f"0{grouped}") == normalise(f"+49{text}") == normalise(f"0049 {grouped}")


@given(st.from_regex(r"\A[A-Z]{2}[0-9]{6,12}\Z"), st.from_regex(r"\A[A-Z]{2}[0-9]{6,12}\Z"))
def test_different_tax_numbers_stay_different(one: str, other: str) -> None:
    keys = NORMALISERS["tax_id"](one), NORMALISERS["tax_id"](other)
    assert (keys[0] == keys[1]) == (one == other)


@pytest.mark.parametrize("wanted", ["vat", "phone:0", "phone:x", "email:1", ""])
def test_a_normaliser_that_is_none_is_refused_by_name(wanted: str) -> None:
    with pytest.raises(ConfigError, match="no normaliser"):
        named(wanted)


def test_text_of_any_script_is_taken() -> None:
    names: t.Any = NORMALISERS["name"]
    assert names("株式会社 東京") == "株式会社 東京"
    assert names("Ελλάδα, Κύπρος") == names("ΕΛΛΆΔΑ Κύπρος")
