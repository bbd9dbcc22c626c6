"""`$batch` and the bulk messages of the emulated Dataverse (fact sheet sections 6, 10 and 11)."""

from __future__ import annotations

import contextlib
import email
import json
import time
import uuid
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.dynamics.batches import multipart
from service_emulators.dynamics.errors import ApiError

TYPE = "Microsoft.Dynamics.CRM.account"
CRLF = "\r\n"


def part(method, url, body=None, *headers, content_id=None):
    """Returns a part of a batch."""
    own = [f"Content-ID: {content_id}"] if content_id else []
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", *own, ""]
    lines.append(f"{method} {url} HTTP/1.1")
    lines += headers
    content = "" if body is None else json.dumps(body)
    if content:
        lines.append("Content-Type: application/json; type=entry")
    return CRLF.join([*lines, "", content])


def joined(parts, boundary="batch_1"):
    return CRLF.join([f"--{boundary}{CRLF}{one}" for one in parts] + [f"--{boundary}--", ""])


def change_set(*parts):
    return f'Content-Type: multipart/mixed; boundary="set_1"{CRLF}{CRLF}{joined(parts, "set_1")}'


def send(crm, parts, prefer="odata.continue-on-error", content=None):
    headers = {"Content-Type": 'multipart/mixed; boundary="batch_1"', "Prefer": prefer}
    return crm.session.post(f"{crm.root}$batch", content or joined(parts), headers=headers, timeout=20)


def read(response):
    """Returns status and body of each answer; a list for a change set."""
    head = f"Content-Type: {response.headers['Content-Type']}{CRLF}{CRLF}".encode()
    return [_one(one) for one in email.message_from_bytes(head + response.content).get_payload()]


def _one(message):
    if message.is_multipart():
        return [_one(one) for one in message.get_payload()]
    text = message.get_payload(decode=True).decode()
    line, _, rest = text.partition(CRLF)
    head, _, body = rest.partition(CRLF * 2)
    return int(line.split()[1]), json.loads(body) if body.strip() else dict(
        one.split(": ", 1) for one in head.split(CRLF) if ": " in one
    )


def test_answers_come_in_order_and_the_rest_goes_on(crm):
    number = crm.number()
    url = f"/api/data/v9.2/accounts(jde_number='{number}')"
    response = send(
        crm,
        [
            part("PATCH", url, {"name": "Made"}),
            part("PATCH", f"accounts(jde_number='{number}')", {"name": "x" * 161}),
            part("GET", f"{crm.root}accounts(jde_number='{number}')?$select=name"),
            part("PATCH", url, {"name": "Gone"}, 'If-Match: W/"1"'),
        ],
    )
    assert response.status_code == 200
    (first, headers), (second, error), (third, row), (fourth, other) = read(response)
    assert (first, second, third, fourth) == (204, 400, 200, 412)
    assert headers["OData-EntityId"].endswith(f"accounts(jde_number='{number}')")
    assert error["error"]["code"] == "0x80044331"
    assert row["name"] == "Made"
    assert other["error"]["code"] == "0x80060882"


def test_without_continue_it_stops_at_the_first_failure_and_keeps_what_was_done(crm):
    names = [f"{crm.number()} stop" for _ in range(3)]
    bodies = [{"name": names[0]}, {"nome": "x"}, {"name": names[2]}]
    response = send(crm, [part("POST", "accounts", body) for body in bodies], prefer="")
    assert response.status_code == 400
    assert [status for status, _ in read(response)] == [204, 400]
    kept = {row["name"] for row in crm.emulator.records("accounts")}
    assert names[0] in kept
    assert names[2] not in kept


