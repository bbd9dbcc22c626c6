"""The keys of one stream that the destination may hold, in an SQLite file."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

Key = tuple[Any, ...]
"""Values of the key properties as records hold them: text, numbers, ISO dates; none is null."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    seen INTEGER NOT NULL DEFAULT 0,
    added INTEGER,
    gone INTEGER,
    gone_at TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS added_keys ON keys (added) WHERE added IS NOT NULL;
CREATE INDEX IF NOT EXISTS gone_keys ON keys (gone) WHERE gone IS NOT NULL;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_PAGE = 500

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode


class KeysError(ValueError):
    """The file of the keys cannot be used; the text names it and the setting ``keys_path``."""


def encoded(key: Sequence[Any]) -> str:
    """Write a key as text; equal keys give equal text, whatever number type they came in.

    Args:
        key: Its values.

    Returns:
        Compact JSON.
    """
    return _encode([_plain(value) for value in key]).decode()


def decoded(text: str) -> Key:
    """Read what :func:`encoded` wrote."""
    return tuple(_decode(text))


def _plain(value: Any) -> Any:
    if isinstance(value, (float, Decimal)):
        return int(value) if value == int(value) else value.normalize() if isinstance(value, Decimal) else value
    return value


class KeyStore:
    """Keys page by page in, vanished and new ones page by page out; memory stays flat.

    Each key has four marks: ``seen``, the last sweep that found it at the source; ``added``, the sweep that found it
    before any record had told of it, until that is acknowledged; ``gone`` and ``gone_at``, the sweep and moment of its
    deletion, until that is acknowledged.

    Args:
        path: The file; its folder is made when missing.
        key: Names of the key properties. A file of other ones is begun anew.

    Raises:
        KeysError: When the file cannot be opened or another process has it.
    """

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self._path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            self._db.execute("BEGIN IMMEDIATE")  # takes the file; locking_mode keeps it
            if self._fact("key") != encoded(key):
                self._db.execute("DELETE FROM keys")
                self._db.execute("DELETE FROM facts")
                self._note("key", encoded(key))
            self._db.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def learned(self) -> bool:
        """Whether all keys of the source have been taken in once, so that one not among them is a new one."""
        return self._fact("learned") is not None

    @property
    def sweep(self) -> int:
        """Number of the last sweep begun; 0 before the first."""
        return int(self._fact("sweep") or 0)

    @property
    def acknowledged(self) -> int:
        """Number of the last sweep that the destination is known to have."""
        return int(self._fact("acknowledged") or 0)

    def note(self, **facts: int) -> None:
        """Keep facts: ``learned``, ``sweep``, ``acknowledged``, ``from_start``."""
        with self._told(), self._transaction():
            for name, value in facts.items():
                self._note(name, str(value))

    def knows(self, fact: str) -> bool:
        """Tell whether a fact has been noted."""
        return self._fact(fact) is not None

    def put(self, keys: Iterable[Sequence[Any]]) -> None:
        """Take in keys of records that are about to be written."""
        with self._told(), self._transaction():
            self._db.executemany(
                "INSERT INTO keys (key) VALUES (?) ON CONFLICT (key) DO UPDATE "
                "SET added = NULL, gone = NULL, gone_at = NULL WHERE added IS NOT NULL OR gone IS NOT NULL",
                ((encoded(key),) for key in keys),
            )

    def found(self, keys: Iterable[Sequence[Any]], sweep: int, *, learning: bool = False) -> None:
        """Note which keys a sweep found at the source.

        Args:
            keys: The keys.
            sweep: Its number.
            learning: Whether unknown keys are taken for ones that the destination has.
        """
        added = None if learning else sweep
        with self._told(), self._transaction():
            self._db.executemany(
                "INSERT INTO keys (key, seen, added) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET seen = ?2, "
                "added = CASE WHEN gone IS NULL THEN added ELSE ?2 END, gone = NULL, gone_at = NULL",
                ((encoded(key), sweep, added) for key in keys),
            )

    def forget(self, keys: Iterable[Sequence[Any]], sweep: int) -> None:
        """Drop keys that a sweep was the first to find, so that the next one finds them again."""
        with self._told(), self._transaction():
            self._db.executemany(
                "DELETE FROM keys WHERE key = ? AND added = ?", ((encoded(key), sweep) for key in keys)
            )

    def leave_out(self, keys: Iterable[Sequence[Any]]) -> None:
        """Drop keys of rows that are no longer wanted, so that nothing is told of them."""
        with self._told(), self._transaction():
            self._db.executemany("DELETE FROM keys WHERE key = ?", ((encoded(key),) for key in keys))

    def count(self, where: str = "gone IS NULL", *values: int) -> int:
        """Count keys, by default those not gone."""
        with self._told():
            (number,) = self._db.execute(f"SELECT count(*) FROM keys WHERE {where}", values).fetchone()  # noqa: S608
        return int(number)

    def vanished(self, sweep: int) -> int:
        """Count the keys that a sweep has not found."""
        return self.count("gone IS NULL AND seen < ?", sweep)

    def pages_vanished(self, sweep: int) -> Iterator[list[Key]]:
        """Page through the keys that a sweep has not found; they may be marked meanwhile."""
        return self._pages("gone IS NULL AND seen < ?", sweep)

    def pages_added(self) -> Iterator[list[Key]]:
        """Page through the keys that sweeps have found first and nobody has acknowledged."""
        return self._pages("added IS NOT NULL")

    def pages_gone(self, before: int) -> Iterator[list[tuple[Key, str]]]:
        """Page through the keys told as deleted by sweeps before one, with the moment; nobody has acknowledged them."""
        last = ""
        while rows := self._rows("key, gone_at", "gone < ? AND key > ?", before, last):
            last = rows[-1][0]
            yield [(decoded(key), at) for key, at in rows]

    def bury(self, keys: Iterable[Sequence[Any]], sweep: int, at: str) -> None:
        """Mark keys as deleted.

        Args:
            keys: The keys.
            sweep: Number of the sweep that found them vanished.
            at: The moment, ISO 8601.
        """
        with self._told(), self._transaction():
            self._db.executemany(
                "UPDATE keys SET gone = ?, gone_at = ?, added = NULL WHERE key = ?",
                ((sweep, at, encoded(key)) for key in keys),
            )

    def acknowledge(self, sweep: int) -> None:
        """Forget what was kept for a repetition up to a sweep: the destination has it."""
        with self._told(), self._transaction():
            self._db.execute("DELETE FROM keys WHERE gone <= ?", (sweep,))
            self._db.execute("UPDATE keys SET added = NULL WHERE added <= ?", (sweep,))
            self._note("acknowledged", str(sweep))

    def _pages(self, where: str, *values: int) -> Iterator[list[Key]]:
        last = ""
        while rows := self._rows("key", f"{where} AND key > ?", *values, last):
            last = rows[-1][0]
            yield [decoded(key) for (key,) in rows]

    def _rows(self, columns: str, where: str, *values: Any) -> list[tuple[Any, ...]]:
        # Each page is a query of its own: marks set between two pages must not confuse an open cursor.
        query = f"SELECT {columns} FROM keys WHERE {where} ORDER BY key LIMIT {_PAGE}"  # noqa: S608 -- no input in it
        with self._told():
            return self._db.execute(query, values).fetchall()

    def _fact(self, name: str) -> str | None:
        with self._told():
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _note(self, name: str, value: str) -> None:
        self._db.execute("INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", (name, value))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell errors of the file in one line."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise KeysError(f"{self._path} (keys_path) is used by another run; let one end first") from error
            raise KeysError(f"{self._path} (keys_path) cannot be used: {error}") from error
        except (sqlite3.Error, OSError) as error:
            raise KeysError(
                f"{self._path} (keys_path) cannot be used: {error}; put it right or delete it, the keys are then "
                "learned anew and deletions made in between are missed"
            ) from error
