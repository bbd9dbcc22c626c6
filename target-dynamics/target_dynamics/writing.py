"""Writes of one table: creates, updates, states and deletions, with a result for each row.

Chunks go as `CreateMultiple` and `UpdateMultiple`, which are all or nothing and name no row that is at fault (Dataverse
sheet section 10). When one is refused, the same rows go as single requests in a `$batch`, outside change sets, with an
answer for each (section 11). Creates never go as an upsert: a row that appeared since it was looked for must not be
overwritten, and the alternate key refuses a second row of one external ID in the same step in which it would make it.
"""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import replace
from http import HTTPStatus

from service_calls import LostAnswerError, NotSentError
from sync_ledger.adapter import Action, Result, WriteResult
from sync_ledger.engine.diff import same
from sync_ledger.errors import BudgetExhaustedError, CredentialsError

from target_dynamics import reading, results, values
from target_dynamics.answers import RefusedError
from target_dynamics.batches import BatchRequest
from target_dynamics.chunks import ChunkSize
from target_dynamics.items import Item, halve, settle, settling

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sync_ledger.adapter import Operation

    from target_dynamics.client import DynamicsClient
    from target_dynamics.fields import TableFields
    from target_dynamics.values import Path

SINGLES: t.Final = 100
"""Single requests in one batch; the service takes 1,000, but all of them together have two minutes."""

LEAST_TOGETHER: t.Final = 2
"""Rows of the smallest bulk message."""

ACTIVE_STATE: t.Final = 0
"""State of rows in use: the first of every table's."""

_IF_THERE: t.Final = {"If-Match": "*"}
"""Keeps an update from making a row that is gone anew."""

