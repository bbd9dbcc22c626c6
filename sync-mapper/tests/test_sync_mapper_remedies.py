"""What `check` says to write instead of something works: it is written, checked and evaluated."""

from __future__ import annotations

import ast
import decimal
import re
import typing as t

import pytest
from singer_sdk.mapper import CustomStreamMap
from sync_mapper.analysis import Scope, analyse
from sync_mapper.evaluator import Evaluator
from sync_mapper.functions import HELPERS

TEXT = {"type": ["string", "null"]}
PROPERTIES = {
    "id": {"type": "integer"},
    "word": {"type": "string"},
    "qty": {"type": ["integer", "null"]},
    "price": {"type": ["number", "null"]},
    "email": TEXT,
    "day": {"type": ["string", "null"], "format": "date"},
    "xs": {"type": ["array", "null"], "items": {"type": "string"}},
    "a": {
        "type": ["object", "null"],
        "properties": {"x": TEXT, "b": {"type": ["object", "null"], "properties": {"c": TEXT}}},
    },
    "emails": {"type": ["array", "null"], "items": {"type": "object", "properties": {"address": {"type": "string"}}}},
}
ROW = {
    "id": 7,
    "word": "w",
    "qty": 3,
    "price": decimal.Decimal("1.5"),
    "email": "a@b.c",
    "day": "2026-01-02",
    "xs": ["p", "q"],
    "a": {"x": "y", "b": {"c": "d"}},
    "emails": [{"address": "a@b.c"}],
}
CONFIG = {"labels": {"a@b.c": "A", 3: "three"}}
SCOPE = Scope(PROPERTIES, CONFIG)
HARM = ("null_unsafe", "may_be_empty")


class NoFaker(CustomStreamMap):
    def _init_faker_instance(self) -> None:
        return


ENGINE = NoFaker("", {}, {}, {"properties": {}}, [], {}, None)
EVALUATOR = Evaluator(functions={**ENGINE.functions, **{name: it.function for name, it in HELPERS.items()}})


def evaluate(expression: str, row: dict[str, t.Any]) -> t.Any:
    names = {**row, "config": CONFIG, "record": row}
    return EVALUATOR.value(expression, ast.parse(expression, mode="eval").body, names)


def harm(expression: str) -> list[t.Any]:
    return [problem for problem in analyse(expression, SCOPE).problems if problem.code in HARM]


def ways(remedy: str) -> list[str]:
    """Return what a remedy says to write."""
    return re.findall(r"`([^`]+)`", remedy)


def written(expression: str, way: str) -> set[str]:
    """Return an expression with each of its parts in turn replaced by what a remedy says."""
    way = way.removeprefix("for ... in ")
    tree = ast.parse(expression, mode="eval").body
    found: set[str] = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.expr) and (text := ast.get_source_segment(expression, part)):
            for place in re.finditer(re.escape(text), expression):
                found.add(f"{expression[: place.start()]}{way}{expression[place.end() :]}")
        if way.startswith("**"):
            found |= {expression.replace(f"**{text}", way) for text in PROPERTIES}
    return {text for text in found if parses(text)}


def parses(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def works(text: str, expression: str, field: str) -> bool:
    """Return whether nothing is wrong with it, null does no harm, and a row without null gives the same as before."""
    if harm(text):
        return False
    try:
        return evaluate(text, ROW) == evaluate(expression, ROW) and evaluate(text, {**ROW, field: None}) is not Ellipsis
    except Exception:  # noqa: BLE001 - then it does not work
        return False


@pytest.mark.parametrize(
    ("field", "expression"),
    [
        *(("email", "email.split('@')[-1]"), ("email", "email.split('@')[-1].upper()"), ("email", "email.upper()")),
        *(("email", "email[:3]"), ("email", "email[:3].upper()"), ("email", "email + '!'"), ("email", "str(email)")),
        *(
            ("email", "f'{email}!'"),
            ("email", "f'{email:>9}'"),
            ("email", "f'{email.upper()}!'"),
            ("email", "md5(email)"),
        ),
        *(("email", "'%s!' % email"), ("email", "word.replace('w', email).upper()"), ("email", "email > 'a'")),
        *(("email", "not email > 'a'"), ("email", "'@' in email"), ("email", "'x' if '@' in email else 'y'")),
        *(("email", "config['labels'][email]"), ("email", "word or email.upper()"), ("email", "[email.upper(), word]")),
        *(("email", "text(email.upper())"), ("email", "coalesce(email.split('@')[0], word)")),
        *(("emails", "emails[0]['address']"), ("emails", "emails[0]"), ("emails", "[e['address'] for e in emails]")),
        *(("emails", "emails[-1]"), ("emails", "emails[-1]['address'].upper()"), ("emails", "', '.join([*xs])")),
        *(("qty", "qty + 1"), ("qty", "(qty + 1) * 2"), ("qty", "-qty"), ("qty", "int(qty)"), ("qty", "int(qty) + 1")),
        *(("qty", "float(qty) / 2"), ("qty", "qty > 1"), ("qty", "qty > 1 and word"), ("qty", "1 < qty < 5")),
        *(("qty", "not qty > 1"), ("qty", "'x' if qty > 1 else 'y'"), ("qty", "'x' if word else qty + 1")),
        *(("qty", "qty * 2 if word else 0"), ("qty", "'ab'[qty - 3]"), ("qty", "config['labels'][qty].upper()")),
        *(("qty", "str(qty)"), ("qty", "str(qty).zfill(5)"), ("qty", "f'{qty:05d}'"), ("qty", "f'{id}-{qty}'")),
        *(
            ("qty", "[w * qty for w in [word]]"),
            ("price", "price * 2"),
            ("price", "float(price) > 1"),
            ("qty", "{'k': -qty}"),
        ),
        *(("a", "a['x']"), ("a", "a.x"), ("a", "a['b']"), ("a", "a.get('x')"), ("a", "a.get('x', '')"), ("a", "{**a}")),
        *(("a", "a['b']['c']"), ("a", "(a or {}).get('x').upper()"), ("a", "'x' in a"), ("a", "[key for key in a]")),
        *(("xs", "xs[0].upper()"), ("xs", "xs[1]"), ("xs", "[*xs]"), ("xs", "', '.join(xs)"), ("xs", "'p' in xs")),
        *(("xs", "[x for x in xs]"), ("xs", "[x for x in xs if x > 'a']"), ("xs", "xs.count('p') + 1")),
        *(
            ("day", "datetime.date.fromisoformat(day).year + 1"),
            ("day", "datetime.date.fromisoformat(day).isoformat()"),
        ),
        *(("email", "', '.join([x for x in [word, email]])"), ("email", "email.upper() if word else word")),
        *(
            ("email", "(email if word else None).upper()"),
            ("qty", "(qty or None) + 1"),
            ("qty", "(qty if word else None) * 2"),
        ),
    ],
)
def test_each_way_out_of_null_works(field, expression):
    problems = harm(expression)
    assert problems
    for problem in problems:
        for way in ways(problem.remedy):
            first = written(expression, way)
            # Where a second value may be null, it is told of next.
            texts = first | {
                again for text in first for it in harm(text) for w in ways(it.remedy) for again in written(text, w)
            }
            assert any(works(text, expression, field) for text in texts), (way, problem.remedy)
