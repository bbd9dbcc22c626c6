"""The header `X-EXTERNAL`: external ids that stand where record ids would (fact sheet section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.errors import RowError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service_emulators.zoho.catalog import Catalog, Field, Module
    from service_emulators.zoho.keys import Keys

HEADER = "x-external"


class ExternalRules:
    """What the header of one request says.

    Args:
        keys: external ids of all records.
        record: field that identifies the records of the request; None for their ids.
        lookups: field of the target that identifies it, by API name of the lookup.
    """

    def __init__(self, keys: Keys, record: Field | None, lookups: Mapping[str, Field]) -> None:
        self._keys = keys
        self.record = record
        self._lookups = lookups

    def find(self, module: Module, value: Any) -> int | None:
        """Returns the id of the record of the request with that external id, or None."""
        if self.record is None or value is None:
            return None
        found = self._keys.find(module, self.record, value)
        return found[0] if found else None

    def lookup(self, field: Field, target: Module, value: Any, path: str) -> int | None:
        """Returns the id of a lookup's target that is given by external id, None when it is not given so.

        Raises:
            RowError: there is no such record.
        """
        by = self._lookups.get(field.api_name)
        if by is None or not isinstance(value, dict) or by.api_name not in value:
            return None
        found = self._keys.find(target, by, value[by.api_name])
        if not found:
            raise RowError(
                "INVALID_DATA",
                "the external id given seems to be invalid",
                {"api_name": field.api_name, "json_path": f"{path}.{field.api_name}.{by.api_name}"},
            )
        return found[0]


def external_rules(headers: Mapping[str, str], module: Module, catalog: Catalog, keys: Keys) -> ExternalRules:
    """Reads the header: `Contacts.C_ID`, `Contacts.Account_Name.A_ID`, `Tasks.What_Id->Accounts.A_ID`, by commas.

    Raises:
        ApiError: a rule names no external field, or is not about this module.
    """
    record: Field | None = None
    lookups: dict[str, Field] = {}
    for rule in headers.get(HEADER, "").split(","):
        if not rule.strip():
            continue
        name, _, rest = rule.strip().partition(".")
        if name != module.name:
            raise _wrong(rule)
        if "." not in rest:
            record = _external(module, rest, rule)
            continue
        lookup, _, target_field = rest.replace("->", ".").partition(".")
        field = module.fields.get(lookup)
        target = None if field is None or field.lookup is None else catalog.find(field.lookup)
        if target is None:
            raise _wrong(rule)
        if "->" in rest:
            target_name, _, target_field = target_field.partition(".")
            if target_name != target.name:
                raise _wrong(rule)
        lookups[lookup] = _external(target, target_field, rule)
    return ExternalRules(keys, record, lookups)


def _external(module: Module, name: str, rule: str) -> Field:
    field = module.fields.get(name)
    if field is None or not field.external:
        raise _wrong(rule)
    return field


def _wrong(rule: str) -> Exception:
    return invalid({"header": "X-EXTERNAL", "value": rule.strip()}, "the external field given seems to be invalid")
