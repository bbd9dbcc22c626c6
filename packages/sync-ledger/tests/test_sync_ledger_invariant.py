"""STATE never passes a row that is not settled, whatever comes in which order; no row is lost or counted twice."""

from __future__ import annotations

import io
import json
import typing as t
from collections import Counter
from contextlib import redirect_stdout
from tempfile import TemporaryDirectory

from fake_destination import FakeDestination
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.ledger import Ledger
from test_sync_ledger_target import FakeTarget, record, schema, state

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from sync_ledger.adapter import Usage
    from sync_ledger.rows import Settled

STREAMS = ("organizations", "persons", "_unmapped", "leads")
keys = st.integers(1, 12).map(str)
kinds = st.sampled_from(("row", "row", "row", "row", "row", "bad", "keyless", "state", "state", "schema"))
steps = st.lists(st.tuples(kinds, st.sampled_from(STREAMS), keys), min_size=1, max_size=120)


def messages(steps: list[tuple[str, str, str]]) -> tuple[list[dict[str, t.Any]], list[Counter[str]]]:
    """Return the messages, and how many rows of each stream come before each STATE."""
    found: list[dict[str, t.Any]] = [_schema(name) for name in STREAMS]
    before: list[Counter[str]] = []
    rows: Counter[str] = Counter()
    for number, (kind, stream, key) in enumerate(steps):
        if kind == "schema":
            found.append(_schema(stream, title=str(number)))
        elif kind == "state":
            found.append(state(len(before)))
            before.append(rows.copy())
        else:
            rows[stream] += 1
            found.append(_row(kind, stream, key))
    found.append(state(len(before)))
    return found, [*before, rows]


def _schema(stream: str, **more: str) -> dict[str, t.Any]:
    message = schema(stream, [] if stream == "_unmapped" else None)
    return {**message, "schema": {**message["schema"], **more}}


def _row(kind: str, stream: str, key: str) -> dict[str, t.Any]:
    if stream == "_unmapped":
        return {"type": "RECORD", "stream": stream, "record": {"stream": stream, "key": key}}
    values = {"id": None if kind == "keyless" else key}
    if stream != "leads":
        values["name"] = None if kind == "bad" else "x"
    if stream == "persons":
        values["org_id"] = key
    return record(stream, **values)


@effort(max_examples=50)
@given(
    steps=steps,
    batch=st.integers(1, 15),
    interval=st.sampled_from((0, 3)),
    answers=st.lists(st.sampled_from((None, None, None, Result.REJECTED, Result.UNSENT)), min_size=1, max_size=7),
)
def test_state_never_passes_a_row_that_is_not_settled(
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[str, str, str]],
    batch: int,
    interval: int,
    answers: list[Result | None],
) -> None:
    account = FakeTarget.account = FakeDestination()
    for adapter in account.adapters.values():
        adapter.before = lambda one: (
            WriteResult(answer, code="x") if (answer := answers[int(one.external_id) % len(answers)]) else None
        )
    settled: Counter[str] = Counter()  # rows of each stream in the ledger; within a stream they are settled in order
    passed: list[tuple[int, Counter[str]]] = []
    settle = Ledger.settle

    def counting(ledger: Ledger, run_id: int, rows: Sequence[Settled], usage: Usage) -> None:
        settle(ledger, run_id, rows, usage)
        settled.update(one.row.entity for one in rows if not one.row.open_row_id)

    class Watched(FakeTarget):
        def _write_state_message(self, value: dict[str, t.Any]) -> None:
            passed.append((value["bookmarks"]["position"], settled.copy()))
            super()._write_state_message(value)

    lines, before = messages(steps)
    with TemporaryDirectory() as folder, monkeypatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        patch.setattr(Ledger, "settle", counting)
        config = {
            "ledger_url": f"sqlite:///{folder}/ledger.db",
            "batch_size_rows": batch,
            "state_interval_seconds": interval,
            "on_unknown_stream": "skip",
        }
        target = Watched(config=config, validate_config=True)
        # Twenty refusals in a row count as an outage, which ends a run: then less is settled and less passed.
        code = target.run(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)))
    for position, rows in passed:
        assert not before[position] - rows, "a STATE ran ahead of the rows before it"
    positions = [json.loads(line)["bookmarks"]["position"] for line in out.getvalue().splitlines()]
    assert positions == sorted(set(positions)), "an older STATE followed a newer one"
    if code == 0:
        assert positions[-1] == len(before) - 1
        assert settled == before[-1]
