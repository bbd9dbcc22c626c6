from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from alert_rules.errors import BadRowError, BadValueError
from alert_rules.expressions import Moment, expression
from alert_rules.texts import text
from hypothesis import given
from hypothesis import strategies as st

MOMENT = Moment(ZoneInfo("America/New_York"))
MOMENT.now = datetime(2026, 11, 26, 3, tzinfo=timezone.utc)  # the 25th in New York


def value(source, **row):
    return expression(source, MOMENT).value(row)


@pytest.mark.parametrize(
    ("source", "row", "result"),
    [
        ("amount >= 50000 and status not in ['980', '999']", {"amount": 60000.5, "status": "220"}, True),
        ("amount >= 50000", {"amount": None}, False),
        ("amount < 50000", {"amount": None}, False),
        ("amount == null", {"amount": None}, True),
        ("amount is not null", {"amount": None}, False),
        ("not amount > 5", {"amount": None}, True),
        ("a + b", {"a": 1.1, "b": 2.2}, Decimal("3.3")),
        ("a + b > 1", {"a": None, "b": 2}, False),
        ("-a", {"a": None}, None),
        ("0.1 == a", {"a": 0.1}, True),
        ("a > 0.3", {"a": Decimal("0.30000000000000001")}, True),
        ("'x' in a", {"a": None}, False),
        ("a in ['x', 'y']", {"a": "y"}, True),
        ("a in b", {"a": 1, "b": None}, False),
        ("a not in b", {"a": 1, "b": None}, True),
        ("lines[0]['x']", {"lines": [{"x": 5}]}, 5),
        ("lines[3]['x']", {"lines": []}, None),
        ("total(lines, 'x') > 2", {"lines": [{"x": 1}, {"x": None}, {"x": "1.5"}]}, True),
        ("days_since(due)", {"due": "2026-11-20"}, 5),
        ("days_until(due) == 5", {"due": "2026-11-30T10:00:00+00:00"}, True),
        ("days_since(due) > 1", {"due": None}, False),
        ("today()", {}, "2026-11-25"),
        ("blank(name)", {"name": "  "}, True),
        ("number(code) > 3", {"code": "4.0"}, True),
        ("'big' if amount > 5 else 'small'", {"amount": 4}, "small"),
        ("between(a, 1, 3)", {"a": 3}, True),
        ("a == 1 or\n  a == 2", {"a": 2}, True),
        ("coalesce(a, b)", {"a": None, "b": 7}, 7),
        ("lower(a) == 'x' and upper(a) == 'X' and strip(a) == 'X'", {"a": "X"}, True),
        ("contains(a, 'b') and starts_with(a, 'a')", {"a": "abc"}, True),
    ],
)
def test_values(source, row, result):
    assert value(source, **row) == result


@pytest.mark.parametrize(
    ("source", "offset"),
    [
        ("a.b", 0),
        ("a = 3", None),
        ("a >", None),
        ("x and foo(1)", 6),
        ("[x for x in a]", None),
        ("lambda: 1", None),
        ("a if", None),
        ("__import__('os')", 0),
        ("a(1)", 0),
        ("f'{a}'", None),
        ("a := 1", None),
        ("max(a, key=b)", 0),
        ("", None),
        ("a" * 5000, None),
        ("(" * 300 + "a" + ")" * 300, None),
    ],
)
def test_what_is_no_expression(source, offset):
    with pytest.raises(BadValueError) as error:
        expression(source, MOMENT)
    assert error.value.remedy
    if offset is not None:
        assert error.value.offset == offset