_TOO_LARGE: t.Final = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Writing:
    """Writes one table.

    Args:
        client: Client of the environment.
        fields: Columns of the table.
        path_of: Returns the path of a row a lookup points to.
        chunk: How many rows a bulk request has.
        in_bulk: Returns whether the table takes a message, such as `CreateMultiple`.
        headers: Headers of every write.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: DynamicsClient,
        fields: TableFields,
        path_of: Path,
        chunk: ChunkSize,
        in_bulk: Callable[[str], bool],
        *,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._fields = fields
        self._path_of = path_of
        self._chunk = chunk
        self._alone = ChunkSize(SINGLES, seconds=chunk.seconds)
        self._in_bulk = in_bulk
        self._headers = dict(headers or {})
        self._clock = clock
        self._path = f"/{fields.table.entity}"
        self._lock = threading.Lock()
        self._failed_in_bulk: set[str] = set()

    def write(self, operations: Sequence[Operation]) -> list[WriteResult]:
        """Send operations of one action; a result for each, in order.

        Raises:
            ServiceError: If Dataverse failed or refused for reasons that concern every row.
            BudgetExhaustedError: If not one of them was sent for want of budget.
        """
        action = operations[0].action if operations else None
        if action is Action.CREATE:
            return self._create(operations)
        items = [Item(one, self._changes(one)) for one in operations]
        with settling(items):
            if action is Action.DELETE:
                self._singly(items)
            else:
                self._send(items, "UpdateMultiple")
        return [item.result for item in items]

    def _create(self, operations: Sequence[Operation]) -> list[WriteResult]:
        items = []
        for one in operations:
            if not one.external_id:
                raise ValueError("a create without an external ID could make a row nobody finds again")
            given = {name: value for name, value in one.values.items() if value is not None}
            record = values.body(self._fields, given, self._path_of, external_id=one.external_id)
            items.append(Item(one, *values.without_state(self._fields, record)))
        with settling(items):
            self._send(items, "CreateMultiple")
        self._meet([item for item in items if item.taken])
        self._set_state([item for item in items if item.after])
        return [item.result for item in items]

    def _changes(self, operation: Operation) -> dict[str, t.Any]:
        """Return what is sent to change a row."""
        states = self._fields.states
        if operation.action in {Action.ARCHIVE, Action.RESTORE}:
            state = ACTIVE_STATE if operation.action is Action.RESTORE else states.inactive if states else None
            return values.with_status(self._fields, {"statecode": state})
        if operation.action is Action.DELETE:
            return {}
        key = operation.external_id if operation.adopt else None
        record = values.body(self._fields, operation.values, self._path_of, external_id=key)
        return values.with_status(self._fields, record)

    # -- chunks ------------------------------------------------------------------------------------------------

    def _send(self, items: Sequence[Item], message: str) -> None:
        """Send rows in chunks, those of a chunk that was refused one by one."""
        with self._lock:
            apart = [item for item in items if item.operation.external_id in self._failed_in_bulk]
        names = {item.operation.external_id for item in apart}
        together = [item for item in items if item.operation.external_id not in names]
        start = 0
        while start < len(together):
            part = together[start : start + self._chunk.rows]
            start += len(part)
            if len(part) > 1 and self._in_bulk(message):
                self._together(part, message)
            else:
                self._singly(part)
        self._singly(apart)

    def _together(self, items: Sequence[Item], message: str) -> None:
        """Send rows by one bulk message."""
        path = f"{self._path}/Microsoft.Dynamics.CRM.{message}"
        body = {"Targets": [self._target(item) for item in items]}
        begun = self._clock()
        try:
            answer = self._client.write("POST", path, body, headers=self._headers, records=len(items))
        except RefusedError as error:
            if error.status == _TOO_LARGE:
                self._chunk.was_too_much(len(items))
                halve(items, lambda half: self._together(half, message) if len(half) > 1 else self._singly(half))
            else:
                self._singly(items)
            return
        except NotSentError as error:
            settle(items, WriteResult(Result.UNSENT, code="unsent", text=str(error)))
            return
        except LostAnswerError as error:
            self._chunk.was_too_much(len(items))
            if error.code.startswith("5"):  # a row that makes the service fail is found when they go one by one
                with self._lock:
                    self._failed_in_bulk.update(item.operation.external_id for item in items)
            settle(items, WriteResult(Result.UNKNOWN, code=error.code, text=str(error)))
            return
        self._chunk.went_well(len(items), self._clock() - begun)
        self._take(items, answer.data)

    def _take(self, items: Sequence[Item], data: t.Any) -> None:
        """Take the answer to a bulk message that was carried out."""
        creating = items[0].operation.action is Action.CREATE
        ids = data.get("Ids") if creating and isinstance(data, dict) else [item.operation.remote_id for item in items]
        if not isinstance(ids, list) or len(ids) != len(items):
            # Ids belong to rows by their place alone.
            text = "the answer has not one id for each row"
            settle(items, WriteResult(Result.UNKNOWN, code="unreadable", text=text))
            return
        for item, found in zip(items, ids, strict=True):
            item.result = WriteResult(Result.WRITTEN, str(found).lower(), created=True if creating else None)

    def _target(self, item: Item) -> dict[str, t.Any]:
        table = self._fields.table
        named = {} if item.operation.remote_id is None else {table.id: item.operation.remote_id}
        return {"@odata.type": f"Microsoft.Dynamics.CRM.{table.logical}", **named, **item.record}

    # -- one by one --------------------------------------------------------------------------------------------

    def _singly(self, items: Sequence[Item]) -> None:
        """Send rows as requests of their own, many in one batch.

        Raises:
            CredentialsError: If not one of several may be written.
        """
        start = 0
        while start < len(items):
            part = items[start : start + self._alone.rows]
            start += len(part)
            self._batch(part)
        forbidden = [item.result for item in items if item.result.code == results.NO_PRIVILEGE]
        if len(forbidden) == len(items) > 1:
            raise CredentialsError(
                f"Dataverse lets no row of {self._fields.table.entity} be written: {forbidden[0].text}"
            )

    def _batch(self, items: Sequence[Item]) -> None:
        begun = self._clock()
        try:
            answers = self._client.batch([self._request(item) for item in items])
        except RefusedError as error:
            if len(items) > 1:
                halve(items, self._batch)
                return
            items[0].result = self._refused(items[0], error.status, error.code, error.text)
            return
        except NotSentError as error:
            settle(items, WriteResult(Result.UNSENT, code="unsent", text=str(error)))
            return
        except LostAnswerError as error:
            self._alone.was_too_much(len(items))
            settle(items, WriteResult(Result.UNKNOWN, code=error.code, text=str(error)))
            return
        self._alone.went_well(len(items), self._clock() - begun)
        for item, answer in zip(items, answers, strict=True):
            if answer.error is not None:
                item.result = self._refused(item, answer.status, answer.error.code, answer.error.text)
                continue
            remote_id = item.operation.remote_id or results.made(answer.headers)
            if remote_id is None:
                text = "the answer to the create names no row"
                item.result = WriteResult(Result.UNKNOWN, code="unreadable", text=text)
            else:
                created = True if item.operation.action is Action.CREATE else None
                item.result = WriteResult(Result.WRITTEN, remote_id, created=created)

    def _request(self, item: Item) -> BatchRequest:
        operation = item.operation
        if operation.action is Action.CREATE:
            return BatchRequest("POST", self._path, item.record, self._headers)
        path = f"{self._path}({operation.remote_id})"
        if operation.action is Action.DELETE:
            return BatchRequest("DELETE", path, None, self._headers)
        return BatchRequest("PATCH", path, item.record, {**self._headers, **_IF_THERE})

    def _refused(self, item: Item, status: int, code: str, text: str) -> WriteResult:
        item.taken = item.operation.action is Action.CREATE and results.key_taken(status, code)
        return results.refused(self._fields, item.operation, status, code, text, item.record)

    # -- afterwards --------------------------------------------------------------------------------------------

    def _meet(self, items: Sequence[Item]) -> None:
        """Tell what creates have met whose key was taken; a row that appeared meanwhile is not overwritten."""
        if not items:
            return
        try:
            self._compare(items)
        except BudgetExhaustedError as error:
            for item in items:
                text = f"a row with this external ID is there, and there is no budget to look at it: {error}"
                item.result = WriteResult(Result.POSTPONED, code=item.result.code, text=text)

    def _compare(self, items: Sequence[Item]) -> None:
        """Compare rows whose key was taken with those that have it."""
        carried = reading.carriers(self._client, self._fields, [item.operation.external_id for item in items])
        records = reading.read(self._client, self._fields, sorted(carried.values()))
        alike = {key.casefold(): key for key in carried}
        for item in items:
            key = item.operation.external_id
            record = records.get(carried.get(key, ""))
            if record is not None and all(same(record.values.get(n), v) for n, v in item.operation.values.items()):
                # Ours, of a try whose answer was lost, or somebody else's that says the same.
                item.result = WriteResult(Result.WRITTEN, record.remote_id, created=False)
                item.after = {}
            elif record is not None:
                text = f"row {record.remote_id} with this external ID appeared meanwhile; the next run compares the two"
                item.result = WriteResult(Result.POSTPONED, code=item.result.code, text=text)
            elif (twin := alike.get(key.casefold())) is not None:
                text = (
                    f"row {carried[twin]} carries {twin!r}, which Dataverse takes for the same key: let external IDs"
                    " differ in more than capitals and accents"
                )
                item.result = replace(item.result, result=Result.REJECTED, text=text)

    def _set_state(self, items: Sequence[Item]) -> None:
        """Give new rows the state they could not be made with.

        One whose state is not known to be set is left to the next run, which finds the row and compares.
        """
        made = [item for item in items if item.result.result is Result.WRITTEN and item.result.created]
        steps = [
            Item(replace(item.operation, action=Action.UPDATE, remote_id=item.result.remote_id), item.after)
            for item in made
        ]
        with settling(steps, partly=True):
            self._send(steps, "UpdateMultiple")
        for item, step in zip(made, steps, strict=True):
            if step.result.result is not Result.WRITTEN:
                text = f"the row was made, but not its state: {step.result.text}"
                item.result = WriteResult(Result.POSTPONED, code=step.result.code, text=text)
        for item in items:
            if item.result.result is Result.UNKNOWN:
                item.result = replace(item.result, result=Result.POSTPONED)
