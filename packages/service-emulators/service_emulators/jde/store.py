"""The database behind the emulator: one SQL table per JDE table, database column names, values as JDE stores them.

Text columns compare without regard to trailing blanks, as fixed-width columns do (SQLite's RTRIM collation).
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service_emulators.database import create_tables, index_statements
from service_emulators.jde import dates
from service_emulators.jde.dictionary import tables
from service_emulators.jde.values import to_plain, to_stored
from service_emulators.jde.views import views

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from service_emulators.jde.dictionary import Column, Table
    from service_emulators.jde.values import Stored


class RowError(ValueError):
    """Rows or conditions handed to the store that do not fit the dictionary; the message says which."""


class Store:
    """Rows of all tables of the dictionary, in a SQLite file.

    Args:
        path: The database file; a temporary one, deleted by `close`, when absent.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="jde-emulator-") if path is None else None
        file = path or Path(self._folder.name if self._folder else ".") / "jde.db"
        # As many connections as the server has threads to read in.
        self.engine = sa.create_engine(f"sqlite:///{file}", pool_size=40)
        sa.event.listen(self.engine, "connect", _prepare)
        self._tables = _sql_tables().tables
        with self.engine.connect() as connection:
            create_tables(connection, _sql_tables())

    def close(self) -> None:
        """Close all connections and delete a temporary database."""
        self.engine.dispose()
        if self._folder:
            self._folder.cleanup()

    def table(self, name: str) -> tuple[Table, sa.Table]:
        """Return the dictionary entry and the SQL table of a JDE table.

        Raises:
            RowError: There is no such table.
        """
        if name not in self._tables:
            raise RowError(f"there is no table {name!r}; there are {', '.join(sorted(self._tables))}")
        return tables()[name], self._tables[name]

    def source(self, name: str, kind: str) -> tuple[Table, sa.FromClause, dict[str, sa.Table]]:
        """Return the dictionary entry of a table or view, what to select from, and the SQL tables by name.

        Raises:
            RowError: There is no such table or view.
        """
        if kind == "table":
            table, sql = self.table(name)
            return table, sql, {name: sql}
        view = views().get(name)
        if view is None:
            raise RowError(f"there is no view {name!r}; there are {', '.join(sorted(views()))}")
        owners = {owner: self._tables[owner] for owner in view.owners}
        base = tables()[view.base]
        source: sa.FromClause = owners[view.base]
        for owner, aliases in view.joins.items():
            pairs = [(base.columns[alias].name, tables()[owner].columns[alias].name) for alias in aliases]
            same = [owners[view.base].c[one] == owners[owner].c[other] for one, other in pairs]
            source = source.join(owners[owner], sa.and_(*same))
        return view, source, owners

    @contextmanager
    def loading(self) -> Iterator[sa.Connection]:
        """Give a connection for loading many rows, all or none: indexes on the audit stamp are built at the end."""
        with self.engine.connect() as connection:
            for index in (index for table in self._tables.values() for index in table.indexes):
                connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")
            connection.commit()
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                for statement in index_statements(_sql_tables()):
                    connection.exec_driver_sql(statement)
                # A sample tells the planner enough; all of a large table would take seconds.
                connection.exec_driver_sql("PRAGMA analysis_limit=1000")
                connection.exec_driver_sql("ANALYZE")
                connection.commit()

    def load(
        self, connection: sa.Connection, name: str, aliases: Sequence[str], rows: list[tuple[Stored, ...]]
    ) -> None:
        """Insert rows of stored values quickly; columns not named get their blank."""
        if not rows:
            return
        table, _ = self.table(name)
        columns = ", ".join(table.columns[alias].name for alias in aliases)
        marks = ", ".join("?" * len(aliases))
        # Names come from the dictionary, values are bound.
        connection.exec_driver_sql(f"INSERT INTO {name} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - names of the dictionary, values bound

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows given by alias; returns how many.

        Raises:
            RowError: A column or value does not fit, or a key exists already.
        """
        table, sql = self.table(name)
        stored = [_stored(table, row) for row in rows]
        for row in stored:
            missing = [alias for alias in table.key if table.columns[alias].name not in row]
            if missing:
                raise RowError(f"a row of {name} lacks its key {', '.join(missing)}")
        try:
            with self.engine.begin() as connection:
                for row in stored:
                    connection.execute(sa.insert(sql).values(row))
        except sa.exc.IntegrityError as error:
            raise RowError(f"{name}: {error.orig}") from None
        return len(stored)

    def update(self, name: str, where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        """Change the rows that match; returns how many."""
        table, sql = self.table(name)
        statement = sa.update(sql).where(*self._where(table, sql, where)).values(_stored(table, changes))
        try:
            with self.engine.begin() as connection:
                return int(connection.execute(statement).rowcount)
        except sa.exc.IntegrityError as error:
            raise RowError(f"{name}: {error.orig}") from None

    def delete(self, name: str, where: Mapping[str, Any]) -> int:
        """Delete the rows that match; returns how many."""
        table, sql = self.table(name)
        with self.engine.begin() as connection:
            return int(connection.execute(sa.delete(sql).where(*self._where(table, sql, where))).rowcount)

    def read(self, name: str, where: Mapping[str, Any] | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Return rows as people read them (see `values.to_plain`), by alias, ordered by primary key."""
        table, sql = self.table(name)
        order = [sql.c[table.columns[alias].name] for alias in table.key]
        statement = sa.select(sql).where(*self._where(table, sql, where or {})).order_by(*order).limit(limit)
        columns = list(table.columns.values())
        with self.engine.connect() as connection:
            return [
                {column.alias: to_plain(column, value) for column, value in zip(columns, row, strict=True)}
                for row in connection.execute(statement)
            ]

    def count(self, name: str) -> int:
        """Return the number of rows of a table."""
        _, sql = self.table(name)
        with self.engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(sql)).scalar_one())

    def _where(self, table: Table, sql: sa.Table, where: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
        parts: list[sa.ColumnElement[bool]] = []
        for name, wanted in where.items():
            column = _known(table, name)
            values = [_fit(column, one) for one in (wanted if isinstance(wanted, list) else [wanted])]
            expression = sql.c[column.name]
            is_blank = sa.or_(expression.is_(None), expression == (0 if column.kind == "date" else None))
            parts.append(
                sa.or_(expression.in_([one for one in values if one is not None]), *[is_blank] * (None in values))
            )
        return parts


def stamp(table: Table, now: datetime, user: str = "JDE") -> dict[str, Any]:
    """Return the audit columns a program writes when it saves a row at ``now`` (server-local time)."""
    clock = now.hour * 10000 + now.minute * 100 + now.second
    return {"USER": user, "PID": "EP01012", "JOBN": "JDEWEB01", "UPMJ": now.date(), table.time: clock}


def _known(table: Table, name: str) -> Column:
    column = table.by_any_name(name)
    if not column:
        raise RowError(f"{table.name} has no column {name!r}")
    return column


def _fit(column: Column, value: Any) -> Stored:
    try:
        return to_stored(column, value)
    except ValueError as error:
        raise RowError(str(error)) from None


def _stored(table: Table, row: Mapping[str, Any]) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    for name, value in row.items():
        column = _known(table, name)
        found[column.name] = _fit(column, value)
    return found


@lru_cache(maxsize=1)
def _sql_tables() -> sa.MetaData:
    metadata = sa.MetaData()
    for table in tables().values():
        _sql_table(table, metadata)
    return metadata


def _sql_table(table: Table, metadata: sa.MetaData) -> None:
    columns: Iterable[sa.Column[Any]] = (
        sa.Column(
            column.name,
            sa.String(column.length, collation="RTRIM") if column.is_text else sa.Integer(),
            primary_key=column.alias in table.key,
            autoincrement=False,
            nullable=column.alias not in table.key,
            server_default=(" " if column.kind == "character" else "") if column.is_text else sa.text("0"),
        )
        for column in table.columns.values()
    )
    names = [table.columns[alias].name for alias in table.key]
    sql = sa.Table(table.name, metadata, *columns, sa.PrimaryKeyConstraint(*names))
    stamp_names = [table.columns[alias].name for alias in ("UPMJ", table.time)]
    sa.Index(f"{table.name}_stamp", *(sql.c[name] for name in [*stamp_names, *names]))


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # The emulator's data can be made again from its seed: speed matters more than surviving a power cut.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-16384")
    connection.execute("PRAGMA mmap_size=2147483648")
    connection.create_function("jde_format_date", 2, _format_date, deterministic=True)


def _format_date(julian: int | None, pattern: str) -> str | None:
    day = dates.from_julian(julian)
    if day is None:
        return None
    if pattern == "CALQTR":
        return f"{day.year}-{(day.month + 2) // 3}"
    return dates.format_date(day, pattern)
