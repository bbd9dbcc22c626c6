"""What rows and alerts are known by: values in a form that does not change, keys, fingerprints."""

from __future__ import annotations

import hashlib
import json
import typing as t
from datetime import date, datetime
from decimal import Decimal

from alert_rules.errors import BadRowError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alert_rules.compiled import CompiledRule
    from alert_rules.expressions import Row

_LONGEST_KEY: t.Final = 500
"""Characters, of up to four bytes: an entry of an index of PostgreSQL has 2,704 bytes at the most, names included."""
_LONGEST_VALUE: t.Final = 60
_MOST_DIGITS: t.Final = 18
"""Digits that a whole number may have; longer ones are texts."""


def plain(value: t.Any) -> t.Any:
    """Return a value as JSON has it: exact, and equal for equal values whatever type a tap gave them."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, (float, Decimal)):
        exact = Decimal(repr(value)) if isinstance(value, float) else value
        if not exact.is_finite():
            return str(exact)
        whole = exact == exact.to_integral_value() and abs(exact.adjusted()) < _MOST_DIGITS
        return int(exact) if whole else f"{exact.normalize():f}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return str(value)


def key_of(row: Row, names: Sequence[str]) -> str:
    """Return the key of a row as JSON, in the order of its names.

    One that is longer than an index of a database takes has its long values cut, and a hash of the whole.
    """
    key = {name: plain(row.get(name)) for name in names}
    whole = json.dumps(key, ensure_ascii=False)
    if len(whole) <= _LONGEST_KEY:
        return whole
    mark = {"...": hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()[:32]}
    values = {
        name: value if len(str(value)) <= _LONGEST_VALUE else f"{str(value)[:_LONGEST_VALUE]}..."
        for name, value in key.items()
    }
    short = json.dumps({**values, **mark}, ensure_ascii=False)
    return short if len(short) <= _LONGEST_KEY else json.dumps(mark)


def fingerprint(rule: str, identity: Mapping[str, t.Any]) -> str:
    """Return what an alert is known by: a hash of its rule and its identity."""
    said = json.dumps([rule, [[name, plain(value)] for name, value in sorted(identity.items())]], ensure_ascii=False)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:32]


def identity_of(rule: CompiledRule, row: Row) -> dict[str, t.Any]:
    """Return the fields of a row that make it an alert of its own.

    Raises:
        BadRowError: One of them is missing or null.
    """
    for name in rule.identity:
        if row.get(name) is None:
            problem = f"the row has no {name!r}, which makes alerts of rule {rule.name} what they are"
            raise BadRowError(problem, "correct it at the source, or name another field in identity", field=name)
    return {name: plain(row[name]) for name in rule.identity}
