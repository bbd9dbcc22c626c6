"""Adding values to the picklists of a module, for setting `picklists: add`."""

from __future__ import annotations

import logging
import threading
import typing as t

from service_calls import LostAnswerError

from target_zoho.fields import MULTI_PICKLIST, PICKLIST

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.adapter import Operation

    from target_zoho.client import ZohoClient
    from target_zoho.fields import ModuleFields

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
        self._known = {
            field.key: set((field.options or {}).values())
            for field in fields.description.fields
            if fields.kinds[field.key] in {PICKLIST, MULTI_PICKLIST}
        }

    def grow(self, operations: Sequence[Operation]) -> None:
        """Add the values of operations that their picklists do not have yet.

        Raises:
            RefusedError: If Zoho does not take one.
            ServiceError: If it does not answer, or this user may not change fields.
        """
        with self._lock:  # each value once, whichever thread needs it first
            for key, values in self._lacking(operations).items():
                self._add(key, values)

    def _lacking(self, operations: Sequence[Operation]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for operation in operations:
            for name, value in operation.values.items():
                field = self._fields.description.find(name)
                if field is None or field.key not in self._known or not value:
                    continue
                for one in value if isinstance(value, list) else [value]:
                    if one not in self._known[field.key] and one not in found.setdefault(field.key, []):
                        found[field.key].append(one)
        return {key: values for key, values in found.items() if values}

    def _add(self, key: str, values: Sequence[str]) -> None:
        module = self._fields.description.entity
        path, params = f"/settings/fields/{self._fields.ids[key]}", {"module": module}
        there = self._values(path, params)
        missing = [value for value in values if value not in {str(one["actual_value"]) for one in there}]
        if missing:
            # The list is sent as a whole: values it does not name would be taken out of use.
            kept = [{part: one[part] for part in _PARTS if one.get(part) is not None} for one in there]
            new = [{"display_value": value, "actual_value": value} for value in missing]
            body = {"fields": [{"pick_list_values": [*kept, *new]}]}
            try:
                self._client.write("PATCH", path, body, params=params)
            except LostAnswerError:
                _log.warning("No answer to adding values to %s of %s; the next row shows", key, module)
                return
            _log.info("Added to %s of %s: %s", key, module, ", ".join(missing))
        self._known[key].update(values)

    def _values(self, path: str, params: Mapping[str, str | int]) -> list[Mapping[str, t.Any]]:
        data = self._client.get(path, params).data or {}
        (field,) = data["fields"]
        return list(field.get("pick_list_values") or ())


_PARTS: t.Final = ("id", "display_value", "actual_value", "reference_value", "colour_code")
