"""Expressions that would take all time or memory fail at their row, at once; all others give what Python gives."""

from __future__ import annotations

import ast
import time
import typing as t
from decimal import Decimal

import pytest
import simpleeval
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.mapper import _MapperEval
from sync_mapper.evaluator import Evaluator
from sync_mapper.names import Names

FUNCTIONS = {**simpleeval.DEFAULT_FUNCTIONS}
ROW: dict[str, t.Any] = {
    "big": Decimal("1E+99999999"),
    "huge": Decimal("1E+999999999"),
    "tiny": Decimal("1E-99999999"),
    "endless": Decimal("Infinity"),
    "long": "ab" * 50_000,
    "text": "a\tb",
    "n": 2_000_000_000,
    "lines": ["x" * 100_000] * 1000,
}


def evaluate(expression: str) -> t.Any:
    names = Names(ROW, {}, lambda *_: None)
    return Evaluator(FUNCTIONS).value(expression, ast.parse(expression, mode="eval").body, names)


@pytest.mark.parametrize(
    "expression",
    [
        "int(big)",
        "int(huge)",
        "int(1e99999999)",
        "10 ** 10 ** 8",
        "10 ** 4000000",
        "4000000 ** 4000000",
        "2 ** 60000 * 2 ** 60000",
        "(2 ** 60000) ** 3",
        "9 ** 9 ** 9",
        "'%d' % big",
        "'%(a)d' % {'a': big}",
        "'%1000000000d' % 1",
        "'%*d' % (n, 1)",
        "'%.1000000000f' % 1",
        "f'{big:f}'",
        "f'{huge:.2f}'",
        "f'{tiny:f}'",
        "f'{1:>1000000000}'",
        "f'{1:99999999999999999999999}'",
        "text.ljust(n)",
        "text.rjust(n)",
        "text.center(n, '*')",
        "text.zfill(n)",
        "text.expandtabs(n)",
        "text.expandtabs(tabsize=n)",
        "long.replace('a', long)",
        "long.replace('', long)",
        "long.join(lines)",
        "''.join(lines)",
        "''.join([line for line in lines])",
        "long.translate({97: long})",
        "(1).to_bytes(n, 'big')",
        "(1).to_bytes(length=n, byteorder='big')",
        "[1] * n",
        "long + long",
    ],
)
def test_a_result_that_nobody_needs_fails_at_once(expression):
    begun = time.monotonic()
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever fails, the row is held
        evaluate(expression)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("2 ** 0.5", 2**0.5),
        ("2 ** -1", 0.5),
        ("(-1) ** 4000000", 1),
        ("2 ** 10000 % 7", 2),
        ("1 << 100", 1 << 100),
        ("'%s' % big", "1E+99999999"),
        ("'%05.1f|%%|%-3s' % (2, 'a')", "002.0|%|a  "),
        ("'%(a)s' % {'a': 1}", "1"),
        ("7 % 4", 3),
        ("f'{2:>4}|{1.5:.2f}|{text}'", "   2|1.50|a\tb"),
        ("f'{2:>{1 + 1}}'", " 2"),
        ("int('7')", 7),
        ("int('ff', 16)", 255),
        ("int()", 0),
        ("int.from_bytes((1).to_bytes(2, 'big'), 'big')", 1),
        ("int(tiny)", 0),
        ("text.ljust(5, '.')", "a\tb.."),
        ("text.expandtabs()", "a       b"),
        ("text.replace('a', 'xyz')", "xyz\tb"),
        ("text.replace('a', 'b', 1)", "b\tb"),
        ("','.join([c for c in text])", "a,\t,b"),
        ("','.join({'a': 1})", "a"),
        ("text.translate({97: 'xy'})", "xy\tb"),
        ("long.replace('a', '')", "b" * 50_000),
        ("{'replace': 1}['replace']", 1),
    ],
)
def test_all_else_gives_what_it_gave(expression, result):
    found = evaluate(expression)
    assert found == result
    assert type(found) is type(result)


numbers = st.integers(-50, 50) | st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.text(max_size=3)


@given(
    st.sampled_from(["a % b", "a * b", "a ** b", "int(a)", "f'{a:>5}'", "str(a).replace(str(b), 'x')"]),
    numbers,
    numbers,
)
def test_the_same_as_the_evaluator_of_the_sdk(expression, a, b):
    def outcome(evaluation: t.Callable[[], t.Any]) -> t.Any:
        try:
            return evaluation()
        except Exception as error:  # noqa: BLE001 - what fails must fail in both
            return type(error.__cause__ or error)

    row = {"a": a, "b": b}
    tree = ast.parse(expression, mode="eval").body
    ours = outcome(lambda: Evaluator(FUNCTIONS).value(expression, tree, Names(row, {}, lambda *_: None)))
    theirs = outcome(lambda: _MapperEval(functions=FUNCTIONS, names=row).eval(expression))
    assert repr(ours) == repr(theirs)


def test_the_row_is_held_and_the_run_goes_on(mapper):
    schema = {"properties": {"id": {"type": "integer"}, "size": {"type": "number"}}}
    lines = [
        {"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id"]},
        '{"type": "RECORD", "stream": "s", "record": {"id": 1, "size": 1e99999999}}',
        '{"type": "RECORD", "stream": "s", "record": {"id": 2, "size": 4.7}}',
    ]
    result = mapper.run(lines, stream_maps={"s": {"whole": "int(size)"}})
    assert [row["whole"] for row in result.rows("s")] == [4]
    [row] = result.rows("_unmapped")
    assert row["field"] == "whole"
    assert "NumberTooHigh: the result would be a number of too many digits" in row["reason"]
