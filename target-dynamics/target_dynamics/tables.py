"""The tables of an environment: which entity set is which table, and which other tables their lookups point to.

The name of an entity set is not always the logical name with an `s` (Dataverse sheet section 9), so it is always read.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FIRST: t.Final = ("accounts", "contacts")
"""Entity sets a load of customers, suppliers and their people writes, parents before children."""

COLUMNS: t.Final = ("LogicalName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute")
"""What is asked of a table."""


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        logical: Logical name, such as `account`.
        entity: Name of its entity set, such as `accounts`: the Singer stream's.
        id: Logical name of the column with the primary id.
        name: Logical name of the column that names a row to people; None without one.
    """

    logical: str
    entity: str
    id: str
    name: str | None = None


class Tables:
    """The tables of one environment.

    Args:
        tables: All of them.
        named: Entity sets the settings name.
    """

    def __init__(self, tables: Iterable[Table], named: Sequence[str] = ()) -> None:
        self._by_set = {table.entity: table for table in tables}
        self._by_logical = {table.logical: table for table in self._by_set.values()}
        self._named = tuple(named)

    @classmethod
    def of(cls, definitions: Iterable[Mapping[str, t.Any]], named: Sequence[str] = ()) -> Tables:
        """Read the tables from `EntityDefinitions`; those without an entity set cannot be addressed."""
        return cls(
            (
                Table(
                    str(one["LogicalName"]),
                    str(one["EntitySetName"]),
                    str(one["PrimaryIdAttribute"]),
                    one.get("PrimaryNameAttribute") or None,
                )
                for one in definitions
                if one.get("EntitySetName") and one.get("PrimaryIdAttribute")
            ),
            named,
        )

    @property
    def entities(self) -> tuple[str, ...]:
        """Names of all entity sets, parents before children as far as that is known of them."""
        order = [*FIRST, *self._named, *sorted(self._by_set)]
        return tuple(dict.fromkeys(name for name in order if name in self._by_set))

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the entity sets a run is about."""
        return tuple(name for name in self.entities if name in {*FIRST, *self._named})

    @property
    def missing(self) -> tuple[str, ...]:
        """Entity sets that are named in the settings but not there."""
        return tuple(name for name in self._named if name not in self._by_set)

    def of_set(self, entity: str) -> Table:
        """Return the table of an entity set."""
        return self._by_set[entity]

    def of_logical(self, logical: str) -> Table | None:
        """Return a table by its logical name; None if it cannot be addressed."""
        return self._by_logical.get(logical)
