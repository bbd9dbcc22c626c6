"""The tables that the settings need: rights, keys, stamps, rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from doctor_findings import failed, good, of_error, warning
from jde_ais import AisAuthError, AisConfigError, AisError, BrowseRequest, ge

from tap_jdedwards.dictionary import DATE_COLUMN, load_dictionary
from tap_jdedwards.reading import EARLIEST
from tap_jdedwards.tables import table_stream
from tap_jdedwards.tables.names import property_names, target_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from doctor_findings import Finding

    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.settings import TapSettings
    from tap_jdedwards.tap import TapJDEdwards

CODES_TABLE, CODES_KEY = "F0005", ("SY", "RT", "KY")
"""Where descriptions of user defined codes come from."""


@dataclass
class Needed:
    """A table that the settings need.

    Attributes:
        name: The table or view.
        own: Whether it is a stream of its own.
        streams: Composed streams that are made of it.
        key: Columns that composed streams walk it by.
        columns: Columns that composed streams take from it.
    """

    name: str
    own: bool = False
    streams: list[str] = field(default_factory=list)
    key: tuple[str, ...] = ()
    columns: set[str] = field(default_factory=set)

    @property
    def target(self) -> Literal["table", "view"]:
        """What it is to the server."""
        return target_type(self.name)


@dataclass(frozen=True)
class Seen:
    """What is known of a table that could be read.

    Attributes:
        needed: The table.
        column: A column of its key, as the server calls it.
        rows: How many rows the user sees.
        clock: The server's local time when it answered.
    """

    needed: Needed
    column: str
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
    found = {table: Needed(table, own=True) for table in settings.tables}
    for stream in settings.streams:
        for source in known[stream].sources.values() if stream in known else ():
            needed = found.setdefault(source.table, Needed(source.table))
            if stream not in needed.streams:
                needed.streams.append(stream)
            needed.columns.update(source.columns)
            needed.key = needed.key or source.walk
    if settings.udc_descriptions and settings.streams:
        codes = found.setdefault(CODES_TABLE, Needed(CODES_TABLE, key=CODES_KEY))
        codes.streams.extend(stream for stream in settings.streams if stream not in codes.streams)
    return list(found.values())


def check_table(tap: TapJDEdwards, needed: Needed) -> Iterator[Finding | Seen]:
    """Check one table.

    Args:
        tap: A tap whose client has logged in.
        needed: The table.

    Yields:
        What was found; and, when it can be read, what other checks want to know of it.
    """
    check, client = f"table {needed.name}", tap.client
    try:
        aliases = property_names(column.alias for column in client.columns(needed.name, needed.target))
        key, stamp = needed.key, DATE_COLUMN if DATE_COLUMN in aliases else None
        if needed.own:
            stream = table_stream(tap, needed.name)
            key, stamp = tuple(stream.primary_keys), stream.replication_key
        hidden = [name for name in key if name not in aliases]
        if hidden:
            text = f"no column {', '.join(hidden)} is to be seen, which its key needs"
            yield failed(check, text, f"lift column security of this user on {', '.join(hidden)}")
            return
        names = tuple(aliases[name] for name in key)
        total = client.count(needed.name, target_type=needed.target)
        sample = client.browse(BrowseRequest(needed.name, names, page_size=1, target_type=needed.target))
        dated = total
        if stamp is not None:
            dated = client.count(needed.name, ge(aliases[stamp], EARLIEST), needed.target)
    except AisError as error:
        yield _refusal(check, error, tap.settings)
        return
    how = f"by {stamp}" if stamp is not None else "whole at every run"
    yield good(check, f"{total:,} rows, key {', '.join(key)}, read {how}")
    yield from _columns(needed, set(aliases), stamp)
    if not total:
        yield warning(check, "no rows to see", "if it should have rows: row security of this user, or the environment")
    lost = [name for name in names if sample.rows and name not in sample.rows[0]]
    if lost:
        text = f"rows come without {', '.join(lost)}, of the key"
        yield failed(check, text, f"lift column security of this user on {', '.join(lost)}")
    if stamp is not None and dated < total:
        yield _undated(needed, stamp, total - dated, total)
    yield Seen(needed, names[0], total, sample.server_time)


def _refusal(check: str, error: AisError, settings: TapSettings) -> Finding:
    found = of_error(check, error, otherwise="try again; see the log of the AIS Server")
    if isinstance(error, AisAuthError):
        who = settings.ais.username or "the user of the token"
        remedy = f"allow {who} (or its role) to view it in Data Browser security (P00950)"
        return failed(check, f"refused: {found.text}", remedy)
    text = str(error)
    if isinstance(error, AisConfigError) and "It says: " in text:
        remedy = "correct the name in the settings, or the environment: tables resolve to that of the session"
        return failed(
            check, f"the server does not know it or one of its columns: {text.partition('It says: ')[2]}", remedy
        )
    if isinstance(error, AisConfigError):
        head, colon, tail = text.partition(": name its columns")
        if colon:
            return failed(check, head, f"name its columns{tail}")
        return failed(check, text, "lift column security of this user on it, or correct the setting")
    return found


def _columns(needed: Needed, seen: set[str], stamp: str | None) -> Iterator[Finding]:
    check = f"columns {needed.name}"
    known = load_dictionary().tables.get(needed.name)
    expected = () if known is None else (DATE_COLUMN, *((known.time,) if known.time else ()))
    hidden = [name for name in expected if name not in seen]
    lift = "lift column security of this user on it"
    if DATE_COLUMN in hidden and stamp is None:
        yield warning(
            check, f"{DATE_COLUMN} is not to be seen, so changes cannot be told and all is read each time", lift
        )
    elif hidden and stamp == DATE_COLUMN:
        yield warning(check, f"{', '.join(hidden)} is not to be seen, so each run reads the last day again", lift)
    missing = sorted(needed.columns - seen)
    if missing:
        text = f"not to be seen, and null in {', '.join(needed.streams)}: {', '.join(missing)}"
        yield warning(check, text, "lift column security of this user on them, if they are wanted")


def _undated(needed: Needed, stamp: str, rows: int, total: int) -> Finding:
    text = f"{rows:,} of {total:,} rows have no {stamp}"
    if needed.own:
        remedy = f'name a date column that is filled in replication_columns, or read it whole: {{"{needed.name}": ""}}'
        return warning(
            f"dates {needed.name}", f"{text}: nobody can tell whether they changed, so each run reads them", remedy
        )
    text = f"{text}: a change of theirs shows in {', '.join(needed.streams)} with the next whole load only"
    return warning(f"dates {needed.name}", text, "load the stream anew from time to time")
