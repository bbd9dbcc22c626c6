"""Against the vendors' own specifications: the shape of answers, and the parameters that requests may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from openapi_specs import Spec
from service_emulators.twilio.calls import PARAMETERS as CALL_PARAMETERS
from service_emulators.twilio.messages import PARAMETERS as MESSAGE_PARAMETERS

if TYPE_CHECKING:
    from service_emulators.testing import SendGridEmulator

    from conftest import Account

pytestmark = pytest.mark.contract
PERSON = "+447700900123"
ROOT = "/2010-04-01/Accounts/{AccountSid}"


@pytest.fixture(scope="module")
def twilio() -> Spec:
    return Spec("twilio/twilio_api_v2010.messages-calls.json")


@pytest.mark.parametrize(("resource", "known"), [("Messages", MESSAGE_PARAMETERS), ("Calls", CALL_PARAMETERS)])
def test_parameters_are_those_of_the_specification(twilio: Spec, resource: str, known: frozenset[str]) -> None:
    body = twilio.content["paths"][f"{ROOT}/{resource}.json"]["post"]["requestBody"]["content"]
    assert set(body["application/x-www-form-urlencoded"]["schema"]["properties"]) == set(known)


def test_messages_look_as_specified(account: Account, twilio: Spec) -> None:
    sender = {"To": PERSON, "From": account.facts["from_number"]}
    created = account.send()
    twilio.check("POST", f"{ROOT}/Messages.json", created)
    twilio.check(
        "POST", f"{ROOT}/Messages.json", account.send(MessagingServiceSid=account.facts["messaging_service_sid"])
    )
    account.control.advance(60)
    sid = created.json()["sid"]
    twilio.check("GET", f"{ROOT}/Messages/{{Sid}}.json", account.call("GET", f"/Messages/{sid}.json"))
    twilio.check("GET", f"{ROOT}/Messages.json", account.call("GET", "/Messages.json?PageSize=1"))
    redacted = account.call("POST", f"/Messages/{sid}.json", data={"Body": ""})
    twilio.check("POST", f"{ROOT}/Messages/{{Sid}}.json", redacted)
    twilio.check("DELETE", f"{ROOT}/Messages/{{Sid}}.json", account.call("DELETE", f"/Messages/{sid}.json"))
    call = account.call("POST", "/Calls.json", data={**sender, "Twiml": "<Response><Say>x</Say></Response>"})
    twilio.check("POST", f"{ROOT}/Calls.json", call)
    account.control.advance(60)
    twilio.check("GET", f"{ROOT}/Calls.json", account.call("GET", "/Calls.json"))
    twilio.check("GET", f"{ROOT}/Calls/{{Sid}}.json", account.call("GET", f"/Calls/{call.json()['sid']}.json"))


def test_lookups_look_as_specified(account: Account) -> None:
    spec = Spec("twilio/twilio_lookups_v2.json")
    url = f"{account.emulator.url}/v2/PhoneNumbers/{PERSON}?Fields=line_type_intelligence"
    answer = requests.get(url, auth=account.credentials, timeout=5)
    spec.check("GET", "/v2/PhoneNumbers/{PhoneNumber}", answer, strict=False)


def test_sendgrid_answers_look_as_specified(mail: SendGridEmulator) -> None:
    headers = {"Authorization": f"Bearer {mail.api_key}"}
    content: dict[str, Any] = {
        "personalizations": [{"to": [{"email": "ann@example.com"}]}],
        "from": {"email": "alerts@example.com"},
        "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
    }

    def call(method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{mail.url}{path}", json=body, headers=headers, timeout=10)

    spec = Spec("sendgrid/tsg_mail_v3.json")
    mail.control.set_mailbox("ann@example.com", "bounce")
    spec.check("POST", "/v3/mail/send", call("POST", "/v3/mail/send", content), strict=False)
    batch = call("POST", "/v3/mail/batch")
    spec.check("POST", "/v3/mail/batch", batch, strict=False)
    mail.control.advance(60)
    suppressions = Spec("sendgrid/tsg_suppressions_v3.json")
    suppressions.check("GET", "/v3/suppression/bounces", call("GET", "/v3/suppression/bounces"), strict=False)
    scheduled = Spec("sendgrid/tsg_scheduled_sends_v3.json")
    stop = {"batch_id": batch.json()["batch_id"], "status": "pause"}
    path = "/v3/user/scheduled_sends"
    scheduled.check("POST", path, call("POST", path, stop), strict=False)
    scheduled.check("GET", path, call("GET", path), strict=False)
    webhooks = Spec("sendgrid/tsg_webhooks_v3.json")
    path = "/v3/user/webhooks/event/settings"
    made = call("POST", path, {"url": "http://127.0.0.1:9/", "delivered": True})
    webhooks.check("POST", path, made, strict=False)
    webhooks.check("GET", f"{path}/all", call("GET", f"{path}/all"), strict=False)
    signed = call("PATCH", f"{path}/signed/{made.json()['id']}", {"enabled": True})
    webhooks.check("PATCH", f"{path}/signed/{{id}}", signed, strict=False)
