"""Adding values to the picklists of a module, for setting `picklists: add`."""

from __future__ import annotations

import logging
import threading
import typing as t

from service_calls import LostAnswerError, NotSentError
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.errors import ServiceUnavailableError

from target_zoho.answers import RefusedError
from target_zoho.fields import MULTI_PICKLIST, PICKLIST

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_ledger.adapter import Operation

    from target_zoho.client import ZohoClient
    from target_zoho.fields import ModuleFields

_PARTS: t.Final = ("id", "display_value", "actual_value", "reference_value", "colour_code")
"""What a picklist value is sent back with so that it stays as it is."""

_log = logging.getLogger(__name__)


class Picklists:
    """Keeps the picklists of one module up to what is written.

    Args:
        client: Client of the organisation.
        fields: Fields of the module.
    """

    def __init__(self, client: ZohoClient, fields: ModuleFields) -> None:
        self._client = client
        self._fields = fields
        self._lock = threading.Lock()
        self._refused: dict[tuple[str, str], str] = {}
        self._known = {
            field.key: set((field.options or {}).values())
            for field in fields.description.fields
            if fields.kinds[field.key] in {PICKLIST, MULTI_PICKLIST}
        }

    def grow(self, operations: Sequence[Operation]) -> dict[str, WriteResult]:
        """Add the values of operations that their picklists do not have yet.

        Returns:
            External ID -> result of the operations with a value Zoho does not take.

        Raises:
            ServiceError: If Zoho does not answer, or this user may not change fields.
        """
        with self._lock:  # each value once, whichever thread needs it first
            for key, values in self._lacking(operations).items():
                self._add(key, values)
        found: dict[str, WriteResult] = {}
        for operation in operations if self._refused else ():
            for field, value in self._chosen(operation):
                if text := self._refused.get((field, value)):
                    words = f"{value!r} is not in this picklist, and Zoho does not take it into the list: {text}"
                    found[operation.external_id] = WriteResult(Result.REJECTED, text=words, field=field)
        return found

    def _chosen(self, operation: Operation) -> Iterator[tuple[str, str]]:
        """Return API name and value of what an operation sets in picklists."""
        for name, value in operation.values.items():
            field = self._fields.description.find(name)
            if field is not None and field.key in self._known and value:
                for one in value if isinstance(value, list) else [value]:
                    yield field.key, one

    def _lacking(self, operations: Sequence[Operation]) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for operation in operations:
            for key, value in self._chosen(operation):
                if value not in self._known[key] and (key, value) not in self._refused:
                    found.setdefault(key, {})[value] = None
        return {key: list(values) for key, values in found.items()}

    def _add(self, key: str, values: Sequence[str]) -> None:
        module, field_id = self._fields.description.entity, self._fields.ids[key]
        try:
            add_values(self._client, module, key, field_id, values)
        except RefusedError as error:
            if len(values) == 1:
                self._refused[key, values[0]] = error.text or error.code
                return
            for value in values:
                self._add(key, [value])
            return
        self._known[key].update(values)


def add_values(client: ZohoClient, module: str, field: str, field_id: str, values: Sequence[str]) -> None:
    """Add values to a picklist; those it has already are left alone.

    Args:
        client: Client of the organisation.
        module: API name of the module.
        field: What messages call the field.
        field_id: Its id.
        values: The values.

    Raises:
        RefusedError: If Zoho does not take them.
        ServiceError: If it does not answer, or this user may not change fields.
    """
    params = {"module": module}
    listed = (client.get("/settings/fields", params).data or {}).get("fields") or ()
    there = [one for item in listed if str(item["id"]) == field_id for one in item.get("pick_list_values") or ()]
    known = {str(one["actual_value"]) for one in there}
    missing = [value for value in values if value not in known]
    if not missing:
        return
    # The list is sent as a whole: values it does not name would be taken out of use.
    kept = [{part: one[part] for part in _PARTS if one.get(part) is not None} for one in there]
    new = [{"display_value": value, "actual_value": value} for value in missing]
    try:
        client.write(
            "PATCH", f"/settings/fields/{field_id}", {"fields": [{"pick_list_values": [*kept, *new]}]}, params=params
        )
    except LostAnswerError as error:
        raise ServiceUnavailableError(
            f"whether values were added to {field} of {module} is not known ({error}); the next run looks"
        ) from None
    except NotSentError as error:
        raise ServiceUnavailableError(f"values cannot be added to {field} of {module}: {error}") from None
    _log.info("Added to %s of %s: %s", field, module, ", ".join(missing))
