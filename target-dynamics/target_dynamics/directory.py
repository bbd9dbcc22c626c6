"""What an environment names by words: its tables, and the rows of tables that lookups name, such as currencies."""

from __future__ import annotations

import threading
import typing as t
from collections import Counter

from sync_ledger.names import Names, folded

from target_dynamics.metadata import listed
from target_dynamics.refusals import concerning
from target_dynamics.tables import COLUMNS, Tables

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_dynamics.client import DynamicsClient

_MORE_NAMES: t.Final[Mapping[str, tuple[str, ...]]] = {
    "systemuser": ("internalemailaddress", "domainname"),
    "transactioncurrency": ("isocurrencycode",),
}
"""Table -> columns beside its primary name by which people know its rows."""

_SWITCHED_OFF: t.Final = {"systemuser": "isdisabled eq false"}
"""Table -> condition that leaves out rows nothing can be given to any more."""


def tables(client: DynamicsClient, named: Sequence[str]) -> Tables:
    """Return the tables of an environment.

    Args:
        client: Client of the environment.
        named: Entity sets the settings name.
    """
    with concerning("the list of tables"):
        data = client.get("/EntityDefinitions", {"$select": ",".join(COLUMNS)}).data
    return Tables.of(listed(data, "the list of tables"), named)


def _by_name(rows: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the ids of rows (id -> names) by any name only one of them has."""
    known = {key: {folded(name) for name in names if name.strip()} for key, names in rows.items()}
    seen = Counter(name for names in known.values() for name in names)
    return {name: key for key, names in known.items() for name in sorted(names) if seen[name] == 1}


class Directory:
    """The rows that lookups name, asked for when they are first needed and once a run.

    Args:
        client: Client of the environment.
        tables: Returns its tables.
    """

    def __init__(self, client: DynamicsClient, tables: Callable[[], Tables]) -> None:
        self._client = client
        self._tables = tables
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, list[str]]] = {}
        self._names: dict[tuple[str, ...], Names] = {}

    def names(self, logical: Sequence[str]) -> Names:
        """Return the names of the rows of some tables."""
        wanted = tuple(logical)
        with self._lock:
            if wanted not in self._names:
                self._names[wanted] = Names(lambda: _by_name(self._load(wanted)))
            return self._names[wanted]

    def table_of(self, logical: Sequence[str], row: str) -> str:
        """Return the logical name of the table, one of some, that has a row."""
        for name in logical:
            with self._lock:
                rows = self._rows.get(name, {})
            if row in rows:
                return name
        return logical[0]

    def _load(self, logical: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in logical:
            rows = self._read(name)
            with self._lock:
                self._rows[name] = rows
            found.update(rows)
        return found

    def _read(self, logical: str) -> dict[str, list[str]]:
        table = self._tables().of_logical(logical)
        if table is None:
            return {}
        columns = [*([table.name] if table.name else []), *_MORE_NAMES.get(logical, ())]
        params = {"$select": ",".join([table.id, *columns])}
        if logical in _SWITCHED_OFF:
            params["$filter"] = _SWITCHED_OFF[logical]
        with concerning(f"the names of {table.entity}"):
            return {
                str(row[table.id]).lower(): [str(row[column]) for column in columns if row.get(column)]
                for page in self._client.pages(f"/{table.entity}", params)
                for row in page
            }
