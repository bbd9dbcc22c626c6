"""Behaviours of the service that differ between sites or are not documented; the strictest reading is the default."""

from __future__ import annotations

import msgspec

from service_emulators import control


class Switches(control.Switches, kw_only=True, forbid_unknown_fields=True):
    """Switches of the AIS emulator; all can be changed while it runs."""

    date_format: str = "MM/dd/yyyy"
    """The user's simpleDateFormat: literals must be written so (yyyy, yy, MM, dd and separators)."""
    decimal_format: str = "."
    """The user's decimal separator, as told by the token answer."""
    misread_dates: bool = False
    """Date literals in another format are misread silently instead of refused."""
    null_dates: bool = False
    """Blank dates are answered as null instead of an empty string."""
    trailing_blanks: bool = False
    """All text is answered padded with blanks to its column's length; otherwise as it was stored."""
    fetch_cap: int = 2000
    """The HTML Server's fetch limit: most rows of one answer, whatever maxPageSize says; 0 for none."""
    cap_hides_more: bool = True
    """An answer cut by the fetch limit says moreRecords false and has no next link."""
    ignore_order_by: bool = False
    """Rows come unordered although an order was asked for."""
    order_columns_must_be_returned: bool = True
    """An orderBy column that is not in returnControlIDs is refused."""
    require_auto_find: bool = True
    """A query without autoFind is refused."""
    max_list_values: int = 1000
    """Most values of one LIST condition (a common database limit); 0 for none."""
    result_set_seconds: int = 60
    """Life of an open result set since its last page (resultSetTimeout)."""
    session_timeout_minutes: int = 30
    """Idle life of a token."""
    time_to_live_minutes: int = 720
    """Whole life of a token."""
    invalid_token_status: int = 444
    """Status for a token that is unknown, expired or of another device (some sites: 403)."""
    require_session_cookie: bool = False
    """A token is good only together with the JSESSIONID cookie set at log-in."""
    allow_basic: bool = True
    """Basic authentication is accepted."""
    allow_user_password: bool = True
    """User name and password in the body are accepted."""
    jwt: str = ""
    """The JSON Web Token that is accepted as a log-in (Authorization: Bearer); none is when empty."""
    v1_only: bool = False
    """An old tools release: everything below /jderest/v2 is 404."""
    unknown_object_status: int = 500
    """Status for an unknown table, view or column (one site: 503)."""
    latency: float = 0
    """Milliseconds added to each answer of the data service; other requests go on meanwhile."""
    href_base: str | None = None
    """Scheme, host and port of next-page links, when they differ from those the client used."""
    group_offset_minutes: int = -300
    """Zone of the midnight that date values of aggregations denote, as minutes from UTC."""
    row_security: dict[str, dict[str, list[str]]] = msgspec.field(default_factory=dict)
    """Rows hidden without a word: table -> alias -> values."""
    column_security: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Columns left out without a word: table -> aliases."""
    refused_tables: list[str] = msgspec.field(default_factory=list)
    """Tables the user may not read: 403."""
