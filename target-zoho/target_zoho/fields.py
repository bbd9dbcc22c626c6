"""From a module's field metadata to what the engine checks rows against.

A field goes by its API name, which is the same in every language and survives a renamed label; a mapping may use the
label as well. Where a label says less than one field, because two carry it, the API name alone tells them apart; where
it is the API name of another field, it means that one.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from sync_ledger.errors import ConfigError
from sync_ledger.fields import EntityDescription, Field, FieldType

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PICKLIST: t.Final = "picklist"
MULTI_PICKLIST: t.Final = "multiselectpicklist"
LOOKUP: t.Final = "lookup"
USERS: t.Final = frozenset({"ownerlookup", "userlookup"})
BIG_INTEGER: t.Final = "bigint"

TYPES: t.Final[dict[str, FieldType]] = {
    "text": FieldType.STRING,
    "textarea": FieldType.STRING,
    "email": FieldType.STRING,
    "phone": FieldType.STRING,
    "website": FieldType.STRING,
    "integer": FieldType.INTEGER,
    BIG_INTEGER: FieldType.INTEGER,
    "double": FieldType.NUMBER,
    "currency": FieldType.NUMBER,
    "percent": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    PICKLIST: FieldType.OPTION,
    MULTI_PICKLIST: FieldType.OPTIONS,
    LOOKUP: FieldType.RELATION,
    **dict.fromkeys(USERS, FieldType.OPTION),
}
"""Zoho's `data_type` -> what the engine checks (Zoho CRM sheet section 6)."""

_TEXT: t.Final = "string"
"""`json_type` of a text."""

NO_CHOICE: t.Final = "-None-"
"""The entry a picklist shows for no value; a record without a value has null."""

LONGEST_OPTION: t.Final = 120
"""Characters of a picklist value at most ("Create Custom Fields")."""


class Growing(Mapping[str, str]):
    """The values of a picklist that takes new ones: any short text is its own option.

    Iteration shows the values that are there.

    Args:
        known: Label -> value of those.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def __getitem__(self, key: str) -> str:
        if key in self._known:
            return self._known[key]
        if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_OPTION or key == NO_CHOICE:
            raise KeyError(key)
        return key

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@dataclass(frozen=True)
class ModuleFields:
    """The fields of one module in one organisation.

    Attributes:
        description: What the engine works with.
        kinds: API name -> Zoho's data type.
        unique: API names of the fields, beside the one of the external ID, that Zoho lets no two records share.
        ids: API name -> id of the field.
    """

    description: EntityDescription
    kinds: Mapping[str, str]
    unique: frozenset[str] = frozenset()
    ids: Mapping[str, str] = dataclass_field(default_factory=dict)

    @property
    def key(self) -> str:
        """API name of the field that holds the external ID."""
        holder = self.description.external_id_field
        assert holder is not None  # noqa: S101 - `module_fields` refuses a module without one
        return holder.key

    @property
    def written(self) -> tuple[str, ...]:
        """API names of the fields that can be written, the external ID's among them: what records are read by."""
        return tuple(
            field.key
            for field in self.description.fields
            if field.creatable or field.updatable or field == self.description.external_id_field
        )

    def name(self, text: str) -> str:
        """Return the name of a field that Zoho calls by its API name or its label."""
        hits = [field.name for field in self.description.fields if text in {field.key, field.label}]
        return hits[0] if len(hits) == 1 else text


def module_fields(
    module: str,
    metadata: Sequence[Mapping[str, t.Any]],
    external_id_field: str,
    *,
    users: Mapping[str, t.Any] | None = None,
    add_options: bool = False,
) -> ModuleFields:
    """Describe a module.

    Args:
        module: Its API name.
        metadata: Its field objects, as `GET /settings/fields` returns them.
        external_id_field: Label or API name of the unique text field that holds the external ID.
        users: Name -> id of the users an owner may be given by.
        add_options: Picklists take values they do not have yet.

    Raises:
        ConfigError: If the field of the external ID is missing or not fit for it.
    """
    labels = _labels(metadata)
    fields = tuple(_field(item, labels, users or {}, add_options=add_options) for item in metadata)
    holder = _holder(module, metadata, external_id_field)
    return ModuleFields(
        EntityDescription(module, fields, next(field for field in fields if field.key == holder)),
        {str(item["api_name"]): str(item["data_type"]) for item in metadata},
        frozenset(str(item["api_name"]) for item in metadata if _keeps_apart(item) and item["api_name"] != holder),
        {str(item["api_name"]): str(item["id"]) for item in metadata if item.get("id")},
    )


