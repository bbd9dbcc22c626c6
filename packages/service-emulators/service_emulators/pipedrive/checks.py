"""Which checker belongs to which kind of property and to which type of custom field; some look into the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.pipedrive import values
from service_emulators.pipedrive.builtin_fields import ACTIVITY_TYPES, INDUSTRIES, LABELS
from service_emulators.pipedrive.costs import VISIBILITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.pipedrive.catalog import CustomField
    from service_emulators.pipedrive.store import Store
    from service_emulators.pipedrive.switches import PipedriveSwitches
    from service_emulators.pipedrive.values import Checker

_INDUSTRY_IDS = tuple(number for number, _ in INDUSTRIES)
_BILLING = ("one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly")


class Checks:
    """Checkers by kind.

    Args:
        store: for the existence of records.
        switches: for what plan and features allow.
        user_ids: returns the ids of the company's users.
    """

    def __init__(self, store: Store, switches: PipedriveSwitches, user_ids: Callable[[], frozenset[int]]) -> None:
        self._store = store
        self._switches = switches
        self._user_ids = user_ids
        short, long_text = values.text(), values.text(values.LONG_TEXT)
        self._kinds: dict[str, Checker] = {
            "name": values.text(minimum=1),
            "text": short,
            "long_text": long_text,
            "integer": values.integer,
            "number": values.number,
            "boolean": values.boolean,
            "timestamp": values.timestamp,
            "day": values.day,
            "time_of_day": values.time_of_day,
            "duration": values.duration,
            "currency": values.currency,
            "address": values.address,
            "percentage": _percentage,
            "visibility": self._visibility,
            "contacts": self._contacts,
            "user": self._user,
            "organization": self._live("organizations"),
            "person": self._live("persons"),
            "deal": self._live("deals"),
            "pipeline": self._live("pipelines"),
            "stage": self._live("stages"),
            "industry": values.one_of(*_INDUSTRY_IDS),
            "deal_status": values.one_of("open", "won", "lost"),
            "activity_type": values.one_of(*ACTIVITY_TYPES),
            "billing_frequency": values.one_of(*_BILLING),
            "marketing_status": values.one_of("no_consent", "unsubscribed", "subscribed", "archived"),
            "category": lambda value: str(values.integer(value)),  # taken as a number, returned as a string
            "messengers": values.list_of(
                values.structure(("value",), value=short, primary=values.boolean, label=short),
            ),
            "participants": self._participants,
            "attendees": values.list_of(
                values.structure(
                    ("email",),
                    email=short,
                    name=short,
                    status=short,
                    is_organizer=values.boolean,
                    person_id=values.integer,
                    user_id=values.integer,
                ),
            ),
            "prices": _prices,
        }
        self._types: dict[str, Checker] = {
            "varchar": short,
            "varchar_auto": short,
            "phone": short,
            "text": long_text,
            "double": values.number,
            "monetary": values.monetary,
            "date": values.day,
            "daterange": values.date_range,
            "time": values.time_value,
            "timerange": values.time_range,
            "address": values.address,
            "user": self._user,
            "org": self._live("organizations"),
            "people": self._live("persons"),
        }

    def check(self, entity: str, kind: str, value: Any) -> Any:
        """Checks a value that is not null; returns what is stored.

        Raises:
            UnfitError: the reason.
        """
        if kind == "labels":
            return values.list_of(values.one_of(*(number for number, _ in LABELS[entity])))(value)
        return self._kinds[kind](value)

    def check_custom(self, field: CustomField, value: Any) -> Any:
        """Checks a custom field's value that is not null; returns what is stored.

        Raises:
            UnfitError: the reason.
        """
        if field.type == "enum":
            return _option(field, value)
        if field.type == "set":
            chosen: list[Any] = values.list_of(lambda item: _option(field, item))(value)
            if not chosen:
                raise values.UnfitError("must not be an empty array; null clears it")
            return chosen
        return self._types[field.type](value)

    def _visibility(self, value: Any) -> Any:
        return values.one_of(*VISIBILITIES[self._switches.plan])(value)

    def _contacts(self, value: Any) -> Any:
        return values.contacts(free_labels=self._switches.free_labels)(value)

    def _user(self, value: Any) -> int:
        number = values.integer(value)
        if number not in self._user_ids():
            raise values.UnfitError(f"user {number} was not found")
        return number

    def _live(self, entity: str) -> Checker:
        def check(value: Any) -> int:
            number = values.integer(value)
            if not self._store.exists(entity, number):
                raise values.UnfitError(f"{number} was not found in {entity}")
            return number

        return check

    def _participants(self, value: Any) -> list[dict[str, Any]]:
        shape = values.structure(("person_id",), person_id=self._live("persons"), primary=values.boolean)
        given: list[dict[str, Any]] = values.list_of(shape)(value)
        if sum(bool(item.get("primary")) for item in given) > 1:
            raise values.UnfitError("only one participant may be primary")
        result = [{"person_id": item["person_id"], "primary": bool(item.get("primary"))} for item in given]
        if result and not any(item["primary"] for item in result):
            result[0]["primary"] = True
        return result


def _option(field: CustomField, value: Any) -> int:
    number = values.integer(value)
    if number not in field.option_ids():
        raise values.UnfitError(f"{number} is not an option of this field")
    return number


def _percentage(value: Any) -> int | float:
    number = values.number(value)
    if not 0 <= number <= 100:  # noqa: PLR2004 - per cent
        raise values.UnfitError("must be between 0 and 100")
    return number


def _prices(value: Any) -> list[dict[str, Any]]:
    shape = values.structure(
        ("currency",),
        currency=values.currency,
        price=values.number,
        cost=values.number,
        direct_cost=values.number,
        notes=values.text(),
    )
    given: list[dict[str, Any]] = values.list_of(shape)(value)
    currencies = [item["currency"] for item in given]
    if len(currencies) != len(set(currencies)):
        raise values.UnfitError("only one price per currency is allowed")
    defaults = {"price": 0, "cost": 0, "direct_cost": None, "notes": ""}
    return [{**defaults, **item} for item in given]
