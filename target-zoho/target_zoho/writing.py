"""Writes of one module: creates, updates and deletions of up to 100 records, with a result for each.

A create must never change a record of another external ID. An upsert with `duplicate_check_fields` matches by the field
of the external ID first and by every *other* unique field after it (Zoho CRM sheet section 4), and a unique field may
leave the case of letters aside. So only creates that nothing but their own key can match are sent as upserts, which
converge with a record of that key, whoever made it. The others are sent as inserts: Zoho itself then refuses a second
record of any unique value, in the same step in which it would make it, and names the one that has it.
"""

from __future__ import annotations

import typing as t

from service_calls import LostAnswerError, NotSentError
from sync_ledger.adapter import Action, Operation, Result, WriteResult

from target_zoho import reading, results, values
from target_zoho.answers import RefusedError
from target_zoho.reading import IDS_PER_CALL

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_zoho.answers import Answer
    from target_zoho.client import ZohoClient
    from target_zoho.fields import ModuleFields

BATCH_SIZE: t.Final = 100
"""Records one call writes."""

_WORKFLOW: t.Final = "workflow"


class Sent(t.NamedTuple):
    """What became of one record.

    Attributes:
        result: Its result.
        other: Id of the record that has a unique value of it already.
    """

    result: WriteResult
    other: str | None = None


class Writing:
    """Writes one module.

    Args:
        client: Client of the organisation.
        fields: Fields of the module.
        trigger: What Zoho runs after a write: `workflow`, `approval`, `blueprint`, ...; nothing when empty.
    """

    def __init__(self, client: ZohoClient, fields: ModuleFields, trigger: Sequence[str]) -> None:
        self._client = client
        self._fields = fields
        self._trigger = list(trigger)
        self._path = f"/{fields.description.entity}"

    def write(self, operations: Sequence[Operation]) -> list[WriteResult]:
        """Send at most 100 operations of one action; a result for each, in order.

        Raises:
            ServiceError: If Zoho failed or refused for reasons that concern every row.
        """
        action = operations[0].action if operations else None
        if action is Action.CREATE:
            return self._create(operations)
        if action is Action.UPDATE:
            sent = self._send("PUT", self._path, operations, {"trigger": self._trigger})
            return [one.result for one in sent]
        return self._delete(operations)

    def _create(self, operations: Sequence[Operation]) -> list[WriteResult]:
        for operation in operations:
            if not operation.external_id:
                raise ValueError("a create without an external ID would match nothing and make a duplicate")
        by_key = [one for one in operations if only_key_matches(self._fields, one)]
        plain = [one for one in operations if not only_key_matches(self._fields, one)]
        extra: dict[str, t.Any] = {"trigger": self._trigger}
        upsert = {"duplicate_check_fields": [self._fields.key], **extra}
        found: dict[str, Sent] = {}
        for part, path, more in ((by_key, f"{self._path}/upsert", upsert), (plain, self._path, extra)):
            if part:
                sent = self._send("POST", path, part, more)
                found.update({one.external_id: what for one, what in zip(part, sent, strict=True)})
        self._meet(operations, found)
        return [found[operation.external_id].result for operation in operations]

    def _meet(self, operations: Sequence[Operation], found: dict[str, Sent]) -> None:
        """Write creates into the record that has their external ID already; another's record is left alone."""
        met = {one.external_id: other for one in operations if (other := found[one.external_id].other) is not None}
        if not met:
            return
        records = reading.read(self._client, self._fields, sorted(set(met.values())))
        ours = [
            Operation(Action.UPDATE, one.external_id, one.values, met[one.external_id])
            for one in operations
            if one.external_id in met
            and (record := records.get(met[one.external_id])) is not None
            and record.external_id == one.external_id
        ]
        if not ours:
            return
        for operation, result in zip(ours, self.write(ours), strict=True):
            if result.result in {Result.WRITTEN, Result.REJECTED}:
                settled = WriteResult(
                    result.result, result.remote_id, result.code, result.text, result.field, created=False
                )
            else:  # the next run finds the record by its external ID, and compares
                settled = WriteResult(Result.POSTPONED, code=result.code, text=result.text)
            found[operation.external_id] = Sent(settled)

    def _send(self, method: str, path: str, operations: Sequence[Operation], extra: Mapping[str, t.Any]) -> list[Sent]:
        """Send records of one action."""

        def call(part: Sequence[Operation]) -> Answer:
            body = {"data": [self._record(operation) for operation in part], **extra}
            return self._client.write(method, path, body, records=len(part))

        return self._call(operations, call)

    def _delete(self, operations: Sequence[Operation]) -> list[WriteResult]:
        """Move records into the recycle bin."""
        workflow = "true" if _WORKFLOW in self._trigger else "false"

        def call(part: Sequence[Operation]) -> Answer:
            ids = ",".join(str(operation.remote_id) for operation in part)
            params = {"ids": ids, "wf_trigger": workflow}
            return self._client.write("DELETE", self._path, None, records=len(part), params=params)

        parts = (operations[start : start + IDS_PER_CALL] for start in range(0, len(operations), IDS_PER_CALL))
        return [sent.result for part in parts for sent in self._call(part, call)]

    def _call(self, operations: Sequence[Operation], call: Callable[[Sequence[Operation]], Answer]) -> list[Sent]:
        """Make a call and read its answer; one that is refused as a whole is made again in halves."""
        try:
            data = call(operations).data
        except RefusedError as error:
            if len(operations) > 1:
                middle = len(operations) // 2
                return [*self._call(operations[:middle], call), *self._call(operations[middle:], call)]
            item = {"code": error.code, "message": error.text, "details": error.details}
            return [Sent(results.written(self._fields, operations[0], item))]
        except NotSentError as error:
            return [Sent(WriteResult(Result.UNSENT, code="unsent", text=str(error)))] * len(operations)
        except LostAnswerError as error:
            return [Sent(WriteResult(Result.UNKNOWN, code=error.code, text=str(error)))] * len(operations)
        items = data.get("data") if isinstance(data, dict) else None
        if not isinstance(items, list) or len(items) != len(operations):
            # Items belong to records by their place alone.
            text = "the answer has not one result for each record"
            return [Sent(WriteResult(Result.UNKNOWN, code="unreadable", text=text))] * len(operations)
        return [
            Sent(results.written(self._fields, operation, item), results.duplicate_of(item))
            for operation, item in zip(operations, items, strict=True)
        ]

    def _record(self, operation: Operation) -> dict[str, t.Any]:
        creating = operation.action is Action.CREATE
        key = operation.external_id if creating or operation.adopt else None
        given = {name: value for name, value in operation.values.items() if value is not None or not creating}
        record = values.body(self._fields, given, external_id=key)
        return record if creating else {"id": operation.remote_id, **record}


def only_key_matches(fields: ModuleFields, operation: Operation) -> bool:
    """Whether no record but one of the same external ID can be matched by an upsert of a create.

    Letters are left to inserts, since Zoho may take `ab1` and `AB1` for one value.
    """
    plain = operation.external_id.isascii() and operation.external_id.lower() == operation.external_id.upper()
    return plain and not any(operation.values.get(name) is not None for name in fields.unique)
