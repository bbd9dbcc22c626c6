from __future__ import annotations

import pytest
from tap_jdedwards.dictionary import Kind, expand, load_dictionary, time_column


def test_every_table_has_a_key_and_a_time_column_that_are_known_items():
    dictionary = load_dictionary()
    assert len(dictionary.tables) == 23
    for table in dictionary.tables.values():
        assert table.key
        assert dictionary.kinds[table.time] is Kind.TIME
        assert [alias for alias in table.key if alias not in dictionary.kinds] == []


def test_keys_and_times_of_the_address_book_are_those_of_the_fact_sheet():
    tables = load_dictionary().tables
    assert tables["F0115"].key == ("AN8", "IDLN", "CNLN", "RCK7")
    assert tables["F01151"].key == ("AN8", "IDLN", "RCK7")
    assert tables["F0116"].key == ("AN8", "EFTB")
    assert tables["F03012"].key == ("AN8", "CO")
    assert tables["F4211"].time == "TDAY"


def test_the_dictionary_refines_what_the_server_says_and_never_contradicts_it():
    dictionary = load_dictionary()
    assert dictionary.kind("AN8", "number") is Kind.WHOLE
    assert dictionary.kind("UPMT", "number") is Kind.TIME
    assert dictionary.kind("SBLI", "string") is Kind.CHARACTER
    assert dictionary.kind("ACL", "number") is Kind.NUMBER
    assert dictionary.kind("AN8", "string") is Kind.STRING  # a site's own table may use an alias otherwise
    assert dictionary.kind("ZZ55", "date") is Kind.DATE


def test_ranges_of_aliases():
    assert list(expand("AN8 AC28..AC30 W009..W010")) == ["AN8", "AC28", "AC29", "AC30", "W009", "W010"]


@pytest.mark.parametrize("text", ["AC05..AC01", "AC01..AD05", "AC..AC05"])
def test_malformed_ranges_are_refused(text):
    with pytest.raises(ValueError, match="range of aliases"):
        list(expand(text))


def test_time_column_prefers_the_one_present():
    assert time_column(["AN8", "TDAY"]) == "TDAY"
    assert time_column(["UPMT", "UPMJ"]) == "UPMT"
    assert time_column(["AN8"]) is None
