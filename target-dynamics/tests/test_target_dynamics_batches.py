"""Multipart bodies: what is written is read by another reader, and odd answers are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_calls import LostAnswerError
from service_emulators.dynamics.batches import multipart
from service_emulators.dynamics.calls import Answer
from target_dynamics import batches
from target_dynamics.batches import BatchRequest

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(st.lists(st.tuples(st.sampled_from(["POST", "PATCH"]), st.dictionaries(TEXTS, TEXTS, max_size=3)), max_size=5))
def test_what_is_written_is_what_is_read(items):
    requests = [BatchRequest(method, "/accounts(1)", body, {"If-Match": "*"}) for method, body in items]
    body, content_type = batches.written(requests, "/api/data/v9.2")
    found = [multipart.request(part) for part in multipart.parts(body, multipart.boundary_of(content_type))]
    assert [(one.method, one.url) for one in found] == [(method, "/api/data/v9.2/accounts(1)") for method, _ in items]
    assert [batches.read_json(one.body) for one in found] == [content for _, content in items]
    assert all(one.headers["if-match"] == "*" for one in found)


@given(st.lists(st.tuples(st.sampled_from([200, 204, 400, 412, 429]), TEXTS), min_size=1, max_size=5))
def test_answers_are_read_in_order(items):
    answers = []
    for status, text in items:
        content = b"" if status == 204 else batches._encoder.encode({"error": {"code": "0x8006", "message": text}})
        answers.append(Answer(status, (("Content-Type", "application/json"), ("OData-EntityId", "x")), content))
    body = multipart.joined((multipart.answer_part(one) for one in answers), "batchresponse_1")
    found = batches.read(body, "multipart/mixed; boundary=batchresponse_1", len(items))
    assert [one.status for one in found] == [status for status, _ in items]
    assert [one.error is not None for one in found] == [status >= 400 for status, _ in items]
    assert all(one.headers["odata-entityid"] == "x" for one in found)


@pytest.mark.parametrize(
    ("content", "kind", "wanted"),
    [
        (b"--b\r\n\r\n\r\n--b--\r\n", "multipart/mixed; boundary=b", 1),
        (b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b--\r\n",
         "multipart/mixed; boundary=b", 2),
        (b"nothing", "multipart/mixed; boundary=b", 1),
        (b"nothing", "multipart/mixed", 1),
        (b"", "text/html", 1),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_unknown(content, kind, wanted):
    with pytest.raises(LostAnswerError):
        batches.read(content, kind, wanted)
