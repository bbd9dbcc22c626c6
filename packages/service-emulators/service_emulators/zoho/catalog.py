"""Modules and fields of the org, built-in and custom, and the SQL table that each module's records lie in.

A module's table has the module's API name, a column for each field under the field's API name, and `$written_at`. What
a column holds: text and lists' values as they are; dates `YYYY-MM-DD`; times `YYYY-MM-DDTHH:MM:SSZ` in UTC, so that
their order is that of time; whole numbers, decimals and booleans as such; lookups and users as the id; several values
as a JSON array.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from service_emulators.zoho.default_fields import field_lines
from service_emulators.zoho.store import WRITTEN_AT
from service_emulators.zoho.tables import FIELDS, MODULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.types import TypeEngine

    from service_emulators.zoho.store import Store

USER_TYPES = frozenset({"ownerlookup", "userlookup"})
LIST_TYPES = frozenset({"picklist", "multiselectpicklist"})
_CURRENCY_DECIMALS = 2
TEXT_TYPES = frozenset({"text", "textarea", "email", "phone", "website", "picklist"})
_JSON = JSON(none_as_null=True)
_COLUMN_TYPES: dict[str, TypeEngine[Any]] = {
    "integer": BigInteger(),
    "bigint": BigInteger(),
    "lookup": BigInteger(),
    "ownerlookup": BigInteger(),
    "userlookup": BigInteger(),
    "double": Float(),
    "currency": Float(),
    "percent": Float(),
    "boolean": Boolean(),
    "multiselectpicklist": _JSON,
    "tag": _JSON,
    "territories": _JSON,
}


class Option(msgspec.Struct):
    """A value of a picklist.

    Attributes:
        id: id.
        display_value: what people see.
        actual_value: what the API reads and writes.
    """

    id: int
    display_value: str
    actual_value: str


class Field(msgspec.Struct, kw_only=True):
    """A field of a module.

    Attributes:
        id: id.
        api_name: API name, also the column's name.
        label: label.
        data_type: type of the fields API; `tag` and `territories` are the emulator's own words for two special lists.
        length: most characters of a text, most digits of a number.
        decimals: places behind the point.
        mandatory: a record must have it.
        read_only: only the service sets it.
        custom: made by a user, not built in.
        unique: case sensitivity of the check for duplicates; None when there is none.
        external: `org` or `user` for a field of external ids; None otherwise.
        lookup: module a lookup points to.
        options: values of a list.
    """

    id: int
    api_name: str
    label: str
    data_type: str
    length: int | None = None
    decimals: int | None = None
    mandatory: bool = False
    read_only: bool = False
    custom: bool = False
    unique: dict[str, bool] | None = None
    external: str | None = None
    lookup: str | None = None
    options: list[Option] = msgspec.field(default_factory=list)

    @property
    def case_sensitive(self) -> bool:
        """Whether values that differ in case only are different ones."""
        return bool(self.unique and self.unique.get("case_sensitive"))


class ModuleInfo(msgspec.Struct, kw_only=True):
    """What is stored about a module, its fields aside.

    Attributes:
        id: id.
        api_name: API name, also the table's name.
        singular: label of one record.
        plural: label of several.
        custom: made by a user, not built in.
        display_field: field that names a record.
        duplicate_field: field by which the service itself finds duplicates.
        hidden: the org's edition or profile does not show it.
    """

    id: int
    api_name: str
    singular: str
    plural: str
    custom: bool
    display_field: str
    duplicate_field: str
    hidden: bool = False


class Module:
    """A module with its fields.

    Attributes:
        info: what is stored about it.
        fields: fields by API name.
        table: where its records lie.
        keys: fields that upserts match by, in the order of creation: unique and external ones, not the system field.
    """

    def __init__(self, info: ModuleInfo, fields: Iterable[Field]) -> None:
        self.info = info
        self.name = info.api_name
        self.fields = {field.api_name: field for field in fields}
        columns = [
            Column(
                name,
                _COLUMN_TYPES.get(field.data_type, String()),
                primary_key=name == "id",
                autoincrement=False,
            )
            for name, field in self.fields.items()
        ]
        self.table = Table(self.name, MetaData(), *columns, Column(WRITTEN_AT, Float, nullable=False))
        Index(f"{self.name}_by_change", self.table.c.Modified_Time, self.table.c.id)
        self.keys = [field for field in self.fields.values() if field.unique is not None or field.external]
        names = [info.duplicate_field, *(field.api_name for field in self.keys)]
        self.matched = [self.fields[name] for name in dict.fromkeys(names) if name in self.fields]
        """Fields whose values are kept in the table `_keys`."""


class Catalog:
    """The modules of the org, read from the database once and after each change that was rolled back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._modules: dict[str, Module] | None = None

    def forget(self) -> None:
        """Reads the modules anew when they are next asked for."""
        self._modules = None

    def modules(self) -> dict[str, Module]:
        """Returns all modules by API name."""
        if self._modules is None:
            connection = self._store.connection
            fields: dict[str, list[Field]] = {}
            for module, definition in connection.execute(
                select(FIELDS.c.module, FIELDS.c.definition).order_by(FIELDS.c.id)
            ):
                fields.setdefault(module, []).append(msgspec.json.decode(definition, type=Field))
            self._modules = {}
            for (definition,) in connection.execute(select(MODULES.c.definition).order_by(MODULES.c.id)):
                info = msgspec.json.decode(definition, type=ModuleInfo)
                self._modules[info.api_name] = Module(info, fields.get(info.api_name, ()))
        return self._modules

    def find(self, name: str) -> Module | None:
        """Returns a module that the org shows, or None."""
        module = self.modules().get(name)
        return None if module is None or module.info.hidden else module

    def create_module(
        self, api_name: str, singular: str, text: str, *, display_field: str, duplicate_field: str, custom: bool
    ) -> Module:
        """Adds a module and its table.

        Args:
            api_name: API name.
            singular: label of one record.
            text: its fields, as in `default_fields`.
            display_field: field that names a record.
            duplicate_field: field by which the service itself finds duplicates.
            custom: made by a user.
        """
        store = self._store
        info = ModuleInfo(
            id=store.new_id(),
            api_name=api_name,
            singular=singular,
            plural=api_name.replace("_", " "),
            custom=custom,
            display_field=display_field,
            duplicate_field=duplicate_field,
        )
        store.connection.execute(insert(MODULES).values(id=info.id, api_name=api_name, definition=_text(info)))
        fields = []
        for line in field_lines(text):
            field = Field(
                id=store.new_id(),
                api_name=line.api_name,
                label=line.label,
                data_type=line.data_type,
                length=line.length,
                decimals=_CURRENCY_DECIMALS if line.data_type == "currency" else None,
                mandatory=line.mandatory,
                read_only=line.read_only,
                lookup=line.target,
                options=self.options(line.options),
            )
            fields.append(field)
        self._insert(api_name, fields)
        module = Module(info, fields)
        module.table.create(store.connection)
        self.modules()[api_name] = module
        return module

    def options(self, values: Iterable[str]) -> list[Option]:
        """Returns new picklist values."""
        return [Option(self._store.new_id(), value, value) for value in values]

    def set_hidden(self, name: str, *, hidden: bool) -> None:
        """Shows or hides a module, as editions and profiles do."""
        info = self.modules()[name].info
        info.hidden = hidden
        self._store.connection.execute(update(MODULES).where(MODULES.c.id == info.id).values(definition=_text(info)))

    def create_field(self, module: Module, field: Field) -> Module:
        """Adds a field and its column; returns the module as it is now."""
        self._insert(module.name, [field])
        changed = self._rebuilt(module, [*module.fields.values(), field])
        column = changed.table.c[field.api_name]
        kind = column.type.compile(self._store.connection.dialect)
        self._store.connection.exec_driver_sql(f'ALTER TABLE "{module.name}" ADD COLUMN "{field.api_name}" {kind}')
        return changed

    def save_field(self, module: Module, field: Field) -> Module:
        """Writes a changed field; returns the module as it is now."""
        statement = update(FIELDS).where(FIELDS.c.id == field.id).values(definition=_text(field))
        self._store.connection.execute(statement)
        return self._rebuilt(module, [field if old.id == field.id else old for old in module.fields.values()])

    def delete_field(self, module: Module, field: Field) -> Module:
        """Takes a field, its column and its values away; returns the module as it is now."""
        self._store.connection.execute(delete(FIELDS).where(FIELDS.c.id == field.id))
        self._store.connection.exec_driver_sql(f'ALTER TABLE "{module.name}" DROP COLUMN "{field.api_name}"')
        return self._rebuilt(module, [old for old in module.fields.values() if old.id != field.id])

    def _rebuilt(self, module: Module, fields: Iterable[Field]) -> Module:
        changed = Module(module.info, fields)
        self.modules()[module.name] = changed
        return changed

    def _insert(self, module: str, fields: Iterable[Field]) -> None:
        rows = [
            {"id": field.id, "module": module, "api_name": field.api_name, "definition": _text(field)}
            for field in fields
        ]
        self._store.connection.execute(insert(FIELDS), rows)


def api_name_of(label: str) -> str:
    """Returns the API name the service derives from a label: `JDE AN8` becomes `JDE_AN8`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", label.strip()).strip("_")


def _text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
