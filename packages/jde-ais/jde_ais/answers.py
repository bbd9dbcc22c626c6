"""What comes back: pages, columns, the signed-on user and the server's own settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

Kind = Literal["string", "character", "number", "date", "time"]
"""Kind of a column's values. Discovery tells string, number and date apart; `character` (blank means none) and `time`
(HHMMSS as a number) are for callers who know more."""

KeyPart = int | str
"""Part of a key position: fit for JSON, dates as ISO text and fractions as text."""


@dataclass(frozen=True)
class Column:
    """One column of a table or view, as discovered; the alias of a view's has the table in front, `F0101.AN8`."""

    alias: str
    title: str
    kind: Literal["string", "number", "date"]


@dataclass(frozen=True)
class NextLink:
    """Where the next page of an open result set waits; good for about a minute."""

    table: str
    href: str = field(repr=False)  # carries the session's token
    token: str = field(repr=False)


@dataclass(frozen=True)
class Page:
    """One page of rows.

    Attributes:
        rows: Raw rows by alias. Numbers are int or Decimal, dates `YYYYMMDD` or blank; see `to_typed`.
        more: The server says that more rows match. A server-side fetch limit can make it say no too early.
        server_time: The server's local clock when it answered, without zone.
        next: The rest of the result set, when one was asked for and rows remain.
        last_key: Key position of the last row, when read by `keyset_pages`; give it back as `after` to go on there.
    """

    rows: list[dict[str, Any]]
    more: bool
    server_time: datetime | None = None
    next: NextLink | None = None
    last_key: tuple[KeyPart, ...] | None = None


@dataclass(frozen=True)
class UserInfo:
    """The signed-on user, as the log-in describes him.

    Attributes:
        username: User id.
        date_format: `simpleDateFormat`, the pattern in which date literals are sent.
        decimal_separator: `.` or `,` on the user's screens; numbers on the wire have a point.
        environment: Environment the session is in.
        role: Role the session has.
        time_zone_offset: Zone the user prefers (`UTC-05:00`); not the zone audit stamps are written in.
    """

    username: str
    date_format: str
    decimal_separator: str = "."
    environment: str = ""
    role: str = ""
    time_zone_offset: str = ""


@dataclass(frozen=True)
class ServerConfig:
    """The server's own settings, from `defaultconfig`; None where it does not tell.

    Attributes:
        idle_seconds: A token unused for so long is dropped.
        lifetime_seconds: A token of this age is dropped.
        version: Version text of the AIS Server.
        capabilities: Names of what the server can do.
        allow_user_password: Whether user and password in the body of a log-in are accepted.
        allow_basic: Whether a log-in by Basic authentication is accepted.
        has_v2: Whether there are services of version 2; False on EnterpriseOne Tools before 9.2.1.2.
    """

    idle_seconds: int | None = None
    lifetime_seconds: int | None = None
    version: str = ""
    capabilities: frozenset[str] = frozenset()
    allow_user_password: bool = True
    allow_basic: bool = True
    has_v2: bool = True
