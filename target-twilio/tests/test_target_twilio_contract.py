"""Every request the target sends, held against Twilio's and SendGrid's own descriptions of their APIs."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template

import pytest
import requests
from click.testing import CliRunner
from openapi_specs import Spec
from sync_ledger.ledger.sending_tables import messages
from target_twilio.doctor.command import doctor
from target_twilio_commands import ago, column, later, statuses
from target_twilio_runs import ORDERS, PAYABLES, order, payable, run

pytestmark = [pytest.mark.contract, pytest.mark.usefixtures("wide")]

ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"

RULES = """\
region: US
rules:
  - alert: HighValuePurchaseOrder
    stream: purchase_orders
    kind: event
    identity: [DOCO]
    when: amount >= 50000
    labels: {order: "{{ DOCO }}"}
    annotations: {summary: "PO {{ DOCO }}: Käse & Söhne"}
  - alert: PayableOverdue
    stream: payables
    kind: state
    identity: [DOC]
    when: days_overdue > 30
    annotations: {summary: "Invoice {{ DOC }} <late>"}
route:
  receiver: finance
  group_by: ['...']
  group_interval: 0s
  routes:
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: buyer, continue: true}
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: own_sender, continue: true}
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: service, continue: true}
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: pinned, continue: true}
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: caller}
    - {matchers: ['alert="PayableOverdue"'], receiver: director, continue: true}
    - {matchers: ['alert="PayableOverdue"'], receiver: finance}
receivers:
  - {name: finance, email: {to: [ap@example.com]}}
  - name: director
    email: {to: [d.rector+erp@example.com], from: erp@example.com, reply_to: ap@example.com, html: "<p>late</p>"}
  - {name: buyer, sms: {to: ["{{ phone }}"]}}
  - {name: own_sender, sms: {to: ["+12125550171"], from: "$from_number", valid_for: 1h}}
  - {name: service, sms: {to: ["+12125550172"], messaging_service: $messaging_service_sid, valid_for: 10h}}
  - {name: pinned, sms: {to: ["+12125550173"], from: "+12025550101", messaging_service: $messaging_service_sid}}
  - {name: caller, voice: {to: ["+12125550174"], language: de-DE}}
"""


@pytest.fixture
def settings(config, twilio):
    """An alert file that sends in every way there is, and an address for callbacks where nobody listens."""
    Path(config["rules"]).write_text(Template(RULES).substitute(twilio.describe()))
    return {**config, "status_callback_url": "http://127.0.0.1:9/erp"}


@pytest.fixture(scope="module")
def twilio_spec():
    return Spec("twilio/twilio_api_v2010.messages-calls.json")


@pytest.fixture(scope="module")
def mail_spec():
    return Spec("sendgrid/tsg_mail_v3.json")


def problems(spec, requests):
    return sorted({text for request in requests for text in spec.problems(request)})


def others_send(twilio, number, count):
    """Let somebody else text a phone from the same account."""
    facts = twilio.describe()
    url = f"{twilio.url}/2010-04-01/Accounts/{facts['account_sid']}/Messages.json"
    form = {"To": number, "From": facts["from_number"], "Body": "Lunch?"}
    with requests.Session() as session:
        session.auth = (facts["account_sid"], facts["auth_token"])
        for _ in range(count):
            assert session.post(url, data=form, timeout=10).status_code == 201


def test_no_request_violates_the_specification(settings, twilio, sendgrid, twilio_spec, mail_spec, tmp_path):
    twilio.control.fault("reset", method="POST", path="/Messages", when="after")
    assert run(settings, ORDERS, order(1, 60000), PAYABLES, payable(7, 31)).code == 0
    (lost,) = [one for one, status in column(settings, messages, "recipient", "status") if status == "unknown"]
    before = twilio.control.counters()["requests"]
    others_send(twilio, lost, 201)
    theirs = twilio.control.requests(5000)[before:]
    later(settings, messages, due_at=ago(seconds=1), looked_at=ago(hours=1))
    assert run(settings, ORDERS).code == 0
    assert statuses(settings).count("unknown") == 0
    config = {**settings, "from_number": None, "messaging_service_sid": twilio.describe()["messaging_service_sid"]}
    assert run(config, ORDERS, order(2, 70000)).code == 1, "there is nobody to call from"
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings))
    assert CliRunner().invoke(doctor, ["--config", str(file)]).exit_code == 0

    sent = [one for one in twilio.control.requests(5000) if one not in theirs]
    assert {twilio_spec.operation(one) for one in sent} == {
        f"POST {ACCOUNT}/Messages.json",
        f"GET {ACCOUNT}/Messages.json",
        f"GET {ACCOUNT}/Messages/{{Sid}}.json",
        f"POST {ACCOUNT}/Calls.json",
        f"GET {ACCOUNT}/Calls/{{Sid}}.json",
    }
    assert any("PageToken" in one["query"] for one in sent)
    forms = " ".join(str(one["body"]) for one in sent)
    assert all(f"{name}=" in forms for name in ("From", "MessagingServiceSid", "ValidityPeriod", "StatusCallback"))
    assert problems(twilio_spec, sent) == []
    mails = sendgrid.control.requests(100)
    assert {mail_spec.operation(one) for one in mails} == {"POST /v3/mail/send"}
    assert {name for one in mails for name in one["body"]} >= {
        "reply_to",
        "categories",
        "tracking_settings",
        "mail_settings",
    }
    assert problems(mail_spec, mails) == []


def test_the_check_itself_notices_violations(twilio, twilio_spec, mail_spec):
    account = f"/2010-04-01/Accounts/{twilio.describe()['account_sid']}"

    def one(method, path, query="", body=None):
        return problems(twilio_spec, [{"method": method, "path": account + path, "query": query, "body": body}])

    good = (
        "To=%2B12125550123&From=%2B12125550100&Body=x&ValidityPeriod=60&StatusCallback=https%3A%2F%2Fhook.example.com"
    )
    assert one("POST", "/Messages.json", body=good) == []
    assert one("GET", "/Messages.json", "To=%2B12125550123&PageSize=200") == []
    assert one("POST", "/Messages.json")
    assert one("POST", "/Messages.json", body="From=%2B12125550100&Body=x")
    assert one("POST", "/Messages.json", body=f"{good}&Text=x")
    assert one("POST", "/Messages.json", body=good.replace("=60", "=1h"))
    assert one("POST", "/Messages.json", body=good.replace("%2B12125550123", "0123"))
    assert one("POST", "/Messages.json", body=good.replace("hook.", "a_b."))
    assert one("POST", "/Messages.json", body=f"{good}&MessagingServiceSid=7")
    assert one("GET", "/Messages.json", "PageSize=2000")
    assert one("GET", "/Messages.json", "Status=sent")
    assert one("GET", "/Messages/SM1.json")
    assert one("GET", "/Texts.json")
    mail = {
        "personalizations": [{"to": [{"email": "a@example.com"}], "custom_args": {"message_key": "1"}}],
        "from": {"email": "b@example.com"},
        "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
    }

    def send(**values):
        body = {**mail, **values}
        return problems(mail_spec, [{"method": "POST", "path": "/v3/mail/send", "query": "", "body": body}])

    assert send() == []
    assert send(subject="")
    assert send(content=[{"type": "text/plain"}])
    assert send(to=[])
    assert send(personalizations=[{"to": [{"email": "nobody"}]}])
    assert send(categories="alerts")
