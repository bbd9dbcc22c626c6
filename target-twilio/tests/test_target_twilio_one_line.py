"""What goes wrong in a run of the process is one clear line on its standard error, whatever it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sync_ledger.ledger.sending_tables import messages
from target_twilio_commands import ago, later
from target_twilio_forks import forking
from target_twilio_runs import ORDERS, PAYABLES, PHONE, RULES, order, payable, run, state

CASES = {
    "wrong credentials of Twilio": (
        {"auth_token": "f" * 32},
        r"Twilio refuses the credentials \(20003 Authenticate\); check account_sid with auth_token",
    ),
    "wrong credentials of SendGrid": ({"sendgrid_api_key": "SG." + "x" * 66}, "check sendgrid_api_key"),
    "number that is not ours": (
        {"from_number": "+12125550199"},
        "21606 .*; set from_number to a number of the account",
    ),
    "unverified sender": ({"from_email": "nobody@example.org"}, "verify from_email in the console"),
    "bad template": (
        ("money('USD')", "monney('USD')"),
        r"rules\.yml:10:29: .*No filter named 'monney'; {{ field }} puts .*\(setting rules\)$",
    ),
    "template that is no template": (("{{ amount |", "{{ amount | |"), r"rules\.yml:10:29: .*expected token"),
    "unknown field": (
        ("days_overdue > 30", "days_over > 30"),
        r"rules\.yml:15:11: .*payables has no field 'days_over'; did you mean 'days_overdue'\?",
    ),
    "unknown key": (("region:", "regions:"), r"rules\.yml:1:1: unknown key `regions`; did you mean `region`\?"),
    "unknown receiver": (
        ("receiver: buyer", "receiver: byer"),
        r"rules\.yml:23:54: there is no receiver 'byer'; did you mean 'buyer'\?",
    ),
    "broken YAML": (("kind: event", "kind: event: x"), r"rules\.yml:5:16: not valid YAML"),
    "broken YAML in a list": (("{name: buyer, sms", "{name: buyer, sms: ["), r"rules\.yml:26:25: not valid YAML"),
    "no alert file": ({"rules": "nowhere.yml"}, r"nowhere\.yml"),
}
"""What is wrong: the settings or the words of the alert file that are, and what is said."""


@pytest.fixture(scope="module")
def forks():
    with forking() as program:
        yield program


def told(stderr):
    """Return the lines of what is wrong; all others are of the run, and none goes on in a second line."""
    lines = stderr.splitlines()
    assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \| ", line)] == []
    return [line.split(" | ", 3)[3] for line in lines if line.split(" | ")[1].strip() not in {"INFO", "DEBUG"}]


def process(forks, file, config, *given):
    """Run the process on rows; return its exit code and the lines of what is wrong."""
    file.write_text(json.dumps(config))
    rows = file.with_name("rows.jsonl")
    rows.write_text("".join(json.dumps(one) + "\n" for one in (ORDERS, PAYABLES, *given)))
    code, stderr = forks.run(f"--config={file}", stdin=rows)
    return code, told(stderr)


@pytest.mark.parametrize("case", CASES)
def test_what_keeps_a_run_from_its_work_is_one_line_and_loses_nothing(forks, config, file, twilio, sendgrid, case):
    wrong, said = CASES[case]
    changed = wrong if isinstance(wrong, dict) else {}
    if not changed:
        assert RULES.count(wrong[0]) == 1
        Path(config["rules"]).write_text(RULES.replace(*wrong))
    given = (order(1, 60000), payable(7, 31), state(1))
    code, lines = process(forks, file, {**config, **changed}, *given)
    (line,) = lines
    assert code == 1
    assert re.search(said, line), line
    Path(config["rules"]).write_text(RULES)
    assert process(forks, file, config, *given) == (0, [])
    for service in (twilio, sendgrid):
        service.control.advance(60)
    assert [one["text"] for one in twilio.received(PHONE)[PHONE]] == ["PO 1 USD 60,000.00"]
    assert len(sendgrid.received()["ap@example.com"]) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (21211, "21211 Invalid 'To' Phone Number: +12125550123; correct the number"),
        (
            21610,
            "21610 Attempt to send to unsubscribed recipient; only the recipient can change that, by texting START",
        ),
    ],
)
def test_a_number_that_is_refused_is_one_line_and_holds_up_no_other(forks, config, file, twilio, code, said):
    twilio.control.set_phone(PHONE, code=code)
    given = [order(number, 60000) for number in range(1, 4)]
    ended = process(forks, file, config, *given, order(4, 60000, phone="212 555 0124"))
    assert ended == (0, [f"Twilio does not take the text to {PHONE}: {said}"])
    twilio.control.advance(60)
    assert [one["text"] for one in twilio.received("+12125550124")["+12125550124"]] == ["PO 4 USD 60,000.00"]


def test_a_number_that_blocks_us_is_one_line_as_soon_as_that_is_known(forks, config, file, twilio):
    twilio.control.set_phone(PHONE, code=30004)
    assert process(forks, file, config, order(1, 60000)) == (0, [])
    twilio.control.advance(60)
    later(config, messages, looked_at=ago(hours=1))
    code, (line,) = process(forks, file, config)
    assert code == 0
    assert re.fullmatch(
        "Twilio could not deliver the text SM[0-9a-f]{32}: 30004 Message blocked; the recipient or its carrier blocks "
        "messages; find another way to tell",
        line,
    )
    later(config, messages, looked_at=ago(hours=1))
    assert process(forks, file, config) == (0, [])


def test_no_more_than_twenty_lines_tell_what_did_not_get_through(config, twilio, caplog):
    phones = [f"+121255502{number:02}" for number in range(22)]
    for phone in phones:
        twilio.control.set_phone(phone, code=21211)
    assert run(config, ORDERS, *[order(number, 60000, phone=phone) for number, phone in enumerate(phones)]).code == 0
    lines = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len({line for line in lines if "21211" in line}) == 20
    assert lines[20:] == ["Twilio: there are more such messages; `alerts messages` lists them"]
