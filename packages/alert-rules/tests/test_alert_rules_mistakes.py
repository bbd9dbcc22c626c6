"""Mistakes in alert files that would end a run, tell nobody, or tell without end: told when the file is read."""

from __future__ import annotations

import time
import typing as t

import pytest
from alert_rules.checking import check
from alert_rules.errors import BadRowError, BadValueError
from alert_rules.expressions import Moment, expression
from alert_rules.functions import number
from alert_rules.matchers import matcher
from alert_rules.phones import e164, mail
from alert_rules.texts import text

if t.TYPE_CHECKING:
    from pathlib import Path

FILE = """\
rules:
  - {alert: A, stream: s, identity: [id], when: "v > 1", labels: {team: it}RULE}
route: {receiver: r, routes: [{matchers: [alert=A], receiver: r}]ROUTE}
receivers:
  - {name: r, sms: {to: ["+14155550100"]}RECEIVER}
  - {name: q, sms: {to: ["+14155550101"]}, escalation: [{receiver: r, on: undelivered}]}
MORE
"""


def findings(tmp_path: Path, **parts: str) -> list[str]:
    whole = FILE
    for part in ("RULE", "ROUTE", "RECEIVER", "MORE"):
        whole = whole.replace(part, parts.get(part.lower(), ""))
    path = tmp_path / "alerts.yml"
    path.write_text(whole)
    return [str(one).removeprefix(str(tmp_path)) for one in check(str(path)).findings if "'q'" not in str(one)]


def test_the_file_without_mistakes_has_none(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("parts", "line", "problem"),
    [
        ({"rule": ", steps: [.nan], steps_of: v"}, 2, "a step is no finite number"),
        ({"more": "storm_limit: 0"}, 7, "`storm_limit` must be 1 or more"),
        (
            {"rule": ", no_data: {after: 1h, annotations: {summary: '{{ since | money }}'}}"},
            2,
            "cannot be made",
        ),
        ({"route": ", repeat_interval: 0s"}, 3, "`repeat_interval` cannot be zero"),
        ({"route": ", group_by: [alrt]"}, 3, "no rule has the label 'alrt'; did you mean 'alert'?"),
        ({"more": "inhibit_rules: [{source_matchers: [alert=A], target_matchers: [taem=it]}]"}, 7, "'taem'"),
        ({"receiver": ', digest: {at: "24:00"}'}, 5, "'24:00' is the end of a day"),
        ({"receiver": ", escalation: [{receiver: r, on: undelivered}]"}, 5, "comes back to receiver 'r', without end"),
        ({"receiver": ", escalation: [{receiver: q, on: undelivered}]"}, 5, "comes back to receiver 'r', without end"),
        (
            {"more": 'silences: [{matchers: [alert=A], starts: "2026-05-01T00:00Z", until: "2026-04-01T00:00Z"}]'},
            7,
            "the silence ends before it begins",
        ),
        ({"more": 'time_intervals: [{name: n, days_of_month: ["-1:1"]}]'}, 7, "'-1:1' is no range"),
    ],
)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, parts: dict[str, str], line: int, problem: str) -> None:
    found = findings(tmp_path, **parts)
    assert any(one.startswith(f"/alerts.yml:{line}:") and problem in one for one in found), found


@pytest.mark.parametrize("key", ["alert", "stream", "name"])
def test_a_name_that_a_ledger_does_not_keep_is_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "alerts.yml"
    long = "r" * 201
    whole = FILE.replace("RULE", "").replace("ROUTE", "").replace("RECEIVER", "").replace("MORE", "")
    value = {"alert": "A", "stream": "s", "name": "r"}[key]
    path.write_text(whole.replace(f"{key}: {value},", f"{key}: {long},", 1))
    assert any("bad_name" in str(one) for one in check(str(path)).findings)


@pytest.mark.parametrize("pattern", ["(a|a)*b", "(a+)+", "(?:a|ab)+", "((a?))*", "(a*){2,}", r"([ab]|\)|c)+"])
def test_a_regular_expression_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(BadValueError, match="for ever"):
        matcher(f'x=~"{pattern}"')


@pytest.mark.parametrize(
    "pattern", ["sales|finance", "(sales|finance)", "(?:a|b)?", "[a+]+b", r"\(a+\)+", "(ab)+", "(a|b){2}", ".*foo.*"]
)
def test_one_that_ends_soon_is_taken(pattern: str) -> None:
    assert matcher(f'x=~"{pattern}"').operator == "=~"


@pytest.mark.parametrize(
    "given", ["not " * 900 + "v", "+".join(["v"] * 1_900) + " > 1", "b'x' == v", "... == v", "1j == v"]
)
def test_an_expression_that_cannot_be_evaluated_is_refused_at_once(given: str) -> None:
    begun = time.monotonic()
    with pytest.raises(BadValueError):
        expression(given, Moment())
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("given", ["NaN", "sNaN", "Infinity", "-inf"])
def test_what_is_no_finite_number_is_none(given: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        number(given)


def test_a_text_without_values_says_what_is_left_without_comments_and_marks() -> None:
    assert text("{# not shown #}Call {% raw %}{{ x }}{% endraw %}").render({}) == "Call {{ x }}"


def test_a_field_may_have_any_name() -> None:
    assert text("{{ self_ }}{{ v }}").render({"self": 1, "self_": "a", "v": 2}) == "a2"


def test_mailboxes_are_the_same_however_they_are_written() -> None:
    assert mail(" Ann@Example.COM ") == "ann@example.com"


@pytest.mark.parametrize("given", ["a" * 250 + "@example.com", "ann@example"])
def test_what_is_no_mail_address_is_told(given: str) -> None:
    with pytest.raises(BadRowError):
        mail(given)


@pytest.mark.parametrize("given", ["415-555-0100 x12", "(415) 555-0100 ext. 5"])
def test_an_extension_is_nobody_who_can_be_texted(given: str) -> None:
    with pytest.raises(BadRowError, match="extension"):
        e164(given, "US")