def test_a_change_set_holds_or_falls_together(crm):
    name = f"{crm.number()} together"
    good = change_set(
        part("POST", "accounts", {"name": name}, content_id="1"),
        part("POST", "contacts", {"lastname": name, "parentcustomerid_account@odata.bind": "$1"}, content_id="2"),
        part("PUT", "$1/telephone1", {"value": "123"}, content_id="3"),
    )
    bad = change_set(
        part("POST", "accounts", {"name": f"{name} not"}, content_id="1"),
        part("POST", "accounts", {"nome": name}, content_id="2"),
    )
    done, refused, _ = read(send(crm, [good, bad, part("GET", "accounts?$top=1")]))
    assert [status for status, _ in done] == [204, 204, 204]
    assert refused[0] == 400
    accounts = {row["name"]: row for row in crm.emulator.records("accounts")}
    assert accounts[name]["telephone1"] == "123"
    assert f"{name} not" not in accounts
    contact = next(row for row in crm.emulator.records("contacts") if row["lastname"] == name)
    assert contact["_parentcustomerid_value"] == accounts[name]["accountid"]


@pytest.mark.parametrize(
    "parts",
    [
        [change_set(part("POST", "accounts", {"name": "x"}))],  # no Content-ID
        [change_set(part("GET", "accounts", content_id="1"))],
        [part("GET", "accounts").replace("application/http", "text/plain")],
        [part("GET", "accounts").replace("HTTP/1.1", "")],
        [part("GET", "accounts?$top=1")] * 1001,
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(crm, parts):
    response = send(crm, parts)
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json()["error"]["code"] == "0x80060888"


def test_line_ends_must_be_crlf(crm):
    content = joined([part("GET", "accounts?$top=1")]).replace(CRLF, "\n")
    assert send(crm, [], content=content).status_code == 400


def test_batches_do_not_nest_and_references_must_be_there(crm):
    body = {"lastname": "x", "parentcustomerid_account@odata.bind": "$7"}
    (first, _), (second, error) = read(
        send(crm, [part("POST", "$batch"), change_set(part("POST", "contacts", body, content_id="1"))])
    )
    assert first == 400
    assert second == 400
    assert error["error"]["message"] == "Content-ID Reference: '$7' does not exist in the batch context."


def test_long_addresses_go_in_a_batch(crm):
    listed = ",".join(f"'{number:08}'" for number in range(4000))
    url = f"accounts?$filter=Microsoft.Dynamics.CRM.In(PropertyName='accountnumber',PropertyValues=[{listed}])"
    status, body = read(send(crm, [part("GET", url)]))[0]
    assert (status, body["value"]) == (200, [])


# -- bulk messages -----------------------------------------------------------------------------------------------


def bulk(crm, message, targets, **headers):
    return crm.call("POST", f"accounts/Microsoft.Dynamics.CRM.{message}", {"Targets": targets}, **headers)


def keyed(number, **values):
    return {"@odata.type": TYPE, "@odata.id": f"accounts(jde_number='{number}')", **values}


def state(crm, numbers):
    rows = {row["jde_number"]: row for row in crm.emulator.records("accounts")}
    return [rows.get(number, {}).get("name") for number in numbers]


def test_create_multiple_tells_the_ids_in_order(crm):
    numbers = [crm.number() for _ in range(3)]
    targets = [{"@odata.type": TYPE, "name": f"C{number}", "jde_number": number} for number in numbers]
    answer = bulk(crm, "CreateMultiple", targets)
    assert answer.status_code == 200
    rows = [crm.row("accounts", row_id) for row_id in answer.json()["Ids"]]
    assert [row["jde_number"] for row in rows] == numbers


@pytest.mark.parametrize("wrong", [{"name": "x" * 161}, {"nome": "x"}, {"creditlimit": -5}])
def test_one_bad_row_undoes_all_and_is_not_named(crm, wrong):
    numbers = [crm.number() for _ in range(3)]
    targets = [{"@odata.type": TYPE, "name": f"B{number}", "jde_number": number} for number in numbers]
    targets[1] |= wrong
    answer = bulk(crm, "CreateMultiple", targets)
    assert answer.status_code == 400
    assert state(crm, numbers) == [None] * 3
    assert crm.control.counters()["writes"] == 0
    assert numbers[1] not in answer.text


def test_a_key_that_is_taken_undoes_all(crm):
    numbers = [crm.number() for _ in range(2)]
    crm.add("accounts", name="There", jde_number=numbers[1])
    targets = [{"@odata.type": TYPE, "name": "New", "jde_number": number} for number in numbers]
    answer = bulk(crm, "CreateMultiple", targets)
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "0x80060892")
    assert state(crm, numbers) == [None, "There"]


def test_update_multiple_by_id_and_key_applies_the_first_of_several(crm):
    numbers = [crm.number() for _ in range(2)]
    ids = [crm.add("accounts", name="Old", jde_number=number) for number in numbers]
    targets = [
        {"@odata.type": TYPE, "accountid": ids[0], "name": "First"},
        keyed(numbers[1], name="Second"),
        {"@odata.type": TYPE, "accountid": ids[0], "name": "Third"},
    ]
    assert bulk(crm, "UpdateMultiple", targets).status_code == 204
    assert state(crm, numbers) == ["First", "Second"]
    missing = {"@odata.type": TYPE, "accountid": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "name": "x"}
    answer = bulk(crm, "UpdateMultiple", [{**targets[0], "name": "Undone"}, missing])
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "0x80040217")
    assert state(crm, numbers) == ["First", "Second"]


