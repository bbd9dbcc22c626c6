from __future__ import annotations

import logging
import typing as t

import pytest
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.errors import BudgetExhaustedError, ConfigError, CredentialsError, ServiceUnavailableError
from target_pipedrive.client import TokenAuth

if t.TYPE_CHECKING:
    from conftest import Account

ORGANIZATIONS = "/api/v2/organizations"
CREATE = Operation(Action.CREATE, "1001", {"name": "Acme"})

LOST_BEFORE = [
    {"kind": "status", "status": 500, "when": "before"},
    {"kind": "status", "status": 503, "body": "<html>", "when": "before"},
    {"kind": "reset", "when": "before"},
    {"kind": "timeout", "when": "before"},
]
LOST_AFTER = [
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "reset", "when": "after"},
    {"kind": "timeout", "when": "after"},
    {"kind": "truncate"},
    {"kind": "status", "status": 200, "body": "not json", "when": "after"},
    {"kind": "status", "status": 200, "body": {"success": True}, "when": "after"},
]


def name_of(fault: dict[str, t.Any]) -> str:
    return "-".join(str(value)[:12] for value in fault.values())


@pytest.fixture
def impatient(account: Account) -> Account:
    """The account, its time-outs cut to one second and its metadata read."""
    account.destination = account.connect(timeout_seconds=1)
    account.organizations = account.destination.entity("organizations")
    account.organizations.describe()
    return account


@pytest.mark.parametrize("fault", LOST_BEFORE, ids=name_of)
def test_a_write_whose_answer_is_lost_is_not_sent_twice(impatient: Account, fault: dict[str, t.Any]) -> None:
    impatient.control.fault(**fault, method="POST", path=ORGANIZATIONS)
    (result,) = impatient.organizations.write([CREATE])
    assert result.result is Result.UNKNOWN
    assert result.code
    assert impatient.control.counters()["by_endpoint"][f"POST {ORGANIZATIONS}"] == 1
    assert impatient.organizations.find(["1001"]) == {}


@pytest.mark.parametrize("fault", LOST_AFTER, ids=name_of)
def test_a_create_that_happened_unseen_is_found(impatient: Account, fault: dict[str, t.Any]) -> None:
    impatient.control.fault(**fault, method="POST", path=ORGANIZATIONS)
    (result,) = impatient.organizations.write([CREATE])
    assert result.result is Result.UNKNOWN
    (record,) = impatient.truth("organizations")
    before = len(impatient.waits)
    assert impatient.organizations.find(["1001", "1002"]) == {"1001": [str(record["id"])]}
    assert impatient.waits[before] >= 3, "whether lists show a write at once is not documented"


def test_a_create_is_found_however_many_others_came_after_it(account: Account) -> None:
    account.control.fault(kind="reset", when="after", method="POST", path=ORGANIZATIONS)
    account.organizations.write([CREATE])
    for number in range(600):
        account.control.add_record("organizations", {"name": str(number)})
    assert list(account.organizations.find(["1001"])) == ["1001"]


def test_looking_for_a_create_does_not_read_the_whole_account(account: Account) -> None:
    account.control.set_clock(offset_seconds=-7200)
    for number in range(1100):
        account.control.add_record("organizations", {"name": str(number)})
    account.control.set_clock(offset_seconds=0)
    account.control.fault(kind="reset", when="after", method="POST", path=ORGANIZATIONS)
    account.organizations.write([CREATE])
    account.control.reset_counters()
    assert list(account.organizations.find(["1001"])) == ["1001"]
    assert account.control.counters()["requests"] == 1


def test_both_records_of_a_duplicate_are_reported(account: Account) -> None:
    account.organizations.describe()
    for _ in range(2):
        account.control.add_record("organizations", {"name": "x", "custom_fields": {"JDE Number": "1001"}})
    assert len(account.organizations.find(["1001"])["1001"]) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502, "body": "<html>bad gateway</html>"},
        {"kind": "reset"},
        {"kind": "timeout"},
        {"kind": "truncate"},
        {"kind": "status", "status": 200, "body": "<html>"},
    ],
    ids=name_of,
)
def test_reads_are_repeated(impatient: Account, fault: dict[str, t.Any]) -> None:
    impatient.control.add_record("organizations", {"name": "x", "custom_fields": {"JDE Number": "1001"}})
    impatient.control.fault(**fault, method="GET", path=ORGANIZATIONS, times=1 if fault["kind"] == "timeout" else 3)
    entries = list(impatient.organizations.sweep(None).entries)
    assert [entry.external_id for entry in entries] == ["1001"]


def test_reads_give_up_in_the_end(impatient: Account) -> None:
    impatient.control.fault(kind="status", status=500, method="GET", path=ORGANIZATIONS, times=None)
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        impatient.organizations.sweep(None)
    assert impatient.control.counters()["by_status"]["500"] == 5
    assert impatient.waits


def test_a_burst_of_429_is_waited_out(impatient: Account) -> None:
    for calls in (1, 4):
        impatient.control.switch(rate_limit="burst", rate_limit_calls=calls)
        (result,) = impatient.organizations.write([CREATE])
        assert result.result is Result.WRITTEN, result


