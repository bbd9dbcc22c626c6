"""Strict checks of one record's body against its module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho import values
from service_emulators.zoho.catalog import LIST_TYPES, USER_TYPES
from service_emulators.zoho.errors import RowError

if TYPE_CHECKING:
    from service_emulators.zoho.catalog import Catalog, Field, Module
    from service_emulators.zoho.external import ExternalRules
    from service_emulators.zoho.org import Org
    from service_emulators.zoho.store import Row, Store
    from service_emulators.zoho.switches import ZohoSwitches

APPEND = "$append_values"
_INVALID = "invalid data"


class Checks:
    """Turns the body of a record into values to store.

    Args:
        store: the data, to look at the targets of lookups.
        catalog: modules.
        org: users.
        switches: what is strict.
    """

    def __init__(self, store: Store, catalog: Catalog, org: Org, switches: ZohoSwitches) -> None:
        self._store = store
        self._catalog = catalog
        self._org = org
        self._switches = switches

    def accept(
        self, module: Module, body: Any, path: str, current: Row | None, external: ExternalRules | None = None
    ) -> Row:
        """Returns the values of a record's body as they are stored, null ones included.

        Args:
            module: module.
            body: record as it came, without its `id`.
            path: where it lies in the request, for `json_path`: `$.data[0]`.
            current: the record as it is stored; None for a new one.
            external: lookups that are given by external ids.

        Raises:
            RowError: the body does not pass; several reasons come together.
        """
        if not isinstance(body, dict):
            raise RowError("INVALID_DATA", _INVALID, {"expected_data_type": "jsonobject", "json_path": path})
        given: Row = {}
        errors: list[RowError] = []
        for name, value in body.items():
            try:
                self._take(module, name, value, path, given, external)
            except RowError as error:
                errors.append(error)
        try:
            self._append(module, body.get(APPEND), given, current, path)
        except RowError as error:
            errors.append(error)
        errors.extend(self._missing(module, body, given, path, creating=current is None))
        if len(errors) > 1:
            # Beside the codes themselves, the specification names this one for a record with several faults.
            raise RowError(
                "MULTIPLE_OR_MULTI_ERRORS", "multiple errors", {"errors": [error.body() for error in errors]}
            )
        if errors:
            raise errors[0]
        return given

    def _take(
        self, module: Module, name: str, value: Any, path: str, given: Row, external: ExternalRules | None
    ) -> None:
        if name == APPEND:
            return
        field = module.fields.get(name)
        if field is None:
            if self._switches.unknown_fields == "ignore":
                return
            raise _unfit(name, path, message="the field api name given seems to be invalid")
        if field.read_only:
            raise _unfit(name, path, message="the field is read only")
        given[name] = None if value is None or value == "" else self._stored(field, value, path, external)

    def _stored(self, field: Field, value: Any, path: str, external: ExternalRules | None) -> Any:
        name = field.api_name
        try:
            if field.data_type == "lookup":
                return self._lookup(field, value, path, external)
            if field.data_type in USER_TYPES:
                return self._user(field, value, path)
            stored = values.check(field, value)
        except values.UnfitError as error:
            raise _unfit(name, path, **error.details) from error
        if field.data_type in LIST_TYPES:
            self._options(field, stored, path)
        return stored

    def _lookup(self, field: Field, value: Any, path: str, external: ExternalRules | None) -> int:
        target = self._catalog.modules()[str(field.lookup)]
        if external is not None:
            found = external.lookup(field, target, value, path)
            if found is not None:
                return found
        record_id = values.reference(value)
        if not self._store.exists(target.table, record_id):
            raise RowError(
                "INVALID_DATA",
                "the related id given seems to be invalid",
                {"api_name": field.api_name, "json_path": f"{path}.{field.api_name}.id"},
            )
        return record_id

    def _user(self, field: Field, value: Any, path: str) -> int:
        user_id = values.reference(value)
        user = self._org.users.get(user_id)
        if user is None or not user["active"]:
            raise _unfit(field.api_name, path, message="the user id given seems to be invalid")
        return user_id

    def _options(self, field: Field, stored: Any, path: str) -> None:
        if self._switches.picklists == "accept":
            return
        known = {option.actual_value for option in field.options}
        if any(item not in known for item in ([stored] if isinstance(stored, str) else stored)):
            supported = [option.actual_value for option in field.options]
            raise _unfit(field.api_name, path, supported_values=supported)

    def _append(self, module: Module, wanted: Any, given: Row, current: Row | None, path: str) -> None:
        """Joins new values of multi-select fields to those the record has, where `$append_values` says so."""
        if wanted is None:
            return
        if not isinstance(wanted, dict) or not all(isinstance(flag, bool) for flag in wanted.values()):
            raise _unfit(APPEND, path, expected_data_type="jsonobject")
        for name, append in wanted.items():
            field = module.fields.get(name)
            if field is None or field.data_type != "multiselectpicklist" or name not in given:
                raise _unfit(APPEND, path)
            if append and current is not None:
                given[name] = list(dict.fromkeys([*(current[name] or ()), *(given[name] or ())]))

    def _missing(
        self, module: Module, body: dict[str, Any], given: Row, path: str, *, creating: bool
    ) -> list[RowError]:
        missing = []
        for name, field in module.fields.items():
            if not field.mandatory or (name == "Last_Name" and self._either_name(given)):
                continue
            # A value that came and did not pass is not missing.
            if (creating and name not in body) or (name in given and given[name] is None):
                missing.append(
                    RowError(
                        "MANDATORY_NOT_FOUND",
                        "required field not found",
                        {"api_name": name, "json_path": f"{path}.{name}"},
                    )
                )
        return missing

    def _either_name(self, given: Row) -> bool:
        return self._switches.person_names == "either" and given.get("First_Name") is not None


def _unfit(name: str, path: str, message: str = _INVALID, **details: Any) -> RowError:
    return RowError("INVALID_DATA", message, {**details, "api_name": name, "json_path": f"{path}.{name}"})
