from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select, update
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.ledger.tables import open_rows, outcomes, run_counts, runs
from target_twilio_runs import ORDERS, PAYABLES, PHONE, order, payable, run, schema, state


def rows(config, table, *columns):
    query = select(*(table.c[name] for name in columns)).order_by(*table.primary_key.columns)
    with open_engine(config["ledger_url"]).connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def hurry(config):
    """Let the time pass that a message waits before it is looked for."""
    with open_engine(config["ledger_url"]).begin() as connection:
        connection.execute(update(messages).values(due_at=datetime.now(timezone.utc) - timedelta(seconds=1)))


def texts(twilio, number=PHONE):
    twilio.control.advance(3600)  # senders send a segment a second
    return [one["text"] for one in twilio.received(number).get(number, [])]


def mails(sendgrid):
    sendgrid.control.advance(60)
    return [one["subject"] for box in sendgrid.received().values() for one in box]


def test_a_row_that_matches_is_told_once_and_its_state_passes(config, twilio):
    first = run(config, ORDERS, order(1, 60000), order(2, 10), state(1))
    assert (first.code, first.position) == (0, 1)
    assert texts(twilio) == ["PO 1 USD 60,000.00"]
    again = run(config, ORDERS, order(1, 61000), state(2))
    assert (again.code, again.position) == (0, 2)
    assert len(texts(twilio)) == 1
    counted = rows(config, run_counts, "run_id", "outcome", "reason", "rows")
    assert counted == [(1, "created", "fired", 1), (1, "unchanged", "", 1), (2, "unchanged", "not_new", 1)]


def test_the_next_step_is_told_and_the_same_one_is_not(config, twilio):
    run(config, ORDERS, order(1, 60000))
    run(config, ORDERS, order(1, 249000))
    run(config, ORDERS, order(1, 250000))
    run(config, ORDERS, order(1, 60000))
    assert texts(twilio) == ["PO 1 USD 60,000.00", "PO 1 USD 250,000.00"]


def test_a_state_fires_and_resolves(config, sendgrid):
    run(config, PAYABLES, payable(7, 31))
    run(config, PAYABLES, payable(7, 32))
    assert len(mails(sendgrid)) == 1
    run(config, PAYABLES, payable(7, 33, 0))
    assert len(mails(sendgrid)) == 2
    assert mails(sendgrid)[1].startswith("[RESOLVED] Invoice 7")


def test_a_row_that_is_deleted_at_the_source_ends_its_alert(config, sendgrid):
    gone = {"DOC": 7, "days_overdue": None, "open_amount": None, "_sdc_deleted_at": "2026-03-02T12:00:00Z"}
    run(config, PAYABLES, payable(7, 31))
    run(config, PAYABLES, {"type": "RECORD", "stream": "payables", "record": gone})
    assert mails(sendgrid)[1].startswith("[RESOLVED] Invoice 7 is 31 days late")


def test_the_first_run_of_a_rule_notes_what_is_there_and_tells_nothing(config, twilio, caplog):
    caplog.set_level(logging.INFO, "sync_ledger")
    config.pop("initial")
    run(config, ORDERS, order(1, 60000))
    assert "1 alerts were there when their rule began: noted and not told (initial)" in caplog.messages
    run(config, ORDERS, order(1, 60000), order(2, 70000))
    assert texts(twilio) == ["PO 2 USD 70,000.00"]


def test_a_bad_row_is_held_with_field_and_remedy_and_hides_no_other(config, twilio):
    result = run(config, ORDERS, order(1, 60000, phone="12"), order(2, 60000), order(None, 60000), state(1))
    assert (result.code, result.position) == (0, 1)
    assert texts(twilio) == ["PO 2 USD 60,000.00"]
    held = rows(config, open_rows, "external_id", "outcome", "reason", "field")
    assert held == [("", "held", "missing_key", None), ("1-OP", "held", "rule_failed", "phone")] or held == [
        ("1-OP", "held", "rule_failed", "phone"),
        ("", "held", "missing_key", None),
    ]
    (text,) = [text for text, reason in rows(config, outcomes, "text", "reason") if reason == "rule_failed"]
    assert "too few digits" in text
    assert "address book" in text
    run(config, ORDERS, order(1, 60000))
    assert len(texts(twilio)) == 2
    assert [closed for _, closed in rows(config, open_rows, "external_id", "closed_as")].count("superseded") == 1


