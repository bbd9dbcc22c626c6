"""Stage validate: is this row what the service can take? And its values in normal form (see `FieldType`)."""

from __future__ import annotations

import datetime as dt
import decimal
import typing as t
from dataclasses import replace

from sync_ledger.fields import AmbiguousFieldError, FieldType
from sync_ledger.rows import Reason

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_ledger.fields import EntityDescription, Field

_SHOWN = 60  # characters of a bad value that a message repeats

LONGEST_KEY = 255
"""Characters of an external ID at most, whatever the service takes: databases index it."""

_LARGEST_EXPONENT = 300
"""Numbers of more digits than that are no amounts but mistakes, and no service keeps them."""


class Invalid(Exception):  # noqa: N818 - a verdict on one row, caught where it is raised for, not an error of a run
    """A value the service would refuse.

    Attributes:
        reason: Reason code of the outcome.
        field: Field concerned.
        text: What is wrong, in words, with the value shortened.
    """

    def __init__(self, reason: Reason, field: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.field = field
        self.text = text


def normalise(description: EntityDescription, payload: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Bring a mapped payload into normal form.

    Relations stay external IDs here; stage relate turns them into remote ids.

    Raises:
        Invalid: For the first value the service would refuse.
    """
    values: dict[str, t.Any] = {}
    scoped: list[tuple[Field, t.Any]] = []
    for name, value in payload.items():
        try:
            field = description.find(name)
        except AmbiguousFieldError as error:
            raise Invalid(Reason.UNKNOWN_ATTRIBUTE, name, str(error)) from error
        if field is None:
            raise Invalid(Reason.UNKNOWN_ATTRIBUTE, name, f"{description.entity} has no field {name!r}")
        if field == description.external_id_field:
            text = f"{name} holds the external ID, which comes from the key properties"
            raise Invalid(Reason.UNKNOWN_ATTRIBUTE, name, text)
        if field.within is None or value is None:
            values[field.name] = None if value is None else _kept(field, _CONVERTERS[field.type](field, value))
        else:
            scoped.append((field, value))
    for field, value in scoped:
        values[field.name] = _CONVERTERS[field.type](_scoped(field, values), value)
    return values


def _kept(field: Field, value: t.Any) -> t.Any:
    """Return a converted value in the form the service keeps it in, if it lies in the range the service takes."""
    if value is not None and field.kept_as is not None:
        value = field.kept_as(value)
    if value is None or (field.minimum is None and field.maximum is None):
        return value
    if (field.minimum is not None and value < field.minimum) or (field.maximum is not None and value > field.maximum):
        ends = ((word, end) for word, end in (("from", field.minimum), ("up to", field.maximum)) if end is not None)
        text = f"{field.name} takes values {' '.join(f'{word} {end}' for word, end in ends)}, got {value}"
        raise Invalid(Reason.OUT_OF_RANGE, field.name, text)
    return value


def _scoped(field: Field, values: Mapping[str, t.Any]) -> Field:
    """Return a field with the options it has beside the other values of the row."""
    options = (field.options_within or {}).get(values.get(field.within or ""))
    return field if options is None else replace(field, options=options)


def check_external_id(description: EntityDescription, external_id: str) -> None:
    """Check that an external ID can be kept at the service and found again unchanged.

    Raises:
        Invalid: If it is too long or has characters that are not kept.
    """
    field = description.external_id_field
    longest = min((field.max_length if field else None) or LONGEST_KEY, LONGEST_KEY)
    name = field.name if field else "external_id"
    if len(external_id) > longest:
        text = f"the external ID may have {longest} characters, it has {len(external_id)}"
        raise Invalid(Reason.TOO_LONG, name, text)
    if any(ord(character) < ord(" ") for character in external_id):
        raise Invalid(Reason.WRONG_TYPE, name, f"the external ID {external_id!r} has control characters")
    if field is not None and (bad := sorted(set(external_id) & set(field.forbidden))):
        text = (
            f"the external ID {external_id!r} has {' '.join(bad)}, which the service does not take in keys; map another"
            " key property, such as one with replace() around it"
        )
        raise Invalid(Reason.WRONG_TYPE, name, text)


def check_create(description: EntityDescription, values: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the values to send when the record is created: those given and writable then.

    Raises:
        Invalid: If a field the service requires has no value.
    """
    for field in description.fields:
        if field.required and values.get(field.name) is None:
            raise Invalid(Reason.MISSING_REQUIRED, field.name, f"{field.name} is required and has no value")
    creatable = {field.name for field in description.fields if field.creatable}
    return {name: value for name, value in values.items() if value is not None and name in creatable}


def check_update(description: EntityDescription, changed: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the changed values that may be sent; fields that can only be given on creation are left out.

    Raises:
        Invalid: If a field would be emptied that the service does not let be empty.
    """
    result: dict[str, t.Any] = {}
    for name, value in changed.items():
        field = description.find(name)
        if field is None or not field.updatable:
            continue
        if value is None and (field.required or not field.nullable):
            raise Invalid(Reason.NOT_NULLABLE, name, f"{name} cannot be emptied")
        result[name] = value
    return result


def _wrong(field: Field, value: t.Any, wanted: str) -> Invalid:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
    return Invalid(Reason.WRONG_TYPE, field.name, f"{field.name} wants {wanted}, got {shown}")


def _string(field: Field, value: t.Any) -> str | None:
    if isinstance(value, (dt.date, dt.time)):
        value = value.isoformat()
    elif isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _wrong(field, value, "text")
    if field.max_length is not None and len(value) > field.max_length:
        text = f"{field.name} takes {field.max_length} characters, got {len(value)}"
        raise Invalid(Reason.TOO_LONG, field.name, text)
    _check_text(field, value)
    return value or None  # services keep an emptied text field as null


def _check_text(field: Field, value: str) -> None:
    if "\0" in value:
        raise _wrong(field, value, "text without NUL characters")


def _number(field: Field, value: t.Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, decimal.Decimal, str)):
        raise _wrong(field, value, "a number")
    try:
        exact = decimal.Decimal(str(value).strip())
    except decimal.InvalidOperation:
        raise _wrong(field, value, "a number") from None
    if not exact.is_finite():
        raise _wrong(field, value, "a number")
    if exact and exact.adjusted() > _LARGEST_EXPONENT:
        raise _wrong(field, value, "a number of less than 300 digits")
    if exact == exact.to_integral_value() and abs(exact) < 2**63:
        return int(exact)
    return float(exact)


def _integer(field: Field, value: t.Any) -> int:
    number = _number(field, value)
    if not isinstance(number, int):  # also whole ones that need more than 64 bits
        raise _wrong(field, value, "a whole number")
    return number


def _boolean(field: Field, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, value, "true or false")
    return value


def _date(field: Field, value: t.Any) -> str:
    if isinstance(value, dt.date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value[:10]).isoformat()
        except ValueError:
            pass
    raise _wrong(field, value, "a date such as 2026-03-01")


def _time(field: Field, value: t.Any) -> str:
    if isinstance(value, dt.time):
        return value.isoformat("seconds")
    if isinstance(value, str):
        try:
            return dt.time.fromisoformat(value).isoformat("seconds")
        except ValueError:
            pass
    raise _wrong(field, value, "a time such as 09:30:00")


def _datetime(field: Field, value: t.Any) -> str:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise _wrong(field, value, "a time stamp such as 2026-03-01T09:30:00Z") from None
    if not isinstance(value, dt.datetime):
        raise _wrong(field, value, "a time stamp such as 2026-03-01T09:30:00Z")
    moment = value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)
    return moment.astimezone(dt.timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _option(field: Field, value: t.Any) -> t.Any:
    options = field.options or {}
    if isinstance(value, str) and value in options:
        return options[value]
    for own in options.values():
        if own == value and isinstance(own, bool) == isinstance(value, bool):
            return own  # in the service's own form: 3.0 from a source of decimals is option 3, true is not option 1
    known = ", ".join(sorted(options)[:20])
    raise Invalid(Reason.UNKNOWN_OPTION, field.name, f"{field.name} has no option {value!r}; it has: {known}")


def _options(field: Field, value: t.Any) -> list[t.Any] | None:
    chosen = value if isinstance(value, list) else [value]
    return sorted(_option(field, item) for item in chosen) or None


def _relation(field: Field, value: t.Any) -> str | None:
    text: str | None = None
    if isinstance(value, (float, decimal.Decimal)):
        text = number_text(value)
        text = text if text and "." not in text else None
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        text = str(value).strip()
    if text is None:
        raise _wrong(field, value, f"the external ID of one of the {field.relation}")
    return text or None  # a blank names nobody


def number_text(value: float | decimal.Decimal) -> str | None:
    """Return a number as external IDs have it, 7.00 as `7` and 7.50 as `7.5`; None if it is not finite."""
    exact = decimal.Decimal(str(value))
    if not exact.is_finite() or exact.adjusted() > _LARGEST_EXPONENT:
        return None
    whole, point, rest = format(exact, "f").partition(".")
    fraction = rest.rstrip("0")
    return f"{whole}{point}{fraction}" if fraction else str(int(exact))


def _object(field: Field, value: t.Any) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise _wrong(field, value, "an object")
    if field.attributes is not None and (unknown := sorted(set(value) - field.attributes)):
        text = f"{field.name} has no key {unknown[0]!r}; it takes: {', '.join(sorted(field.attributes))}"
        raise Invalid(Reason.UNKNOWN_ATTRIBUTE, field.name, text)
    return {key: _plain(field, item) for key, item in value.items()}


def _list(field: Field, value: t.Any) -> list[t.Any]:
    if not isinstance(value, list):
        raise _wrong(field, value, "a list")
    if field.items is not None:
        for item in value:
            if not isinstance(item, dict):
                raise _wrong(field, item, "a list of objects")
            if unknown := sorted(set(item) - field.items):
                text = f"an item of {field.name} has no key {unknown[0]!r}; it takes: {', '.join(sorted(field.items))}"
                raise Invalid(Reason.UNKNOWN_ATTRIBUTE, field.name, text)
    return [_plain(field, item) for item in value]


def _plain(field: Field, value: t.Any) -> t.Any:
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return _number(field, value)
    if isinstance(value, str):
        _check_text(field, value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(field, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(field, item) for item in value]
    return value


_CONVERTERS: Mapping[FieldType, Callable[[Field, t.Any], t.Any]] = {
    FieldType.STRING: _string,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.TIME: _time,
    FieldType.DATETIME: _datetime,
    FieldType.OPTION: _option,
    FieldType.OPTIONS: _options,
    FieldType.RELATION: _relation,
    FieldType.OBJECT: _object,
    FieldType.LIST: _list,
}
