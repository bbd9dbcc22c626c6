"""Creating, changing, deleting and showing records of any v2 entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service_emulators.pipedrive.catalog import OPTION_TYPES
from service_emulators.pipedrive.costs import DEFAULT_VISIBILITY
from service_emulators.pipedrive.errors import forbidden, invalid, not_allowed, not_found, unknown_error
from service_emulators.pipedrive.values import UnfitError, format_time

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.catalog import Catalog, CustomField
    from service_emulators.pipedrive.checks import Checks
    from service_emulators.pipedrive.effects import Effects
    from service_emulators.pipedrive.entities import Entity, Property
    from service_emulators.pipedrive.search import SearchIndex
    from service_emulators.pipedrive.store import Record, Store
    from service_emulators.pipedrive.switches import PipedriveSwitches

KEPT_SECONDS = 30 * 24 * 3600
"""How long a deleted record is kept."""


@dataclass(frozen=True)
class View:
    """How records are shown.

    Attributes:
        custom_codes: custom fields to show; None for all.
        option_labels: options as `{id, label}`.
        labels: add the labels of `label_ids`.
        extras: `include_fields`.
    """

    custom_codes: tuple[str, ...] | None = None
    option_labels: bool = False
    labels: bool = False
    extras: tuple[str, ...] = ()


class Records:
    """The one way records change, whether through the API or by a user of the web application."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        checks: Checks,
        effects: Effects,
        index: SearchIndex,
        switches: PipedriveSwitches,
        clock: EmulatorClock,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._checks = checks
        self._effects = effects
        self._index = index
        self._switches = switches
        self._clock = clock

    def create(self, entity: Entity, body: dict[str, Any], user_id: int) -> Record:
        """Adds a record.

        Raises:
            ApiError: the body does not pass.
        """
        given, custom = self._accept(entity, body, creating=True)
        for name in entity.required:
            if given.get(name) is None:
                raise invalid(name, f"Parameter '{name}' is required")
        moment = self._clock.now()
        now = format_time(moment)
        values = {name: _fresh(item.default) for name, item in entity.properties.items()}
        for name, value in (("owner_id", user_id), ("creator_user_id", user_id), ("visible_to", DEFAULT_VISIBILITY)):
            if name in values:
                values[name] = value
        values["add_time"] = now
        values["is_deleted"] = False
        values.update(given)
        values["update_time"] = now
        self._effects.apply(entity.name, values, given, now, creating=True)
        stored = {code: value for code, value in custom.items() if value is not None}
        record = self._store.insert(entity, values, stored, moment.timestamp())
        self._index.touch(entity.name, record.id)
        return record

    def update(self, entity: Entity, record_id: int, body: dict[str, Any]) -> Record:
        """Changes a record; `update_time` moves even when nothing differs.

        Raises:
            ApiError: no such record, or the body does not pass.
        """
        record = self.live(entity, record_id, self._switches.deleted_patch)
        if not body:
            raise invalid("body", "must have at least one property")
        given, custom = self._accept(entity, body, creating=False)
        moment = self._clock.now()
        now = format_time(moment)
        record.values.update(given)
        record.values["update_time"] = now
        self._effects.apply(entity.name, record.values, given, now, creating=False)
        for code, value in custom.items():
            if value is None:
                record.custom.pop(code, None)
            else:
                record.custom[code] = value
        if record.values["is_deleted"]:  # a deal can be deleted by PATCH
            record.deleted_at = moment.timestamp()
        self._store.save(entity, record)
        self._index.touch(entity.name, record_id)
        return record

    def delete(self, entity: Entity, record_id: int) -> None:
        """Marks a record as deleted.

        Raises:
            ApiError: no such record.
        """
        record = self.live(entity, record_id, self._switches.deleted_patch)
        moment = self._clock.now()
        record.values["is_deleted"] = True
        record.values["update_time"] = format_time(moment)
        record.deleted_at = moment.timestamp()
        self._store.save(entity, record)
        self._effects.deleted(entity.name, record_id)
        self._index.touch(entity.name, record_id)

    def live(self, entity: Entity, record_id: int, deleted_status: int = 404) -> Record:
        """Returns a record that is not deleted.

        Raises:
            ApiError: no such record; with `deleted_status` for one deleted less than 30 days ago.
        """
        record = self._store.get(entity, record_id)
        if record is None:
            raise not_found()
        if record.values["is_deleted"]:
            raise not_found(deleted_status if self._kept(record) else 404)
        return record

    def visible(self, entity: Entity, record_id: int) -> Record:
        """Returns what GET by id shows: with the switch `deleted_get`, deleted records for 30 days."""
        record = self._store.get(entity, record_id)
        if record is not None and record.values["is_deleted"] and self._switches.deleted_get == "record":
            if self._kept(record):
                return record
            raise not_found()
        return self.live(entity, record_id)

    def _kept(self, record: Record) -> bool:
        return record.deleted_at is not None and self._clock.seconds() - record.deleted_at < KEPT_SECONDS

    def _accept(self, entity: Entity, body: dict[str, Any], *, creating: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        given: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        for name, value in body.items():
            if name == "custom_fields" and entity.custom:
                custom = self._accept_custom(entity, value)
                continue
            item = entity.properties.get(name)
            if item is None or not (item.create if creating else item.update):
                raise not_allowed(name)
            self._check_feature(name, item)
            if value is None:
                clearable = item.nullable or self._switches.null_on_create == "accept" if creating else item.clearable
                if not clearable:
                    raise invalid(name, "must not be null")
                given[name] = _fresh(item.default)
                continue
            try:
                given[name] = self._checks.check(entity.name, item.kind, value)
            except UnfitError as error:
                raise invalid(name, str(error)) from error
        return given, custom

    def _accept_custom(self, entity: Entity, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise unknown_error()
        fields = self._catalog.fields(entity.name)
        result: dict[str, Any] = {}
        for code, item in value.items():
            field = fields.get(code)
            path = f"custom_fields.{code}"
            if field is None:
                raise not_allowed(code, path, code)
            try:
                result[code] = None if item is None else self._checks.check_custom(field, item)
            except UnfitError as error:
                raise invalid(path, str(error), code) from error
        return result

    def _check_feature(self, name: str, item: Property) -> None:
        if item.feature is None or getattr(self._switches, item.feature):
            return
        if item.feature == "firmographics":
            raise not_allowed(name)
        raise forbidden(f"{name} can not be written: the feature is not enabled for this company")

    def show(self, entity: Entity, record: Record, view: View) -> dict[str, Any]:
        """Returns a record as v2 shows it."""
        values = record.values
        shown: dict[str, Any] = {"id": record.id}
        for name, item in entity.properties.items():
            if item.feature is None or (item.feature != "campaigns" and getattr(self._switches, item.feature)):
                shown[name] = values.get(name)
        shown["add_time"] = values["add_time"]
        shown["update_time"] = values["update_time"]
        shown["is_deleted"] = values["is_deleted"]
        if entity.name == "activities" and "attendees" not in view.extras:
            del shown["attendees"]
        if entity.name == "products":
            shown["prices"] = [{"product_id": record.id, **price} for price in values["prices"]]
        if entity.custom:
            shown["custom_fields"] = self._show_custom(entity, record, view)
        return shown

    def _show_custom(self, entity: Entity, record: Record, view: View) -> dict[str, Any]:
        fields = self._catalog.fields(entity.name)
        codes = fields if view.custom_codes is None else view.custom_codes
        shown = {code: record.custom.get(code) for code in codes}
        if view.option_labels:
            for code, value in shown.items():
                if value is not None and fields[code].type in OPTION_TYPES:
                    shown[code] = with_labels(fields[code], value)
        return shown


def with_labels(field: CustomField, value: Any) -> Any:
    """Returns the value of an enum or set with `{id, label}` in place of each id."""
    labels = {option["id"]: option["label"] for option in field.options}
    if isinstance(value, list):
        return [{"id": number, "label": labels.get(number)} for number in value]
    return {"id": value, "label": labels.get(value)}


def _fresh(default: Any) -> Any:
    return [] if default == () else default