def test_the_wait_a_429_asks_for_is_kept(impatient: Account) -> None:
    impatient.control.fault(kind="status", status=429, headers={"retry-after": "1"}, method="POST")
    (result,) = impatient.organizations.write([CREATE])
    assert result.result is Result.WRITTEN
    assert sum(impatient.waits) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1", "x-daily-ratelimit-token-remaining": "0"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1", "x-daily-requests-left": "0"},
        {"x-ratelimit-remaining": "0", "retry-after": "3600"},
        {"x-ratelimit-remaining": "7"},
        {"x-ratelimit-remaining": "soon"},
    ],
)
def test_a_429_that_two_seconds_do_not_cure_ends_the_writing(impatient: Account, headers: dict[str, str]) -> None:
    impatient.control.fault(kind="status", status=429, headers=headers, method="POST")
    with pytest.raises(BudgetExhaustedError):
        impatient.organizations.write([CREATE])


def test_a_burst_that_does_not_end_leaves_the_row_unsent(impatient: Account) -> None:
    impatient.control.switch(rate_limit="burst", cloudflare_after=None)
    (result,) = impatient.organizations.write([CREATE])
    assert (result.result, result.code) == (Result.UNSENT, "429")
    assert impatient.control.counters()["by_status"]["429"] == 5
    with pytest.raises(BudgetExhaustedError):
        impatient.organizations.sweep(None)


@pytest.mark.parametrize(("mode", "headers"), [("daily", False), ("daily", True), ("ambiguous", False)])
def test_a_used_up_day_stops_at_once_and_for_good(impatient: Account, mode: str, headers: bool) -> None:
    impatient.control.switch(rate_limit=mode, daily_headers=headers)
    impatient.control.reset_counters()
    for _ in range(3):
        with pytest.raises(BudgetExhaustedError):
            impatient.organizations.write([CREATE])
    assert impatient.control.counters()["requests"] == 1, "a used-up budget must not be hammered"


def test_a_block_at_the_edge_stops_at_once_and_for_good(impatient: Account) -> None:
    impatient.control.switch(rate_limit="burst", rate_limit_calls=1, cloudflare_after=0)
    impatient.control.reset_counters()
    for _ in range(3):
        with pytest.raises(ServiceUnavailableError, match="Cloudflare"):
            impatient.organizations.write([CREATE])
    assert impatient.control.counters()["requests"] == 1


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (400, {"success": False, "error": "Bad", "code": "ERR"}, Result.REJECTED),
        (403, {"success": False, "error": "cap", "code": "feature_capping_deals_limit"}, Result.REJECTED),
        (409, {"success": False, "error": "conflict"}, Result.REJECTED),
        (410, {"success": False, "error": "The field is not found"}, Result.REJECTED),
        (422, {"success": False, "error": "limit"}, Result.REJECTED),
    ],
)
def test_a_refusal_of_one_row_is_its_result(
    impatient: Account, status: int, body: dict[str, t.Any], result: Result
) -> None:
    impatient.control.fault(kind="status", status=status, body=body, method="POST")
    (found,) = impatient.organizations.write([CREATE])
    assert found.result is result
    assert found.text == body["error"]
    assert found.code == body.get("code", str(status))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"success": False, "error": "unauthorized access"}, CredentialsError),
        (402, {"success": False, "error": "unpaid"}, ServiceUnavailableError),
        (403, {"success": False, "error": "Scope and URL mismatch"}, CredentialsError),
        (403, "<html>This error is produced by Cloudflare</html>", ServiceUnavailableError),
        (301, {"success": False}, ConfigError),
    ],
)
def test_a_refusal_of_everything_ends_the_run(
    impatient: Account, status: int, body: t.Any, error: type[Exception]
) -> None:
    impatient.control.fault(
        kind="status", status=status, body=body, method="POST", headers={"location": "http://127.0.0.1:9/"}
    )
    with pytest.raises(error):
        impatient.organizations.write([CREATE])


def test_a_host_that_cannot_be_reached_is_named(account: Account) -> None:
    destination = account.connect(url="http://127.0.0.1:9")
    with pytest.raises(ServiceUnavailableError, match=r"cannot be reached at http://127\.0\.0\.1:9"):
        _ = destination.name
    with pytest.raises(ServiceUnavailableError):
        account.connect(url="http://no-such-host.invalid").entity("persons").describe()
    assert destination.usage().calls == 0, "what was never sent costs nothing"


def test_an_address_that_is_no_pipedrive_is_a_setting_to_correct(account: Account) -> None:
    with pytest.raises(ConfigError, match="api_url"):
        _ = account.connect(url=f"{account.emulator.url}/elsewhere").name


def test_the_token_shows_nowhere(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "0123456789abcdef0123456789abcdef01234567"
    destination = account.connect(token=secret)
    with pytest.raises(CredentialsError, match="api_token") as caught:
        _ = destination.name
    shown = [repr(caught.value), repr(destination), repr(vars(destination)), repr(TokenAuth(secret)), caplog.text]
    assert not any(secret in text for text in shown)
    assert caplog.text


@pytest.mark.parametrize("token", ["", "  ", "geheim\nx: y", "gehéim", "ge heim"])
def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ConfigError, match="api_token") as caught:
        TokenAuth(token)
    assert "heim" not in str(caught.value)