def _labels(metadata: Iterable[Mapping[str, t.Any]]) -> dict[str, str]:
    """Return API name -> label, without labels that are the API name of another field."""
    names = {str(item["api_name"]) for item in metadata}
    found = {str(item["api_name"]): str(item.get("field_label") or "").strip() for item in metadata}
    return {name: label for name, label in found.items() if label and label not in names}


def _field(
    item: Mapping[str, t.Any], labels: Mapping[str, str], users: Mapping[str, t.Any], *, add_options: bool
) -> Field:
    name = str(item["api_name"])
    data_type = str(item["data_type"])
    kind = TYPES.get(data_type)
    if kind is FieldType.STRING and item.get("json_type", _TEXT) != _TEXT:
        kind = None  # such as tags, which are told as text and come as a list
    if kind is None:  # formulas, subforms, files and whatever this version does not know how to write
        return Field(name, name, FieldType.STRING, creatable=False, updatable=False, label=labels.get(name))
    allowed = item.get("operation_type") or {}
    closed = bool(item.get("read_only") or item.get("field_read_only"))
    options: Mapping[str, t.Any] | None = None
    if data_type in USERS:
        options = users
    elif kind in {FieldType.OPTION, FieldType.OPTIONS}:
        options = picklist(item)
        options = Growing(options) if add_options else options
    relation = _related(item) if kind is FieldType.RELATION else None
    known = kind is not FieldType.RELATION or relation is not None
    required = bool(item.get("system_mandatory"))
    return Field(
        name,
        name,
        kind,
        required=required,
        creatable=known and not closed and bool(allowed.get("api_create", True)),
        updatable=known and not closed and bool(allowed.get("api_update", True)),
        nullable=not required and data_type != "ownerlookup",
        max_length=int(item["length"]) if kind is FieldType.STRING and item.get("length") else None,
        options=options,
        relation=relation,
        people=data_type in USERS,
        label=labels.get(name),
    )


def picklist(item: Mapping[str, t.Any]) -> dict[str, str]:
    """Return the values of a picklist: what users see, and the value itself, -> the value that is sent."""
    values = [one for one in item.get("pick_list_values") or () if one.get("actual_value") != NO_CHOICE]
    shown = {str(one["display_value"]): str(one["actual_value"]) for one in values if one.get("display_value")}
    return {**shown, **{str(one["actual_value"]): str(one["actual_value"]) for one in values}}


def _keeps_apart(item: Mapping[str, t.Any]) -> bool:
    """Whether Zoho keeps records apart by a field, and so finds them by it in an upsert."""
    return bool(item.get("unique") or item.get("external"))


def _related(item: Mapping[str, t.Any]) -> str | None:
    """Return the module a lookup points to; None if the metadata does not say."""
    module = (item.get("lookup") or {}).get("module")
    name = module.get("api_name") if isinstance(module, Mapping) else module
    return str(name) if name else None


def _holder(module: str, metadata: Sequence[Mapping[str, t.Any]], wanted: str) -> str:
    """Return the API name of the field that holds the external ID.

    Raises:
        ConfigError: If there is no such field, if there are several, or if it cannot keep two records apart.
    """
    head = f"setting external_id_field {wanted!r}: "
    hits = [item for item in metadata if item["api_name"] == wanted]
    hits = hits or [item for item in metadata if str(item.get("field_label")).strip() == wanted]
    if len(hits) > 1:
        names = ", ".join(str(item["api_name"]) for item in hits)
        raise ConfigError(f"{head}{module} has {len(hits)} fields with that label; use the API name, one of {names}")
    if not hits:
        raise ConfigError(
            f"{head}{module} has no such field; `target-zoho setup {module}` makes it, a unique text field"
        )
    found = hits[0]
    if found["data_type"] != "text" or found.get("read_only") or found.get("field_read_only"):
        raise ConfigError(
            f"{head}that field of {module} is no text field this user may write; name another one, or let"
            " `target-zoho setup` make one"
        )
    if not found.get("unique"):
        raise ConfigError(
            f"{head}that field of {module} is not unique, so that Zoho would not keep two records of one external ID"
            " apart; set 'Do not allow duplicate values' for it in Zoho (Setup > Modules and Fields)"
        )
    return str(found["api_name"])
