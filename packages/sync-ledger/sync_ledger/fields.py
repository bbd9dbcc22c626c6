"""What a destination says about the fields of one of its entities.

An adapter builds these descriptions from the live metadata of its service; the engine checks every row against them
before anything is sent, so that a row the service would refuse is held with the field and the reason.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class FieldType(str, enum.Enum):
    """Kinds of values the engine can check and compare.

    The normalised form of a value (what adapters get in an operation and return from `read`) is a plain JSON value:
    `str` for STRING, DATE (`YYYY-MM-DD`), TIME (`HH:MM:SS`) and DATETIME (RFC 3339), `int` for INTEGER, `int` or
    `float` for NUMBER, `bool` for BOOLEAN, the service's own option id for OPTION, a sorted list of them for OPTIONS,
    the remote id of the related record for RELATION, `dict` for OBJECT and `list` for LIST.
    """

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    OPTION = "option"
    OPTIONS = "options"
    RELATION = "relation"
    OBJECT = "object"
    LIST = "list"


@dataclass(frozen=True)
class Field:
    """One writable or readable field of an entity.

    Attributes:
        name: How a mapping names it: the API name of a standard field, the label of a custom one.
        key: How the API names it; equals `name` for standard fields, a hash or a prefixed name for custom ones.
        type: Kind of value.
        required: A record cannot be created without it.
        creatable: May be given when a record is created.
        updatable: May be changed afterwards.
        nullable: May be emptied with null.
        max_length: Longest string the service stores, in characters; None when it has no limit.
        options: For OPTION and OPTIONS: label -> the id the service wants. For RELATION: name -> remote id, for values
            that are no external ID the ledger knows.
        within: For OPTION: the field whose value decides which options there are, such as a stage's pipeline.
        options_within: Value of that field -> the options there are then; `options` hold where it has none.
        relation: For RELATION: the entity whose external ID a mapped value is.
        attributes: For OBJECT: the keys the service accepts; None when any.
        items: For LIST of objects: the keys an item may have; None when any.
        people: The options are people, such as the users of the account; a snapshot does not list them.
        label: Another name a mapping may use, such as what users see where `name` is the API's; None without one.
        minimum: Least value the service takes, in normal form: of a number, or of a date as text; None without one.
        maximum: Greatest value it takes.
        forbidden: Characters an external ID in it must not have, since the service would not find them again.
        kept_as: Brings a normalised value into the form the service keeps it in, such as an amount rounded to its
            decimals, so that what is sent and what is read later are equal; None where it is kept as it is.
    """

    name: str
    key: str
    type: FieldType
    required: bool = False
    creatable: bool = True
    updatable: bool = True
    nullable: bool = True
    max_length: int | None = None
    options: Mapping[str, t.Any] | None = None
    within: str | None = None
    options_within: Mapping[t.Any, Mapping[str, t.Any]] | None = None
    relation: str | None = None
    attributes: frozenset[str] | None = None
    items: frozenset[str] | None = None
    people: bool = False
    label: str | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    forbidden: str = ""
    kept_as: Callable[[t.Any], t.Any] | None = None


class AmbiguousFieldError(LookupError):
    """Two fields of an entity answer to the same label; only the API key tells them apart."""


@dataclass(frozen=True)
class EntityDescription:
    """The fields of one entity as the service has them now.

    Attributes:
        entity: Name of the entity, which is also the name of the Singer stream.
        fields: All fields, in the service's order.
        external_id_field: The field that holds the external ID in the remote record; None where the service has none
            that could, so that only the ledger's links know it.
        after: Entities whose rows are written before this one's, beside those its RELATION fields point to.
    """

    entity: str
    fields: tuple[Field, ...]
    external_id_field: Field | None
    after: frozenset[str] = frozenset()
    _by_name: dict[str, list[Field]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for item in self.fields:
            for name in dict.fromkeys((item.name, item.key, item.label)):
                if name is not None:
                    self._by_name.setdefault(name, []).append(item)

    def find(self, name: str) -> Field | None:
        """Return the field a mapping means by `name`: its name or label first, its API key otherwise.

        Raises:
            AmbiguousFieldError: If several fields carry that label.
        """
        hits = self._by_name.get(name, [])
        if len(hits) > 1:
            keys = ", ".join(hit.key for hit in hits)
            raise AmbiguousFieldError(f"{self.entity} has {len(hits)} fields named {name!r} (API keys {keys})")
        return hits[0] if hits else None

    def names(self) -> Iterable[str]:
        """Return the names a mapping may use for writable fields."""
        return (item.name for item in self.fields if item.creatable or item.updatable)
