"""Functions for expressions: what they give for the values of an ERP."""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_mapper import countries, functions
from sync_mapper.functions import HELPERS

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        ("text", [" a b "], "a b"),
        ("text", ["  "], None),
        ("text", [12.0], "12"),
        ("text", [True], "true"),
        ("text", [Decimal("1e99999999")], "1E+99999999"),
        ("number", [" 12.50 "], 12.5),
        ("number", [""], None),
        ("integer", ["7"], 7),
        ("integer", [7.0], 7),
        ("boolean", ["y"], True),
        ("boolean", ["0"], False),
        ("boolean", [" "], None),
        ("join", [", ", "a", None, " ", ["b", "c"]], "a, b, c"),
        ("join", [", ", None, []], None),
        ("first", [[None, 0, 1]], 0),
        ("first", [None], None),
        ("coalesce", [None, "  ", 0, 1], 0),
        ("full_name", ["Meyer, Anna Maria"], "Anna Maria Meyer"),
        ("full_name", ["Meyer,"], "Meyer"),
        ("full_name", ["Acme Inc"], "Acme Inc"),
        ("first_name", ["Anna Meyer"], "Anna"),
        ("last_name", ["Meyer, Anna"], "Meyer"),
        ("first_name", ["Anna"], None),
        ("last_name", [None], None),
        ("phone", ["123 456", "089", "DE"], "+4989123456"),
        ("phone", ["+49 (89) 123-456"], "+4989123456"),
        ("phone", ["0049 89 123456", None, "US"], "+4989123456"),
        ("phone", ["06 123456", None, "Italy"], "+3906123456"),
        ("phone", ["555-0100", "303", "USA"], "+13035550100"),
        ("phone", ["555-0100", "303"], "303 555-0100"),
        ("phone", ["123456 ext. 7", "089", "DE"], "089 123456 ext. 7"),
        ("phone", ["1234567890123456", None, "DE"], "1234567890123456"),
        ("phone", [" ", None, "DE"], None),
        ("country_code", ["deu"], "DE"),
        ("country_code", ["Great Britain"], "GB"),
        ("country_code", ["Atlantis"], None),
        ("country_name", ["US"], "United States"),
        ("money", [1.005, "EUR"], 1.01),
        ("money", ["2.5", "JPY"], 3),
        ("money", [1.23456, "kwd"], 1.235),
        ("money", [None, "EUR"], None),
        ("on_hold", [" "], False),
        ("on_hold", ["C1"], True),
        ("is_customer", ["c "], True),
        ("is_vendor", ["C"], False),
        ("is_employee", [None], False),
    ],
)
def test_results(function, arguments, result):
    assert HELPERS[function].function(*arguments) == result


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("number", "12,5x"),
        ("number", True),
        ("number", "NaN"),
        ("integer", 1.5),
        ("boolean", "perhaps"),
        ("money", "x"),
        ("number", "1e400"),
        ("integer", "1e99999999"),
        ("money", Decimal("1E+99999999")),
    ],
)
def test_what_cannot_be_read_raises_instead_of_giving_something_wrong(function, argument):
    with pytest.raises(ValueError, match=re.escape(str(argument))):
        HELPERS[function].function(argument)


@pytest.mark.parametrize("name", [name for name, helper in HELPERS.items() if helper.function])
def test_null_and_blank_give_null(name):
    helper = HELPERS[name]
    count = helper.arguments.count(",") + 1 - helper.arguments.count("=None")
    for nothing in (None, "", "  "):
        arguments: list[t.Any] = [nothing] * count
        if name == "join":
            arguments[0] = " "
        if name == "first":
            arguments = [None]
        assert helper.function(*arguments) in (None, False)
        assert helper.nullable or helper.function(*arguments) is False


@given(st.text(alphabet="0123456789 ()-/.", max_size=14), st.sampled_from(["DE", "US", "IT", "FR", "GB", "RU"]))
def test_a_number_made_international_stays_as_it_is(spelt, country):
    once = functions.phone(spelt, None, country)
    if once and once.startswith("+"):
        assert functions.phone(once, None, "JP") == once


def test_every_country_is_found_by_its_code_and_its_name():
    assert all(countries.find(word).code == "DE" for word in ("DE", "de ", "DEU", "Germany", "germany"))
    assert countries.find("UK") == countries.find("United Kingdom")


def test_the_documentation_lists_every_function_as_it_is():
    listed = re.findall(r"^\| `(\w+)\((.*?)\)` \| (.*) \|$", README.read_text(), flags=re.MULTILINE)
    assert listed == [(name, helper.arguments, helper.doc) for name, helper in HELPERS.items()]
