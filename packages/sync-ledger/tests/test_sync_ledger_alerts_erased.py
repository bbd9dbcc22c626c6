"""What is kept of alerts goes by age or by person; nobody is told twice for it, and what was not told is not lost."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from alert_rules.compiling import compile_files
from sqlalchemy import select
from sync_ledger.alerts.rehearsal import Rehearsal
from sync_ledger.ledger import alert_tables as tables
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.privacy.erasing import Eraser, Selection
from sync_ledger.privacy.persons import Person

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ANN = "+13035550142"
LATE = datetime(2030, 1, 1, tzinfo=timezone.utc)
ORDER = {"id": "Ann-7", "amount": 20, "name": "Ann Example", "phone": "(303) 555-0142"}
BILL = {"id": "Ann-8", "days": 40, "name": "Ann Example", "phone": "(303) 555-0142"}
BIG: dict[str, t.Any] = {
    "alert": "Big",
    "stream": "orders",
    "identity": ["id"],
    "when": "amount >= 10",
    "labels": {"customer": "{{ name }}"},
    "annotations": {"summary": "{{ name }} {{ amount }}"},
}
OVERDUE: dict[str, t.Any] = {
    **BIG,
    "alert": "Overdue",
    "stream": "bills",
    "kind": "state",
    "when": "days > 30",
    "annotations": {"summary": "{{ name }} {{ days }}"},
}
ROUTE = {"receiver": "all", "group_by": ["alert", "customer"], "group_wait": "0s", "repeat_interval": "7d"}
ALL: dict[str, t.Any] = {"name": "all", "sms": {"to": ["{{ phone }}"]}}

Rehearse: t.TypeAlias = "Callable[..., Rehearsal]"


@pytest.fixture
def rehearse(tmp_path: Path, ledger_url: str) -> Iterator[Rehearse]:
    made: list[Rehearsal] = []

    def one(route: t.Any = ROUTE, receiver: t.Any = ALL, rules: t.Any = (BIG, OVERDUE)) -> Rehearsal:
        path = tmp_path / "alerts.yml"
        path.write_text(json.dumps({"region": "US", "rules": rules, "route": route, "receivers": [receiver]}))
        made.append(Rehearsal(compile_files(str(path)), START, initial="send", ledger_url=ledger_url))
        return made[-1]

    yield one
    for rehearsal in made:
        rehearsal.close()


def kept(it: Rehearsal) -> str:
    """Return all that the ledger holds of alerts and messages."""
    with it.database.connect() as connection:
        rows = [list(connection.execute(select(table)).all()) for table in (*tables.ALERT_TABLES, messages)]
    return str(rows)


def erase(it: Rehearsal, **chosen: t.Any) -> dict[str, int]:
    eraser, selection = Eraser(it.database), Selection(**chosen)
    counted = eraser.erase(selection, dry_run=True)
    assert eraser.erase(selection) == counted
    return {name: rows for name, rows in counted.items() if rows}


@pytest.mark.parametrize("person", ["Ann-7", ANN])
def test_a_person_is_erased_and_the_same_rows_tell_nobody(rehearse: Rehearse, person: str) -> None:
    it = rehearse(rules=[BIG])
    it.run({"orders": [ORDER, {**ORDER, "id": "Bob-1", "name": "Bob Example", "phone": "+13035550199"}]})
    assert len(it.sent()) == 2
    found = erase(it, external_id=person)
    assert found["alert_instances"] == found["messages"] == found["alert_groups"] == 1
    assert found["alert_decisions"] >= 1
    left = kept(it)
    assert "Ann Example" not in left
    assert "555-0142" not in left
    assert ANN not in left
    assert "Bob Example 20" in left
    assert set(Eraser(it.database).erase(Selection(external_id=person)).values()) == {0}
    for _ in range(2):
        it.wait(HOUR)
        it.run({"orders": [ORDER]})
        it.tick()
    assert it.sent() == []
    assert "Ann Example" not in kept(it), "a row that tells nothing new brings nothing back"


def test_a_state_that_was_erased_is_not_told_again_and_its_end_is(rehearse: Rehearse) -> None:
    it = rehearse()
    it.run({"bills": [BILL]})
    assert len(it.sent()) == 1
    erase(it, external_id="Ann-8")
    it.wait(8 * DAY)
    it.tick()
    assert it.sent() == [], "there is nothing to say of it"
    assert any("its values were erased" in one.decision.text for one in it.decisions(key="Ann-8"))
    assert [why for _, why in it.engine().show(it.now).alerts] == [
        "its values were erased; the next row of it brings them back"
    ]
    it.run({"bills": [{**BILL, "days": 0}]})
    assert [(one.to, one.text) for one in it.sent()] == [(ANN, "[RESOLVED] Ann Example 0")]


def test_what_was_not_told_yet_waits_for_a_row_and_is_told_then_once(rehearse: Rehearse) -> None:
    it = rehearse(route={**ROUTE, "group_wait": "2h"})
    it.run({"orders": [ORDER], "bills": [BILL]})
    for person in ("Ann-7", "Ann-8"):
        assert erase(it, external_id=person)["alert_instances"] == 1
    it.wait(3 * HOUR)
    it.tick()
    assert it.sent() == []
    it.run({"orders": [ORDER], "bills": [BILL]})
    assert sorted(one.text for one in it.sent()) == ["Ann Example 20", "Ann Example 40"]
    it.run({"orders": [ORDER], "bills": [BILL]})
    it.tick()
    assert it.sent() == []


def test_what_was_collected_for_a_person_is_held_and_listed(rehearse: Rehearse) -> None:
    it = rehearse(receiver={**ALL, "digest": {"at": "12:00"}})
    it.run({"orders": [ORDER]})
    assert erase(it, external_id=ANN)["alert_collected"] == 1
    it.wait(DAY)
    it.run({"orders": [ORDER]})
    with it.database.connect() as connection:
        rows = connection.execute(select(messages)).all()
    assert [(row.status, row.reason, row.text, row.recipient) for row in rows] == [
        ("held", "payload_erased", None, "*** masked ***")
    ]


def test_what_waits_in_a_digest_keeps_waiting_when_the_alert_is_erased(rehearse: Rehearse) -> None:
    it = rehearse(receiver={"name": "all", "sms": {"to": ["+13035550100"]}, "digest": {"at": "12:00"}})
    it.run({"orders": [ORDER]})
    assert erase(it, external_id="Ann-7")["alert_instances"] == 1
    it.wait(DAY)
    it.tick()
    assert it.sent() == []
    it.run({"orders": [ORDER]})
    assert [one.text for one in it.sent()] == ["Digest (1):\nAnn Example 20"]
    it.run({"orders": [ORDER]})
    it.wait(DAY)
    it.tick()
    assert it.sent() == []


def test_an_alert_that_is_pending_waits_for_a_row(rehearse: Rehearse) -> None:
    it = rehearse(rules=[{**OVERDUE, "for": "1h"}])
    it.run({"bills": [BILL]})
    assert erase(it, external_id="Ann-8")["alert_instances"] == 1
    it.wait(2 * HOUR)
    it.tick()
    assert it.sent() == []
    it.run({"bills": [BILL]})
    assert [one.text for one in it.sent()] == ["Ann Example 40"]


def test_by_age_an_alert_that_is_pending_keeps_its_values(rehearse: Rehearse) -> None:
    it = rehearse(rules=[{**OVERDUE, "for": "1h"}])
    it.run({"bills": [BILL]})
    assert "alert_instances" not in erase(it, before=LATE)
    it.wait(2 * HOUR)
    it.tick()
    assert [one.text for one in it.sent()] == ["Ann Example 40"]


def test_what_was_erased_waits_for_a_row_though_its_route_is_no_more(rehearse: Rehearse, tmp_path: Path) -> None:
    it = rehearse(route={**ROUTE, "group_wait": "2h"}, rules=[BIG])
    it.run({"orders": [ORDER]})
    assert erase(it, external_id="Ann-7")["alert_instances"] == 1
    file = json.loads((tmp_path / "alerts.yml").read_text())
    file["route"]["receiver"] = file["receivers"][0]["name"] = "others"
    (tmp_path / "alerts.yml").write_text(json.dumps(file))
    it.use(compile_files(str(tmp_path / "alerts.yml")))
    it.wait(3 * HOUR)
    it.tick()
    assert it.sent() == []
    for _ in range(2):
        it.run({"orders": [ORDER]})
        it.wait(3 * HOUR)
        it.tick()
    assert [one.text for one in it.sent()] == ["Ann Example 20"]


def test_old_alerts_and_decisions_go_and_what_is_in_use_stays(rehearse: Rehearse) -> None:
    it = rehearse()
    it.run({"orders": [ORDER], "bills": [BILL, {**BILL, "id": "Ann-9"}]})
    it.engine().silence(['customer="Ann"'], it.now + HOUR, now=it.now, by="Ann", reason="old")
    it.wait(HOUR * 2)
    it.run({"bills": [{**BILL, "id": "Ann-9", "days": 0}]})
    assert len(it.sent()) == 3
    assert erase(it, before=LATE, destination="another") == {}
    found = erase(it, before=LATE, entity="bills")
    assert (found["alert_instances"], "alert_silences" in found) == (1, False)
    found = erase(it, before=LATE)
    assert (found["alert_instances"], found["alert_silences"], found["alert_groups"]) == (1, 1, 1)
    assert it.decisions() == []
    with it.database.connect() as connection:
        alerts = tables.alert_instances
        assert connection.execute(select(alerts.c.source_key).where(~alerts.c.erased)).scalars().all() == [
            '{"id": "Ann-8"}'
        ]
    it.wait(8 * DAY)
    it.run({"orders": [ORDER]})
    assert [one.text for one in it.sent()] == ["Still firing:\nAnn Example 40"], "what fires is told with its values"
    it.wait(HOUR)
    it.run({"bills": [{**BILL, "days": 0}]})
    assert [one.text for one in it.sent()] == ["[RESOLVED] Ann Example 0"]


def test_what_is_still_to_be_passed_on_keeps_its_values(rehearse: Rehearse) -> None:
    receiver = {**ALL, "escalation": [{"after": "4h", "receiver": "all"}]}
    it = rehearse(receiver=receiver, rules=[BIG])
    it.run({"orders": [ORDER]})
    it.sent()
    assert "alert_instances" not in erase(it, before=LATE)
    it.wait(5 * HOUR)
    it.tick()
    assert [one.purpose for one in it.sent()] == ["escalation"]
    assert erase(it, before=LATE)["alert_instances"] == 1


def test_a_person_is_known_by_key_mail_or_number() -> None:
    ann = Person(ANN)
    assert [ann.is_value(one) for one in ("303-555-0142", "5550142", ANN, 3035550142, "0142", "A3035550142", True)] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
    assert Person("Ann@Example.com").is_reached_by({"a": ["ann@example.com"]})
    assert not Person("7").is_reached_by({"a": [7]})
    assert Person("7").has_key('{"id": 7, "x": "00"}')
    assert not Person("7").has_key('{"id": 77}')
