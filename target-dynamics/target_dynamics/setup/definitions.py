"""What Dataverse is sent to make columns and alternate keys (Dataverse sheet sections 5 and 9)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_dynamics.naming import key_schema_name, schema_name

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXTERNAL_ID_LENGTH: t.Final = 100
"""Characters the column of the external ID takes: an index has 900 bytes, two for each (Dataverse sheet section 5)."""

LANGUAGE: t.Final = 1033
"""Language of labels: English, the one every environment has."""

_TYPES: t.Final = "Microsoft.Dynamics.CRM"
_LARGEST: t.Final = 100_000_000_000


@dataclass(frozen=True)
class Kind:
    """A type of column that can be made.

    Attributes:
        kind: Dataverse's type.
        more: What its definition has beside names and label.
    """

    kind: str
    more: Mapping[str, t.Any]


def _text(form: str, length: int) -> Kind:
    return Kind("String", {"MaxLength": length, "FormatName": {"Value": form}})


def _moment(form: str, behavior: str) -> Kind:
    return Kind("DateTime", {"Format": form, "DateTimeBehavior": {"Value": behavior}})


KINDS: t.Final[Mapping[str, Kind]] = {
    "text": _text("Text", EXTERNAL_ID_LENGTH),
    "memo": Kind("Memo", {"MaxLength": 2000, "Format": "TextArea"}),
    "email": _text("Email", 100),
    "phone": _text("Phone", 50),
    "url": _text("Url", 200),
    "integer": Kind("Integer", {"MinValue": -(2**31), "MaxValue": 2**31 - 1, "Format": "None"}),
    "decimal": Kind("Decimal", {"MinValue": -_LARGEST, "MaxValue": _LARGEST, "Precision": 4}),
    "money": Kind("Money", {"MinValue": -_LARGEST, "MaxValue": _LARGEST, "Precision": 2, "PrecisionSource": 0}),
    "boolean": Kind("Boolean", {"DefaultValue": False}),
    "date": _moment("DateOnly", "DateOnly"),
    "datetime": _moment("DateAndTime", "UserLocal"),
    "choice": Kind("Picklist", {}),
    "choices": Kind("MultiSelectPicklist", {}),
}
"""Type one can ask for -> how it is made."""

WITH_OPTIONS: t.Final = ("choice", "choices")


def column(label: str, type_: str, options: Sequence[str], prefix: str) -> dict[str, t.Any]:
    """Return what is sent to make a column.

    Args:
        label: Its label.
        type_: One of `KINDS`.
        options: Labels of a choice.
        prefix: Prefix of the publisher, whose range the service takes the numbers of options from.
    """
    kind = KINDS[type_]
    found: dict[str, t.Any] = {
        "@odata.type": f"{_TYPES}.{kind.kind}AttributeMetadata",
        "SchemaName": schema_name(label, prefix),
        "DisplayName": text(label),
        "RequiredLevel": {"Value": "None"},
        **kind.more,
    }
    if type_ in WITH_OPTIONS:
        found["OptionSet"] = {
            "@odata.type": f"{_TYPES}.OptionSetMetadata",
            "IsGlobal": False,
            "OptionSetType": "Picklist",
            "Options": [{"Label": text(option)} for option in options],
        }
    if type_ == "boolean":
        found["OptionSet"] = {
            "@odata.type": f"{_TYPES}.BooleanOptionSetMetadata",
            "TrueOption": {"Value": 1, "Label": text("Yes")},
            "FalseOption": {"Value": 0, "Label": text("No")},
        }
    return found


def key(name: str, label: str) -> dict[str, t.Any]:
    """Return what is sent to make the alternate key on a column.

    Args:
        name: Logical name of the column.
        label: Its label.
    """
    return {"SchemaName": key_schema_name(name), "DisplayName": text(label), "KeyAttributes": [name]}


def option(table: str, column: str, label: str, solution: str | None) -> dict[str, t.Any]:
    """Return what is sent to add an option to a choice (action `InsertOptionValue`).

    Args:
        table: Logical name of the table.
        column: Logical name of the choice.
        label: Label of the option.
        solution: Unique name of the solution it goes into; None for the default one.
    """
    where = {"EntityLogicalName": table, "AttributeLogicalName": column, "Label": text(label)}
    return {**where, "SolutionUniqueName": solution} if solution else where


def text(words: str) -> dict[str, t.Any]:
    """Return a label."""
    own = {"@odata.type": f"{_TYPES}.LocalizedLabel", "Label": words, "LanguageCode": LANGUAGE}
    return {"@odata.type": f"{_TYPES}.Label", "LocalizedLabels": [own]}