def test_upsert_multiple_says_nothing_and_refuses_a_key_twice(crm):
    numbers = [crm.number() for _ in range(3)]
    crm.add("accounts", name="Old", jde_number=numbers[0])
    answer = bulk(crm, "UpsertMultiple", [keyed(number, name=f"U{number}") for number in numbers])
    assert (answer.status_code, answer.content) == (204, b"")
    assert state(crm, numbers) == [f"U{number}" for number in numbers]
    by_id = {"@odata.type": TYPE, "name": "b", "accountid": crm.add("accounts", name="Own", jde_number=crm.number())}
    own = crm.row("accounts", by_id["accountid"])["jde_number"]
    for pair in ([keyed(numbers[0]), keyed(numbers[0], name="b")], [keyed(own, name="a"), by_id]):
        twice = bulk(crm, "UpsertMultiple", [keyed(numbers[0], name="a"), *pair])
        assert (twice.status_code, twice.json()["error"]["code"]) == (400, "0x80040216")
    assert state(crm, numbers)[0] == f"U{numbers[0]}"


def test_key_columns_in_address_and_body(crm):
    there, new = crm.number(), crm.number()
    crm.add("accounts", name="Old", jde_number=there)
    assert bulk(crm, "UpsertMultiple", [keyed(there, jde_number=there, name="Updated")]).status_code == 204
    answer = bulk(crm, "UpsertMultiple", [keyed(new, jde_number=new, name="Made")])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80040216")


@pytest.mark.parametrize(
    "targets",
    [[], "x", [{"name": "no type"}], [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "name": "x"}], [5]],
)
def test_targets_that_are_none_are_refused(crm, targets):
    answer = bulk(crm, "CreateMultiple", targets)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80048d19")


def test_a_table_without_bulk_messages_says_so(crm):
    crm.control.switch(multiple_messages=["contact"])
    target = {"@odata.type": TYPE, "name": "x"}
    assert bulk(crm, "CreateMultiple", [target]).status_code == 404
    assert bulk(crm, "UpsertMultiple", [keyed("1", name="x")]).status_code == 404


def test_each_row_of_a_bulk_message_takes_its_time(crm):
    crm.control.switch(record_ms=1000)
    before = crm.control.limits()["now"]
    bulk(crm, "CreateMultiple", [{"@odata.type": TYPE, "name": "x"}] * 5)
    after = crm.control.limits()["now"]
    assert after["requests"] - before["requests"] == 1
    assert after["execution_ms"] - before["execution_ms"] >= 5000


