"""Errors of the AIS client, sorted by what the caller can do about them.

    AisError
    ├── AisConfigError      a setting is wrong: address, table, column, date format; no retry can help
    ├── AisAuthError        log-in refused, or the user may not read what was asked
    ├── AisUnavailable      no answer, or only server errors, after all retries; a later run may succeed
    ├── AisProtocolError    an answer this client cannot make sense of
    ├── OrderNotHonoured    rows came in another order than asked for, so paging by key would lose rows
    └── ResultSetExpired    the rest of a server-side result set cannot be read; start it again

Every text is one line that names the setting concerned and the remedy. No text holds a password or a token.
"""

from __future__ import annotations


class AisError(Exception):
    """Base of all errors of this package; its text is one line for people."""


class AisConfigError(AisError):
    """A setting is wrong (address, table, column, date format); the text names it and the remedy."""


class AisAuthError(AisError):
    """The log-in was refused, or the signed-on user may not read what was asked."""


class AisUnavailable(AisError):  # noqa: N818 (a state of the server, and the name reads better where it is caught)
    """The server cannot be reached or fails on everything, retries included.

    Attributes:
        reached: Whether any HTTP answer came at all.
    """

    def __init__(self, message: str, *, reached: bool = False) -> None:
        super().__init__(message)
        self.reached = reached


class AisProtocolError(AisError):
    """The server answered something this client does not understand, or refused a request as malformed."""


class OrderNotHonoured(AisError):  # noqa: N818 (says what happened; the server, not this program, is at fault)
    """Rows came in another order than asked for, or a key came twice; going on by key would lose rows."""


class ResultSetExpired(AisError):  # noqa: N818 (the documented term for this state of the server)
    """The rest of a result set cannot be read any more; issue its first request again.

    Attributes:
        rows_read: Rows handed out before it expired, where the caller pages with `result_set_pages`.
    """

    def __init__(self, message: str, *, rows_read: int = 0) -> None:
        super().__init__(message)
        self.rows_read = rows_read
