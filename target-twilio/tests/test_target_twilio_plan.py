"""Plans tell what runs do."""

from __future__ import annotations

from pathlib import Path

from target_twilio_runs import ORDERS, PHONE, order, run


def test_a_plan_tells_of_what_did_not_arrive_as_a_run_does(config, twilio, sendgrid, caplog):
    rules = Path(config["rules"])
    escalation = ", escalation: [{receiver: finance, on: undelivered}]}"
    rules.write_text(rules.read_text().replace('["{{ phone }}"]}}', '["{{ phone }}"]}' + escalation))
    twilio.control.inbound(PHONE, twilio.describe()["from_number"], "STOP")
    assert run(config, ORDERS, order(1, 60000)).code == 0
    caplog.set_level("INFO")
    assert run({**config, "mode": "plan"}, ORDERS, order(2, 10)).code == 0
    assert "Would send email to ap@example.com (escalation, 1 alerts)" in caplog.text
    assert run(config, ORDERS, order(2, 10)).code == 0
    sendgrid.control.advance(60)
    assert len(sendgrid.received()["ap@example.com"]) == 1