def test_each_row_and_each_operation_counts_for_the_entitlement(crm):
    parts = [part("POST", "accounts", {"name": "x"}), part("POST", "accounts", {"nome": "x"}), part("GET", "accounts")]
    send(crm, parts)
    assert crm.control.counters()["cost"] == 3
    bulk(crm, "CreateMultiple", [{"@odata.type": TYPE, "name": "x"}] * 5)
    assert crm.control.counters()["cost"] == 8
    assert crm.control.counters()["requests"] == 2


def test_custom_logic_refuses_a_row_no_client_can_tell(crm):
    crm.control.switch(logic_refuses="forbidden")
    targets = [{"@odata.type": TYPE, "name": name} for name in ("fine", "a forbidden name")]
    answer = bulk(crm, "CreateMultiple", targets)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80040265")
    parts = [part("POST", "accounts", {"name": target["name"]}) for target in targets]
    assert [status for status, _ in read(send(crm, parts))] == [204, 400]


@pytest.mark.parametrize("status", [500, 412])
def test_duplicate_detection_has_to_be_asked_for(crm, status):
    crm.control.switch(duplicate_status=status)
    crm.control.detect_duplicates("accounts", "emailaddress1")
    mail = f"{crm.number()}@example.com"
    crm.add("accounts", name="First", emailaddress1=mail)
    crm.add("accounts", name="Second", emailaddress1=mail)
    asked = {"MSCRM.SuppressDuplicateDetection": "false"}
    found, code, _ = crm.refused("POST", "accounts", {"name": "Third", "emailaddress1": mail}, **asked)
    assert (found, code) == (status, "0x80040333")
    crm.control.forget_duplicate_rules()
    assert crm.call("POST", "accounts", {"name": "Third", "emailaddress1": mail}, **asked).status_code == 204


def test_a_batch_that_fails_in_part_on_request(crm):
    crm.control.fault(kind="partial", path="batch", every=2)
    parts = [part("POST", "accounts", {"name": f"P{number}"}) for number in range(4)]
    assert [status for status, _ in read(send(crm, parts))] == [400, 204, 400, 204]


@given(st.lists(st.tuples(st.sampled_from(["GET", "PATCH"]), st.text("aé,'()=1", min_size=1), st.binary()), max_size=4))
def test_a_batch_is_read_as_it_was_written(requests):
    edge = f"--{uuid.uuid4()}".encode()  # no body has it
    head = b"Content-Type: application/http\r\n\r\n%s %s HTTP/1.1\r\nX-Own: 1\r\n\r\n%s\r\n"
    pieces = [edge + b"\r\n" + head % (method.encode(), quote(url).encode(), body) for method, url, body in requests]
    content = b"".join([*pieces, edge, b"--\r\n"])
    found = [multipart.request(one) for one in multipart.parts(content, edge[2:].decode())]
    assert [(one.method, unquote(one.url), one.body, one.headers) for one in found] == [
        (*one, {"x-own": "1"}) for one in requests
    ]


@given(st.lists(st.sampled_from([b"--b", b"--", b"\r\n", b"\n", b"Content-Type: application/http", b":", b"GET a"])))
def test_any_body_is_a_batch_or_refused(pieces):
    with contextlib.suppress(ApiError):  # nothing but this may come
        for one in multipart.parts(b"".join(pieces), "b"):
            multipart.request(one)


@pytest.mark.slow
def test_ten_thousand_rows_take_seconds(crm):
    begun = time.process_time()
    for start in range(0, 10_000, 500):
        targets = [
            {"@odata.type": TYPE, "name": f"Many {number}", "jde_number": f"M{number}"}
            for number in range(start, start + 500)
        ]
        assert bulk(crm, "CreateMultiple", targets).status_code == 200
    listed = ",".join(f"'M{number}'" for number in range(0, 10_000, 10))
    url = (
        f"accounts?$select=name&$filter=Microsoft.Dynamics.CRM.In(PropertyName='jde_number',PropertyValues=[{listed}])"
    )
    assert len(crm.ok("GET", url)["value"]) == 1000
    assert time.process_time() - begun < 60