def test_a_blank_part_of_a_key_is_a_key_like_any_other(config, twilio):
    assert run(config, ORDERS, order(1, 60000, DCTO=" ")).code == 0
    assert rows(config, run_counts, "outcome", "reason") == [("created", "fired")]


def test_a_stream_no_rule_looks_at_is_counted_as_skipped(config):
    other = schema("items", {"id": "integer"}, ["id"])
    result = run(config, other, {"type": "RECORD", "stream": "items", "record": {"id": 1}})
    assert result.code == 0
    assert rows(config, run_counts, "entity", "outcome", "reason", "rows") == [("items", "skipped", "no_rule", 1)]


def test_that_no_stream_came_that_rules_look_at_is_said_once(config, caplog):
    assert run(config, state(1)).position == 1  # a mapping that passes nothing on leaves STATE alone
    assert [one.message.partition(";")[0] for one in caplog.records if one.levelname == "WARNING"] == [
        "No stream came that the alert rules look at (payables, purchase_orders)"
    ]
    caplog.clear()
    run(config, PAYABLES, state(2))
    run(config)
    assert "No stream came" not in caplog.text


def test_rows_a_mapper_could_not_map_are_held(config):
    unmapped = schema("_unmapped", {"stream": "string"}, [])
    record = {
        "stream": "purchase_orders",
        "map": "purchase_orders",
        "field": "amount",
        "reason": "no number",
        "record": "{}",
    }
    result = run(config, unmapped, {"type": "RECORD", "stream": "_unmapped", "record": record})
    assert result.code == 0
    assert rows(config, run_counts, "outcome", "reason", "rows") == [("held", "unmapped", 1)]


def test_a_field_a_rule_uses_and_the_stream_lacks_is_one_line_with_its_place(config, caplog):
    short = schema("purchase_orders", {"DOCO": "integer", "DCTO": "string", "amount": "number"}, ["DOCO", "DCTO"])
    assert run(config, short).code == 1
    assert "rules.yml:7:" in caplog.text
    assert "has no field 'status'" in caplog.text