@pytest.mark.parametrize(
    ("source", "row", "told", "field"),
    [
        ("amont > 5", {"amount": 1}, "no field 'amont'", "amont"),
        ("a > 5", {"a": "6"}, "different types", "a"),
        ("1 / a > 5", {"a": 0}, "divides by zero", "a"),
        ("9 ** 9 ** 9 > a", {"a": 1}, "too many digits", "a"),
        ("'x' * 1000000000 == a", {"a": 1}, "cannot be evaluated", "a"),
        ("number(a) > 1", {"a": "secret-text"}, "no number", "a"),
        ("days_since(a) > 1", {"a": "secret-text"}, "no date", "a"),
        ("a % b", {"a": 1, "b": 0}, "cannot be evaluated", None),
    ],
)
def test_rows_an_expression_cannot_take(source, row, told, field):
    with pytest.raises(BadRowError, match=told) as error:
        value(source, **row)
    assert error.value.field == field
    assert error.value.remedy
    assert "secret-text" not in str(error.value)


def test_names_are_the_fields_it_uses():
    assert expression("days_since(due) > limit and status in ['a']", MOMENT).names == {"due", "limit", "status"}


amounts = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)


@given(amounts, st.integers(-100, 100))
def test_numbers_are_compared_exactly_whatever_type_they_come_in(amount, limit):
    expected = amount >= limit
    assert value(f"a >= {limit}", a=amount) is expected
    assert value(f"a >= {limit}", a=float(str(amount))) is expected


# -- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "values", "result"),
    [
        (
            "PO {{ n }} {{ a | money(c) }} {{ s }}",
            {"n": 4711, "a": 50000.5, "c": "USD", "s": None},
            "PO 4711 USD 50,000.50",
        ),
        ("{{ a | money('JPY') }}", {"a": "12.5"}, "JPY 13"),
        ("{{ a | money }}", {"a": None}, ""),
        ("{{ a | money('KWD') }}", {"a": 1}, "KWD 1.000"),
        ("{{ a | number(1) }}", {"a": 1234.55}, "1,234.6"),
        ("{{ d | date }} {{ d | date('%d.%m.%y') }}", {"d": "2026-01-31"}, "31 Jan 2026 31.01.26"),
        ("{{ t | datetime(location='Europe/Berlin') }}", {"t": "2026-01-31T23:30:00Z"}, "01 Feb 2026 00:30"),
        ("{{ p | phone }}", {"p": "+15551230100"}, "+1 555-123-0100"),
        ("{{ s | truncate(8) }}", {"s": "abcdefghij"}, "abcde..."),
        ("{{ n | days }}, {{ 1 | days }}", {"n": 31}, "31 days, 1 day"),
        ("{{ a }} {{ b }}", {"a": 1e20, "b": Decimal("1.50")}, "100000000000000000000 1.5"),
        ("{% for a in alerts %}{{ a.x }};{% endfor %}", {"alerts": [{"x": 1}, {"x": 2}]}, "1;2;"),
        ("plain", {}, "plain"),
        ("{{ x | default('-') }}", {}, "-"),
    ],
)
def test_texts(source, values, result):
    assert text(source).render(values) == result


def test_values_in_html_are_escaped():
    assert text("<b>{{ x }}</b>", html=True).render({"x": "<i>"}) == "<b>&lt;i&gt;</b>"


@pytest.mark.parametrize("source", ["{{ x ", "{% for %}", "{{ x | nofilter }}", "{% if x %}"])
def test_what_is_no_text(source):
    with pytest.raises(BadValueError):
        text(source)


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("{{ amout }}", {"amount": 1}),
        ("{{ a | money }}", {"a": "abc"}),
        ("{{ 'a' * 1000000000 }}", {}),
        ("{{ a.__class__.__mro__ }}", {"a": 1}),
        ("{{ 9 ** 999999 }}", {}),
        ("{% for i in range(1000000000) %}x{% endfor %}", {}),
        (
            "{% for a in x %}{% for b in x %}{% for c in x %}{{ a }}{% endfor %}{% endfor %}{% endfor %}",
            {"x": ["y" * 99] * 99},
        ),
    ],
)
def test_texts_that_cannot_be_made(source, values):
    with pytest.raises(BadRowError) as error:
        text(source).render(values)
    assert error.value.remedy


def test_a_missing_name_tells_what_was_perhaps_meant():
    with pytest.raises(BadRowError, match="'amout'") as error:
        text("{{ amout }}").render({"amount": 1})
    assert error.value.remedy == "did you mean 'amount'?"
