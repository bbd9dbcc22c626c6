"""Messages of the Twilio emulator: refusals, life, queue, lists, faults, opting out, callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
import requests
from service_emulators.message_client import TwilioControl
from service_emulators.twilio.signing import signature
from service_emulators.twilio.texts import segments

if TYPE_CHECKING:
    from message_strangers import Receiver

    from conftest import Account

PERSON = "+447700900123"


def test_signature_is_that_of_the_documented_vectors() -> None:
    sid = "SM00000000000000000000000000000001"
    parameters = [
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("ApiVersion", "2010-04-01"),
        ("From", "+15005550006"),
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("MessageStatus", "delivered"),
        ("SmsStatus", "delivered"),
        ("To", "+15005550010"),
    ]
    token = "0123456789abcdef0123456789abcdef"
    assert signature(token, "https://hook.example.com/twilio/status?alert_id=A-17#rc=3", parameters) == (
        "laIxIQ0hrENcl4rI7yTwdexj+lE="
    )
    url = "https://hook.example.com/json?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert signature(token, url) == "bdKTzdgUl1bRYILfafrTpwjr53Y="


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 in each: none is cut in two
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count


def test_credentials(account: Account) -> None:
    facts = account.facts
    key = (facts["api_key_sid"], facts["api_key_secret"])
    assert account.call("GET", "/Messages.json", auth=key).status_code == 200
    wrong = account.call("GET", "/Messages.json", auth=(facts["account_sid"], "wrong"))
    assert (wrong.status_code, wrong.json()["code"]) == (401, 20003)
    other = f"{account.emulator.url}/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    answer = requests.get(other, auth=account.credentials, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "07700 900123"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "12345"}, 21212),
        ({"From": "+12025559999"}, 21606),
        ({"Body": ""}, 21602),
        ({"Body": "a" * 1601}, 21617),
        ({"MessagingServiceSid": "MG" + "0" * 32}, 21701),
        ({"ValidityPeriod": "0"}, 90007),
        ({"StatusCallback": "https://bad_host.example.com/"}, 21609),
        ({"StatusCallback": "/relative"}, 21609),
        ({"SendAt": "2026-11-20T10:00:00Z", "ScheduleType": "fixed"}, 35118),
        ({"Colour": "red"}, 20001),
    ],
)
def test_refused_messages(account: Account, parameters: dict[str, str], code: int) -> None:
    assert account.refused(**parameters) == (400, code)
    assert account.call("GET", "/Messages.json").json()["messages"] == []


def test_a_text_arrives(account: Account) -> None:
    accepted = account.send().json()
    assert (accepted["status"], accepted["num_segments"]) == ("queued", "1")
    sid = accepted["sid"]
    assert account.status(sid) == ("sending", None)
    account.control.advance(1)
    assert account.status(sid) == ("sent", None)
    account.control.advance(1)
    assert account.status(sid) == ("delivered", None)
    (text,) = account.control.phone(PERSON)
    assert (text["text"], text["sid"]) == ("Order held", sid)


def test_a_messaging_service_accepts_first_and_chooses_a_sender(account: Account) -> None:
    first = account.send(MessagingServiceSid=account.facts["messaging_service_sid"]).json()
    assert (first["status"], first["from"], first["num_segments"]) == ("accepted", None, "0")
    account.control.advance(5)
    last = account.call("GET", f"/Messages/{first['sid']}.json").json()
    assert (last["status"], last["num_segments"]) == ("delivered", "1")
    assert last["from"] in {"+12025550101", "+12025550102"}


def test_a_sender_sends_one_segment_a_second(account: Account) -> None:
    sids = [account.sent(f"text {number}") for number in range(3)]
    account.control.advance(2)
    assert [account.status(sid)[0] for sid in sids] == ["delivered", "sent", "sending"]


def test_what_waits_too_long_expires(account: Account) -> None:
    account.sent("a" * 1530)  # ten segments
    late = account.sent(ValidityPeriod=5)
    account.control.advance(60)
    assert account.status(late) == ("failed", 30036)


def test_a_full_queue_refuses(account: Account) -> None:
    account.control.switch(queue_hours=0)
    assert account.refused() == (400, 21611)
    late = account.sent(MessagingServiceSid=account.facts["messaging_service_sid"])
    account.control.advance(1)
    assert account.status(late) == ("failed", 30001)


def test_phones_that_can_not_be_reached(account: Account) -> None:
    account.control.set_phone(PERSON, code=30003)
    sid = account.sent()
    account.control.advance(5)
    assert account.status(sid) == ("undelivered", 30003)
    account.control.set_phone(PERSON, code=21612)
    assert account.refused() == (400, 21612)
    account.control.set_phone(PERSON, code=None, line_type="landline")
    assert account.refused() == (400, 21614)
    assert account.control.phone(PERSON) == []


def test_trial_and_geo_permissions(account: Account) -> None:
    account.control.switch(trial=True)
    assert account.refused() == (400, 21608)
    account.control.set_phone(PERSON, verified=True)
    assert account.send().status_code == 201
    account.control.switch(trial=False, no_permission=["+44"])
    assert account.refused() == (400, 21408)


def test_stop_and_start(account: Account) -> None:
    number, service = account.facts["from_number"], account.facts["messaging_service_sid"]
    account.control.inbound(PERSON, number, " stop ")
    assert account.refused() == (400, 21610)
    assert account.send(MessagingServiceSid=service).status_code == 201  # another sender's opt-out
    account.control.inbound(PERSON, "+12025550101", "STOP")
    assert account.refused(MessagingServiceSid=service) == (400, 21610)
    account.control.inbound(PERSON, number, "START")
    assert account.send().status_code == 201


def test_lists_are_newest_first_in_pages_with_filters(account: Account) -> None:
    sids = [account.sent(f"text {number}") for number in range(5)]
    account.sent(To="+447700900999")
    found, uri = [], "/Messages.json?PageSize=2&To=%2B447700900123"
    while uri:
        page = account.call("GET", uri.partition(account.credentials[0])[2] or uri).json()
        found += [message["sid"] for message in page["messages"]]
        uri = page["next_page_uri"]
    assert found == sids[::-1]
    assert account.call("GET", "/Messages.json?DateSent=2026-11-20").json()["messages"] == []  # all wait still
    account.control.advance(60)
    assert len(account.call("GET", "/Messages.json?DateSent=2026-11-20").json()["messages"]) == 6
    assert account.call("GET", "/Messages.json?DateSent%3E=2026-11-21").json()["messages"] == []
    bad = account.call("GET", "/Messages.json?Page=1&PageToken=PASM0")
    assert (bad.status_code, bad.json()["code"]) == (400, 21481)


def test_schedule_cancel_redact_delete(account: Account) -> None:
    service = {"MessagingServiceSid": account.facts["messaging_service_sid"], "ScheduleType": "fixed"}
    assert account.refused(SendAt="2026-11-20T09:05:00Z", **service) == (400, 35114)
    sid = account.sent(SendAt="2026-11-20T10:00:00Z", **service)
    assert account.call("POST", f"/Messages/{sid}.json", data={"Status": "canceled"}).json()["status"] == "canceled"
    other = account.sent(SendAt="2026-11-20T10:00:00Z", **service)
    assert account.call("DELETE", f"/Messages/{other}.json").status_code == 400
    account.control.advance(3700)
    assert account.status(other) == ("delivered", None)
    assert account.call("POST", f"/Messages/{other}.json", data={"Body": ""}).json()["body"] == ""
    assert account.call("DELETE", f"/Messages/{other}.json").status_code == 204
    assert account.call("GET", f"/Messages/{other}.json").status_code == 404
    assert len(account.control.phone(PERSON)) == 1


@pytest.mark.parametrize("fault", [{"kind": "timeout", "delay_ms": 20}, {"kind": "status", "status": 500}])
def test_accepted_although_the_answer_is_lost(account: Account, fault: dict[str, object]) -> None:
    account.control.fault(**fault, method="POST", path="/Messages", when="after")  # type: ignore[arg-type]
    try:
        assert account.send("once").status_code == 500
    except requests.ConnectionError:
        assert fault["kind"] == "timeout"
    assert [one["body"] for one in account.call("GET", "/Messages.json").json()["messages"]] == ["once"]


def test_callbacks_are_signed_and_tell_each_status(account: Account, receiver: Receiver) -> None:
    url = f"{receiver.url}/status?alert_id=A-17"
    sid = account.sent(StatusCallback=url)
    account.control.advance(10)
    told = [dict(parse_qsl(body.decode())) for _path, _headers, body in receiver.received]
    assert [one["MessageStatus"] for one in told] == ["sending", "sent", "delivered"]
    assert {one["MessageSid"] for one in told} == {sid}
    for path, headers, body in receiver.received:
        expected = signature(account.facts["auth_token"], receiver.url + path, parse_qsl(body.decode()))
        assert headers["x-twilio-signature"] == expected


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({"callback_copies": 2}, ["sending", "sending", "sent", "sent", "delivered", "delivered"]),
        ({"callback_copies": 0}, []),
        ({"callback_lost_percent": 100}, []),
        ({"callback_order": "reversed"}, ["delivered", "sent", "sending"]),
    ],
)
def test_disturbed_callbacks(
    account: Account, receiver: Receiver, switches: dict[str, object], told: list[str]
) -> None:
    account.control.switch(**switches)
    account.sent(StatusCallback=receiver.url)
    account.control.advance(10)
    assert [dict(parse_qsl(body.decode()))["MessageStatus"] for _, _, body in receiver.received] == told


def test_the_fragment_overrides_the_rules_of_repeating(account: Account, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    account.control.switch(receipts=False, callback_order="as_made")
    account.sent(StatusCallback=f"{receiver.url}/status#rc=2&rp=5xx")
    account.control.advance(10)
    assert len(receiver.received) == 4  # sending three times, sent once
    tokens = [headers["i-twilio-idempotency-token"] for _path, headers, _body in receiver.received]
    assert len(set(tokens[:3])) == 1
    assert tokens[3] != tokens[0]
    assert [one["results"] for one in account.control.callbacks()] == [[500, 503, 204], [204]]


def test_magic_numbers_of_test_credentials(account: Account) -> None:
    facts = account.facts
    test = (facts["test_account_sid"], facts["test_auth_token"])
    base = f"{account.emulator.url}/2010-04-01/Accounts/{test[0]}/Messages.json"

    def send(sender: str, to: str) -> int | None:
        content = {"From": sender, "To": to, "Body": "x"}
        answer: int | None = requests.post(base, auth=test, data=content, timeout=5).json().get("code")
        return answer

    assert send("+15005550006", PERSON) is None
    assert [send(f"+1500555000{n}", PERSON) for n in (1, 7, 8)] == [21212, 21606, 21611]
    assert send(facts["from_number"], PERSON) == 21606
    assert [send("+15005550006", f"+1500555000{n}") for n in (1, 2, 3, 4, 9)] == [21211, 21612, 21408, 21610, 21614]
    assert requests.get(base, auth=test, timeout=5).json()["code"] == 20008
    assert TwilioControl(account.emulator.url).phones() == {}


def test_calls_say_their_text(account: Account, receiver: Receiver) -> None:
    response = account.call(
        "POST",
        "/Calls.json",
        data={
            "To": PERSON,
            "From": account.facts["from_number"],
            "Twiml": "<Response><Say>Order hold for Acme</Say></Response>",
            "StatusCallback": receiver.url,
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        },
    )
    assert (response.status_code, response.json()["status"]) == (201, "queued")
    account.control.advance(60)
    told = [dict(parse_qsl(body.decode())) for _path, _headers, body in receiver.received]
    assert [one["CallStatus"] for one in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [one["SequenceNumber"] for one in told] == ["0", "1", "2", "3"]
    assert account.call("GET", f"/Calls/{response.json()['sid']}.json").json()["status"] == "completed"
    (call,) = account.control.phone(PERSON)
    assert (call["kind"], call["text"]) == ("call", "Order hold for Acme")


def test_lookup(account: Account) -> None:
    url = f"{account.emulator.url}/v2/PhoneNumbers/"
    good = requests.get(f"{url}{PERSON}?Fields=line_type_intelligence", auth=account.credentials, timeout=5).json()
    assert (good["valid"], good["country_code"], good["line_type_intelligence"]["type"]) == (True, "GB", "mobile")
    bad = requests.get(f"{url}+12", auth=account.credentials, timeout=5).json()
    assert (bad["valid"], bad["validation_errors"]) == (False, ["TOO_SHORT"])
