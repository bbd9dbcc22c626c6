"""The tables that the settings need: rights, keys, stamps, rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from jde_ais import AisAuthError, AisConfigError, AisError, BrowseRequest, ge

from tap_jdedwards.dictionary import DATE_COLUMN, load_dictionary, time_column
from tap_jdedwards.doctor.findings import failed, good, of_error, warning
from tap_jdedwards.reading import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from jde_ais import AisClient

    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.doctor.findings import Finding
    from tap_jdedwards.settings import TapSettings


@dataclass
class Needed:
    """A table that the settings need.

    Attributes:
        name: The table or view.
        streams: Composed streams that are made of it.
        own: Whether it is a stream of its own.
        key: Columns it is walked by; empty when nobody knows them.
        columns: Columns that composed streams take from it.
    """

    name: str
    streams: list[str] = field(default_factory=list)
    own: bool = False
    key: tuple[str, ...] = ()
    columns: set[str] = field(default_factory=set)

    @property
    def target(self) -> Literal["table", "view"]:
        """What it is to the server."""
        return "view" if self.name.startswith("V") else "table"


@dataclass(frozen=True)
class Seen:
    """What is known of a table that could be read.

    Attributes:
        needed: The table.
        rows: How many rows the user sees.
        clock: The server's local time when it answered.
    """

    needed: Needed
    rows: int
    clock: datetime | None


def tables_needed(settings: TapSettings, known: Mapping[str, Definition]) -> list[Needed]:
    """List the tables of the settings and of their composed streams, each once.

    Args:
        settings: The settings.
        known: Definitions of composed streams.

    Returns:
        Tables in the order of the settings.
    """
    dictionary = load_dictionary()
    found: dict[str, Needed] = {}
    for table in settings.tables:
        entry = dictionary.tables.get(table)
        key = settings.table_keys.get(table) or (entry.key if entry else ())
        found[table] = Needed(table, own=True, key=tuple(key))
    for stream in settings.streams:
        if stream not in known:
            continue
        for source in known[stream].sources.values():
            needed = found.setdefault(source.table, Needed(source.table))
            needed.streams.append(stream)
            needed.columns.update(source.columns)
            needed.key = needed.key or source.walk
    return list(found.values())


def check_table(client: AisClient, settings: TapSettings, needed: Needed) -> Iterator[Finding | Seen]:
    """Check one table.

    Args:
        client: A client that has logged in.
        settings: The settings.
        needed: The table.

    Yields:
        What was found; and, when it can be read, what other checks want to know of it.
    """
    check = f"table {needed.name}"
    try:
        columns = {column.alias: column.kind for column in client.columns(needed.name, needed.target)}
        lacking = _key_problem(needed, set(columns))
        if lacking is not None:
            yield lacking
            return
        total = client.count(needed.name, target_type=needed.target)
        sample = client.browse(BrowseRequest(needed.name, tuple(needed.key), page_size=1, target_type=needed.target))
        stamp = settings.replication_columns.get(needed.name, DATE_COLUMN) if needed.own else DATE_COLUMN
        dated = total
        if columns.get(stamp) == "date":
            dated = client.count(needed.name, ge(stamp, EARLIEST), needed.target)
    except AisError as error:
        yield _refusal(check, error, settings)
        return
    how = f"by {stamp}" if stamp in columns else "whole at every run"
    yield good(check, f"{total:,} rows, key {', '.join(needed.key)}, read {how}")
    yield from _columns(needed, columns, stamp)
    if not total:
        remedy = "if it should have rows: row security of this user, or another environment"
        yield warning(check, "no rows to see", remedy)
    elif sample.rows and not set(needed.key).issubset(sample.rows[0]):
        lost = ", ".join(alias for alias in needed.key if alias not in sample.rows[0])
        yield failed(check, f"rows come without {lost}, of the key", f"lift column security of this user on {lost}")
    if dated < total:
        yield _undated(needed, stamp, total - dated, total)
    yield Seen(needed, total, sample.server_time)


def _refusal(check: str, error: AisError, settings: TapSettings) -> Finding:
    found = of_error(check, error, otherwise="try again; see the log of the AIS Server")
    if isinstance(error, AisAuthError):
        who = settings.ais.username or "the user of the token"
        remedy = f"allow {who} (or its role) to view it in Data Browser security (P00950)"
        return failed(check, f"refused: {found.text}", remedy)
    if isinstance(error, AisConfigError):
        said = str(error).partition("It says: ")[2] or found.text
        remedy = "correct the name in the settings, or the environment: tables resolve to that of the session"
        return failed(check, f"the server does not know it or one of its columns: {said}", remedy)
    return found


def _key_problem(needed: Needed, columns: set[str]) -> Finding | None:
    check = f"table {needed.name}"
    if not needed.key:
        some = next(iter(sorted(columns)), "AN8")
        remedy = f'name its columns in the setting table_keys, like {{"{needed.name}": ["{some}"]}}'
        return failed(check, "its primary key is not known", remedy)
    hidden = [alias for alias in needed.key if alias not in columns]
    if hidden:
        text = f"no column {', '.join(hidden)} is to be seen, which its key needs"
        return failed(check, text, "lift column security of this user on it, or correct table_keys")
    return None


def _columns(needed: Needed, columns: Mapping[str, str], stamp: str) -> Iterator[Finding]:
    check = f"columns {needed.name}"
    known = load_dictionary().tables.get(needed.name)
    expected = [] if known is None else [DATE_COLUMN, *([known.time] if known.time else [])]
    hidden = [alias for alias in expected if alias not in columns]
    if DATE_COLUMN in hidden and stamp == DATE_COLUMN:
        text = f"{DATE_COLUMN} is not to be seen, so changes cannot be told and the table is read whole at every run"
        yield warning(check, text, "lift column security of this user on it")
    elif hidden and time_column(columns) is None:
        text = f"{', '.join(hidden)} is not to be seen, so each run reads the whole last day again"
        yield warning(check, text, "lift column security of this user on it")
    if stamp not in {DATE_COLUMN, ""} and columns.get(stamp) != "date":
        there = ", ".join(sorted(alias for alias, kind in columns.items() if kind == "date"))
        yield failed(check, f"{stamp} is no date column of it", f"name another in replication_columns: {there}")
    missing = sorted(needed.columns - set(columns))
    if missing:
        text = f"not to be seen, and null in {', '.join(needed.streams)}: {', '.join(missing)}"
        yield warning(check, text, "lift column security of this user on them, if they are wanted")


def _undated(needed: Needed, stamp: str, rows: int, total: int) -> Finding:
    text = f"{rows:,} of {total:,} rows have no {stamp}: the first load reads them, later runs do not see them change"
    remedy = "load the stream anew from time to time"
    if needed.own:
        remedy = f'name a date column that is filled in replication_columns, or read it whole: {{"{needed.name}": ""}}'
    return warning(f"dates {needed.name}", text, remedy)
