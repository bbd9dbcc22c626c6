"""Limits of the Twilio emulator, filters of its lists, and how its calls end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

import pytest

if TYPE_CHECKING:
    import requests
    from message_strangers import Receiver

    from conftest import Account

PERSON = "+447700900123"
SAY = "<Response><Say>Order hold</Say></Response>"


def called(account: Account, **form: Any) -> requests.Response:
    content = {"To": PERSON, "From": account.facts["from_number"], "Twiml": SAY, **form}
    return account.call("POST", "/Calls.json", data={name: value for name, value in content.items() if value})


def test_requests_at_the_same_time_are_limited(account: Account) -> None:
    account.control.switch(concurrency=1, latency_ms=300)
    with ThreadPoolExecutor(2) as pool:
        answers = [one.result() for one in [pool.submit(account.send) for _ in range(2)]]
    account.control.switch(concurrency=100, latency_ms=0)
    assert sorted(one.status_code for one in answers) == [201, 429]
    assert [one.json()["code"] for one in answers if one.status_code == 429] == [20429]
    assert len(account.call("GET", "/Messages.json").json()["messages"]) == 1, "what got 429 was not taken"


def test_messages_of_a_day_are_limited(account: Account) -> None:
    account.control.switch(daily_limit=1)
    account.sent()
    assert account.refused() == (429, 63038)
    account.control.advance(86_401)
    assert account.send().status_code == 201


def test_a_suspended_account_refuses_and_fails_what_waits(account: Account) -> None:
    account.sent("a" * 1530)
    waiting = account.sent()
    account.control.switch(suspended=True)
    assert account.refused() == (403, 20403)
    account.control.advance(60)
    account.control.switch(suspended=False)
    assert account.status(waiting) == ("failed", 30002)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("DateSent=2026-11-20", 1),
        ("DateSent=2026-11-19", 0),
        ("DateSent>=2026-11-20", 1),
        ("DateSent>=2026-11-21", 0),
        ("DateSent<=2026-11-20", 1),
        ("DateSent<=2026-11-19", 0),
        ("DateSent>=2026-11-20T08:00:00Z", 1),
        ("DateSent<=2026-11-20T08:00:00Z", 0),
        ("From=%2B12025550100", 1),
        ("From=%2B12025550101", 0),
    ],
)
def test_filters_of_lists(account: Account, condition: str, found: int) -> None:
    account.sent()
    account.control.advance(60)
    name, _, value = condition.rpartition("=")
    listed = account.call("GET", f"/Messages.json?{quote(name)}={value}").json()["messages"]
    assert len(listed) == found


@pytest.mark.parametrize(
    ("code", "end"), [(None, "completed"), (30003, "no-answer"), (30004, "busy"), (30005, "failed")]
)
def test_the_end_of_a_call_is_told_without_being_asked_for(
    account: Account, receiver: Receiver, code: int | None, end: str
) -> None:
    account.control.set_phone(PERSON, code=code)
    called(account, StatusCallback=receiver.url)
    account.control.advance(120)
    assert [dict(parse_qsl(body.decode()))["CallStatus"] for _, _, body in receiver.received] == [end]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": None}, 21201),
        ({"From": None}, 21213),
        ({"From": "+12025559999"}, 21210),
        ({"To": "07700 900123"}, 21217),
        ({"Twiml": None}, 21205),
        ({"Twiml": "<Response><Say>Mills & Co</Say></Response>"}, 12100),
        ({"Twiml": "<Say>x</Say>"}, 12100),
        ({"Twiml": SAY.replace("Order", "Order" * 800)}, 20001),
    ],
)
def test_refused_calls(account: Account, form: dict[str, str | None], code: int) -> None:
    answer = called(account, **form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