def test_what_is_wrong_with_the_alert_file_is_told_with_its_place(config, tmp_path, caplog):
    (tmp_path / "rules.yml").write_text("rules: [\n")
    assert run(config, ORDERS).code == 1
    assert "rules.yml:2:1: not valid YAML" in caplog.text
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"auth_token": "f" * 32}, "check account_sid with auth_token"),
        ({"from_number": "+12125550199"}, "set from_number to a number of the account"),
        ({"from_number": None}, "set from_number or messaging_service_sid"),
        ({"auth_token": None}, "set account_sid and auth_token"),
        ({"api_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_what_keeps_texts_from_going_out_ends_the_run_and_loses_nothing(config, twilio, caplog, changed, told):
    result = run({**config, **changed}, ORDERS, order(1, 60000), state(1))
    assert (result.code, result.position) == (1, 1)
    assert told in caplog.text
    assert rows(config, runs, "status") == [("failed",)]
    assert rows(config, messages, "status") == [("waiting",)]
    assert run(config).code == 0
    assert run(config, ORDERS).code == 0
    assert texts(twilio) == ["PO 1 USD 60,000.00"]


def test_two_services_that_cannot_send_are_a_line_each(config, caplog):
    wrong = {**config, "auth_token": "0" * 32, "sendgrid_api_key": "SG." + "x" * 66}
    assert run(wrong, ORDERS, order(1, 60000), PAYABLES, payable(7, 31)).code == 1
    lines = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert sorted(line.split()[0] for line in lines) == ["SendGrid", "Twilio"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sendgrid_api_key": "SG." + "x" * 66}, "check sendgrid_api_key"),
        ({"from_email": "nobody@example.org"}, "verify from_email"),
        ({"sendgrid_api_key": None}, "set sendgrid_api_key"),
    ],
)
def test_what_keeps_mail_from_going_out_ends_the_run_and_holds_up_no_text(
    config, twilio, sendgrid, caplog, changed, told
):
    result = run({**config, **changed}, ORDERS, order(1, 60000), PAYABLES, payable(7, 31), state(1))
    assert (result.code, result.position) == (1, 1)
    assert told in caplog.text
    assert len(texts(twilio)) == 1
    assert run(config, ORDERS).code == 0
    assert len(mails(sendgrid)) == 1


@pytest.mark.parametrize("kind", ["timeout", "reset", "status"])
def test_a_lost_answer_is_looked_for_and_never_sent_again(config, twilio, kind):
    fault = {"status": 500} if kind == "status" else {}
    twilio.control.fault(kind, method="POST", path="/Messages", when="after", delay_ms=10, **fault)
    assert run(config, ORDERS, order(1, 60000), state(1)).code == 0
    assert rows(config, messages, "status") == [("unknown",)]
    hurry(config)
    assert run(config, ORDERS).code == 0
    assert texts(twilio) == ["PO 1 USD 60,000.00"]
    assert rows(config, messages, "status")[0][0] not in {"unknown", "waiting", "held"}


def test_what_the_service_takes_later_waits_and_goes_once(config, twilio):
    twilio.control.fault("status", method="POST", path="/Messages", when="before", status=429, body={"code": 20429})
    assert run(config, ORDERS, order(1, 60000), state(1)).position == 1
    assert rows(config, messages, "status", "tries") == [("waiting", 1)]
    hurry(config)
    assert run(config, ORDERS).code == 0
    assert texts(twilio) == ["PO 1 USD 60,000.00"]


@pytest.mark.parametrize("kind", ["timeout", "reset", "status"])
def test_a_mail_whose_answer_was_lost_is_held_for_a_person_and_never_sent_again(config, sendgrid, kind):
    fault = {"status": 500} if kind == "status" else {}
    sendgrid.control.fault(kind, method="POST", path="/mail/send", when="after", delay_ms=10, **fault)
    assert run(config, PAYABLES, payable(7, 31)).code == 0
    for _ in range(4):
        hurry(config)
        assert run(config, PAYABLES).code == 0
    assert rows(config, messages, "status", "attempts") == [("held", 1)]
    assert len(mails(sendgrid)) == 1


def test_mail_that_is_taken_later_waits_and_goes_once(config, sendgrid):
    body = {"errors": [{"field": None, "message": "too many requests"}]}
    sendgrid.control.fault("status", method="POST", path="/mail/send", when="before", status=429, body=body)
    assert run(config, PAYABLES, payable(7, 31)).code == 0
    assert rows(config, messages, "status", "tries") == [("waiting", 1)]
    hurry(config)
    assert run(config, PAYABLES).code == 0
    assert len(mails(sendgrid)) == 1


def test_an_older_row_that_comes_later_ends_no_alert(config, sendgrid):
    run(config, PAYABLES, {**payable(7, 31), "time_extracted": "2026-03-02T10:00:00Z"})
    run(config, PAYABLES, {**payable(7, 30, 0), "time_extracted": "2026-03-02T09:00:00Z"})
    assert len(mails(sendgrid)) == 1
    run(config, PAYABLES, {**payable(7, 31, 0), "time_extracted": "2026-03-02T11:00:00Z"})
    assert len(mails(sendgrid)) == 2


def test_a_recipient_who_has_opted_out_is_told_nothing_and_listed(config, twilio):
    twilio.control.inbound(PHONE, twilio.describe()["from_number"], "STOP")
    assert run(config, ORDERS, order(1, 60000)).code == 0
    assert run(config, ORDERS, order(2, 60000)).code == 0
    assert not [text for text in texts(twilio) if text.startswith("PO")]
    assert [status for (status,) in rows(config, messages, "status")] == ["held", "held"]


def test_a_plan_tells_what_would_be_sent_and_keeps_nothing(config, twilio, caplog):
    caplog.set_level("INFO")
    result = run({**config, "mode": "plan"}, ORDERS, order(1, 60000), order(2, 10), state(1))
    assert (result.code, result.states) == (0, [])
    assert f"Would send sms to {PHONE}" in caplog.text
    assert "Would send 1 messages" in caplog.text
    assert texts(twilio) == []
    assert rows(config, messages, "status") == []
    assert run(config, ORDERS, order(1, 60000)).code == 0
    assert len(texts(twilio)) == 1


def test_the_daily_limit_makes_messages_wait(config, twilio):
    assert run({**config, "daily_limit": 2}, ORDERS, *[order(number, 60000) for number in range(1, 6)]).code == 0
    assert len(texts(twilio)) == 2
    assert sorted(status for (status,) in rows(config, messages, "status")).count("waiting") == 3
