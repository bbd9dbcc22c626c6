"""`$batch`: several requests in one, some of them in change sets that hold or fall together (fact sheet section 11)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from service_emulators.dynamics.batches import multipart
from service_emulators.dynamics.calls import JSON_TYPE, Answer, Reply
from service_emulators.dynamics.errors import bad_query, custom_logic
from service_emulators.dynamics.urls import relative

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.batches.multipart import Inner, Part
    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts

MOST = 1000
_REFUSED_FROM = 400


class _Undone(Exception):  # noqa: N818 - it undoes a change set and is caught at once
    """A request of a change set was refused."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass
class _Run:
    """A batch under way.

    Attributes:
        call: the request.
        number: requests carried out so far, for the fault that fails some of them.
        pieces: parts of the answer so far.
        failed: the first refusal, if the batch stops at it.
    """

    call: Call
    number: int = 0
    pieces: list[bytes] = field(default_factory=list)
    failed: Answer | None = None


class BatchApi:
    """The endpoint `$batch`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        return {"POST /$batch": self._batch}

    def _batch(self, call: Call) -> Reply:
        if call.origin.depth:
            raise bad_query("A batch cannot hold another batch.")
        items = [self._read(part) for part in _parts(call.headers, call.body)]
        if sum(len(item) if isinstance(item, list) else 1 for item in items) > MOST:
            raise bad_query(f"The batch has more than {MOST} operations.")
        run = _Run(call)
        go_on = "odata.continue-on-error" in call.preferences
        for item in items:
            answer = self._change_set(run, item) if isinstance(item, list) else self._single(run, item)
            if answer.status >= _REFUSED_FROM and not go_on:
                run.failed = answer
                break
        boundary = multipart.new_boundary("batchresponse")
        return Reply(
            multipart.joined(run.pieces, boundary),
            200 if run.failed is None else run.failed.status,
            content_type=f"multipart/mixed; boundary={boundary}",
        )

    @staticmethod
    def _read(part: Part) -> Inner | list[tuple[str, Inner]]:
        """Returns the request of a part, or those of a change set with their Content-IDs."""
        kind = part.headers.get("content-type", "")
        if not kind.lower().startswith("multipart/mixed"):
            return multipart.request(part)
        found: list[tuple[str, Inner]] = []
        for inner in _parts(part.headers, part.content):
            request = multipart.request(inner)
            content_id = inner.headers.get("content-id") or request.headers.get("content-id")
            if not content_id:
                raise bad_query("The operations of a change set must have a Content-ID.")
            if request.method == "GET":
                raise bad_query("A change set cannot hold a GET.")
            found.append((content_id, request))
        return found

    def _single(self, run: _Run, inner: Inner) -> Answer:
        answer = self._carry_out(run, inner, {})
        run.pieces.append(multipart.answer_part(answer))
        return answer

    def _change_set(self, run: _Run, inners: list[tuple[str, Inner]]) -> Answer:
        references: dict[str, str] = {}
        answers: list[tuple[str, Answer]] = []
        writes = run.call.origin.tally.writes
        try:
            with self._parts.store.savepoint():
                for content_id, inner in inners:
                    answer = _passed(self._carry_out(run, inner, references))
                    answers.append((content_id, answer))
                    address = dict(answer.headers).get("OData-EntityId")
                    if address is not None:
                        references[f"${content_id}"] = relative(address)
        except _Undone as undone:
            self._parts.catalog.undo()
            run.call.origin.tally.writes = writes
            run.pieces.append(multipart.answer_part(undone.answer))
            return undone.answer
        boundary = multipart.new_boundary("changesetresponse")
        content = multipart.joined((multipart.answer_part(one, name) for name, one in answers), boundary)
        run.pieces.append(multipart.nested_part(content, boundary))
        return Answer(200, (), b"")

    def _carry_out(self, run: _Run, inner: Inner, references: dict[str, str]) -> Answer:
        fault, run.number = run.call.origin.partial, run.number + 1
        if fault is not None and inner.method != "GET" and (run.number - 1) % fault.every == 0:
            error = custom_logic("A fault of the emulator.")
            return Answer(error.status, (("Content-Type", JSON_TYPE),), msgspec.json.encode(error.body()))
        url = inner.url
        for reference, path in references.items():
            if url == reference or url.startswith(f"{reference}/"):
                url = path + url[len(reference) :]
        origin = replace(run.call.origin, depth=1, references=references)
        headers = {**inner.headers}
        if "consistency" in run.call.headers:
            headers.setdefault("consistency", run.call.headers["consistency"])
        return run.call.api.run(inner.method, relative(url), headers, inner.body, origin)


def _parts(headers: dict[str, str], content: bytes) -> list[Part]:
    return multipart.parts(content, multipart.boundary_of(headers.get("content-type", "")))


def _passed(answer: Answer) -> Answer:
    """Returns an answer that is no refusal."""
    if answer.status >= _REFUSED_FROM:
        raise _Undone(answer)
    return answer
