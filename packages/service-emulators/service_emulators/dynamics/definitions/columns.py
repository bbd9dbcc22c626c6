"""What a body says about a new column (fact sheet sections 5, 8 and 9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from service_emulators.dynamics.definitions.labels import label_text
from service_emulators.dynamics.errors import ApiError, payload
from service_emulators.dynamics.schema.model import Column, Option, RequiredLevel

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMESPACE = re.compile(r"#?Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata")
_SCHEMA_NAME = re.compile(r"([A-Za-z][A-Za-z0-9]{1,7})_[A-Za-z0-9_]+")
_COMMON = frozenset(
    {
        "@odata.type",
        "SchemaName",
        "LogicalName",
        "DisplayName",
        "Description",
        "RequiredLevel",
        "AttributeType",
        "AttributeTypeName",
        "IsPrimaryName",
        "IsValidForAdvancedFind",
        "IsAuditEnabled",
        "IsCustomAttribute",
        "IsSecured",
        "HasChanged",
        "SourceType",
    }
)
_TEXT_FORMATS = ("Text", "TextArea", "Email", "Phone", "Url", "TickerSymbol", "PhoneticGuide", "VersionNumber")
_BEHAVIORS = ("UserLocal", "DateOnly", "TimeZoneIndependent")
_MOST_TEXT = {"String": 4000, "Memo": 1_048_576}
_INT32 = 2_147_483_647
_HUNDRED_BILLION = 100_000_000_000.0
_MONEY = 922_337_203_685_477.0
_PRECISIONS = {"Decimal": 10, "Double": 5, "Money": 4}


def read_column(body: dict[str, Any], prefixes: dict[str, int]) -> Column:
    """Returns the column that a body describes.

    Args:
        body: as `POST EntityDefinitions(…)/Attributes` takes it.
        prefixes: prefixes of the publishers, with the prefix of their option values.

    Raises:
        ApiError: 400, a property is missing, not of its type, or unknown for the type of column.
    """
    match = _NAMESPACE.fullmatch(str(body.get("@odata.type", "")))
    kind = match[1] if match else ""
    if kind not in _TYPES:
        raise _wrong("'@odata.type' must name a type of column that can be created this way.")
    name = body.get("SchemaName")
    shape = _SCHEMA_NAME.fullmatch(name) if isinstance(name, str) else None
    if shape is None or shape[1].lower() not in prefixes:
        raise _wrong(f"'SchemaName' must begin with the prefix of a publisher: {', '.join(sorted(prefixes))}.")
    label = label_text(body.get("DisplayName"))
    if not label:
        raise _wrong("'DisplayName' is required.")
    column = Column(
        name=shape[0].lower(),
        schema_name=shape[0],
        type=kind,
        label=label,
        required=_required(body.get("RequiredLevel")),
        custom=True,
    )
    properties, complete = _TYPES[kind]
    for given in body:
        if given not in _COMMON and given not in properties and "@" not in given:
            raise _wrong(f"Invalid property '{given}' was found in '{kind}AttributeMetadata'.")
    complete(column, body, prefixes[shape[1].lower()])
    return column


def shadow(column: Column) -> Column | None:
    """Returns the column that comes with a choice or a Boolean and holds its label; None for others."""
    if column.type not in {"Picklist", "MultiSelectPicklist", "Boolean"}:
        return None
    return Column(
        name=f"{column.name}name",
        schema_name=f"{column.schema_name}Name",
        type="Virtual",
        create=False,
        update=False,
        of=column.name,
        logical=True,
        custom=True,
    )


def base_twin(column: Column) -> Column:
    """Returns the column that holds an amount in the base currency."""
    return Column(
        name=f"{column.name}_base",
        schema_name=f"{column.schema_name}_Base",
        label=f"{column.label} (Base)",
        type="Money",
        create=False,
        update=False,
        min_value=-_MONEY,
        max_value=_MONEY,
        precision=4,
        custom=True,
    )


def new_option(column: Column, label: str, value: Any, prefix: int, made_at: float) -> Option:
    """Returns an option to be added to a choice.

    Args:
        column: the choice.
        label: its label.
        value: its number; None lets the service number it, from the publisher's prefix on.
        prefix: prefix of the publisher's option values.
        made_at: seconds since 1970.

    Raises:
        ApiError: 400, no label, or the value is taken or no whole number.
    """
    if not label:
        raise _wrong("An option must have a 'Label'.")
    if value is None:
        own = [option.value for option in column.options if option.value >= prefix * 10_000]
        value = max([prefix * 10_000 - 1, *own]) + 1
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("The 'Value' of an option must be a whole number.")
    if column.option(value) is not None:
        raise ApiError(  # code from memory
            400, "0x80048403", f"An option with the value {value} exists already in '{column.name}'."
        )
    return Option(value=value, label=label, made_at=made_at)


def _wrong(message: str) -> ApiError:
    return payload("EntityDefinitions", message)


def _required(value: Any) -> RequiredLevel:
    if value is None:
        return "None"
    level: Any = value.get("Value") if isinstance(value, dict) else None
    if level not in get_args(RequiredLevel) or level == "SystemRequired":
        raise _wrong("'RequiredLevel' must be an object with the 'Value' None, Recommended or ApplicationRequired.")
    result: RequiredLevel = level
    return result


def _text(column: Column, body: dict[str, Any], _prefix: int) -> None:
    most = _MOST_TEXT[column.type]
    length = body.get("MaxLength", min(most, 100))
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= most:
        raise _wrong(f"'MaxLength' must be a whole number from 1 to {most}.")
    column.max_length = length
    name = body.get("FormatName")
    text = (name.get("Value") if isinstance(name, dict) else None) if name is not None else body.get("Format", "Text")
    if text not in _TEXT_FORMATS:
        raise _wrong(f"'FormatName' must be an object with a 'Value' out of {', '.join(_TEXT_FORMATS)}.")
    column.format = "" if text == "Text" else text


def _number(column: Column, body: dict[str, Any], _prefix: int) -> None:
    widest = {"Integer": float(_INT32), "Money": _MONEY}.get(column.type, _HUNDRED_BILLION)
    least, greatest = body.get("MinValue", -widest), body.get("MaxValue", widest)
    for value in (least, greatest):
        if isinstance(value, bool) or not isinstance(value, int | float) or not -widest - 1 <= value <= widest:
            raise _wrong(f"'MinValue' and 'MaxValue' must be numbers from {-widest:,.0f} to {widest:,.0f}.")
    column.min_value, column.max_value = least, greatest
    if column.type in _PRECISIONS:
        most = _PRECISIONS[column.type]
        precision = body.get("Precision", 2)
        if isinstance(precision, bool) or not isinstance(precision, int) or not 0 <= precision <= most:
            raise _wrong(f"'Precision' must be a whole number from 0 to {most}.")
        column.precision = precision


def _moment(column: Column, body: dict[str, Any], _prefix: int) -> None:
    behavior = body.get("DateTimeBehavior")
    value = behavior.get("Value") if isinstance(behavior, dict) else "UserLocal" if behavior is None else behavior
    if value not in _BEHAVIORS:
        raise _wrong(f"'DateTimeBehavior' must be an object with a 'Value' out of {', '.join(_BEHAVIORS)}.")
    form = body.get("Format", "DateOnly" if value == "DateOnly" else "DateAndTime")
    if form not in {"DateOnly", "DateAndTime"} or (value == "DateOnly" and form != "DateOnly"):
        raise _wrong("'Format' must be DateOnly or DateAndTime, and fit the behavior.")
    column.behavior, column.format = value, form


def _boolean(column: Column, body: dict[str, Any], _prefix: int) -> None:
    options = body.get("OptionSet")
    default = body.get("DefaultValue", False)
    if not isinstance(default, bool):
        raise _wrong("'DefaultValue' must be true or false.")
    if not isinstance(options, dict) or not {"TrueOption", "FalseOption"} <= options.keys():
        raise _wrong("'OptionSet' must have a 'TrueOption' and a 'FalseOption'.")
    for name, value in (("FalseOption", 0), ("TrueOption", 1)):
        given = options[name]
        if not isinstance(given, dict) or given.get("Value", value) != value:
            raise _wrong(f"'{name}' must be an object with the 'Value' {value}.")
        column.options.append(Option(value=value, label=label_text(given.get("Label"))))
    column.default = default


def _choice(column: Column, body: dict[str, Any], prefix: int) -> None:
    given = body.get("OptionSet")
    if not isinstance(given, dict) or not isinstance(given.get("Options"), list) or given.get("IsGlobal"):
        raise _wrong("'OptionSet' must have 'Options' of its own.")
    for option in given["Options"]:
        if not isinstance(option, dict):
            raise _wrong("An option must be an object.")
        column.options.append(new_option(column, label_text(option.get("Label")), option.get("Value"), prefix, 0))
    column.option_set = str(given.get("Name") or "")


_NUMBERS = frozenset({"MinValue", "MaxValue"})
_TYPES: dict[str, tuple[frozenset[str], Callable[[Column, dict[str, Any], int], None]]] = {
    "String": (frozenset({"MaxLength", "FormatName", "Format", "AutoNumberFormat"}), _text),
    "Memo": (frozenset({"MaxLength", "FormatName", "Format"}), _text),
    "Integer": (_NUMBERS | {"Format"}, _number),
    "Decimal": (_NUMBERS | {"Precision"}, _number),
    "Double": (_NUMBERS | {"Precision"}, _number),
    "Money": (_NUMBERS | {"Precision", "PrecisionSource"}, _number),
    "DateTime": (frozenset({"Format", "DateTimeBehavior"}), _moment),
    "Boolean": (frozenset({"OptionSet", "DefaultValue"}), _boolean),
    "Picklist": (frozenset({"OptionSet", "DefaultFormValue"}), _choice),
    "MultiSelectPicklist": (frozenset({"OptionSet", "DefaultFormValue"}), _choice),
}
"""Types of columns that can be created: their own properties, and what reads them."""
