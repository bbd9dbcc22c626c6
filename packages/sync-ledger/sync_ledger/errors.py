"""Errors of targets, sorted by what the caller can do about them.

    SyncError
    ├── ConfigError            the run cannot start: a setting, stream or field is wrong; says which and what to do
    ├── InputError             what came in is not Singer, or nothing a target of ours can take
    ├── LedgerError            the ledger cannot be opened or is damaged
    ├── GuardError             too many rows failed or would be deleted; everything read is settled
    ├── CountMismatchError     rows read and outcomes differ: a defect of ours, never hidden
    └── ServiceError           the destination, for all rows alike
        ├── CredentialsError   log-in refused
        ├── ServiceUnavailableError   not reachable or failing for every row
        └── BudgetExhaustedError      rate or daily budget used up; the rows left are settled as failed

A fault of one row is no exception but an outcome.
"""

from __future__ import annotations


class SyncError(Exception):
    """Base of all errors a run ends with; its text is one line for people."""


class ConfigError(SyncError):
    """A setting, stream or field is wrong; the text names it and the remedy."""


class InputError(SyncError):
    """The input cannot be read as Singer messages; the text shows the beginning of the line."""


class LedgerError(SyncError):
    """The ledger cannot be opened, migrated or read."""


class CountMismatchError(SyncError):
    """Rows read and outcomes settled differ at the end of a run."""


class GuardError(SyncError):
    """More rows failed, or would be deleted, than a setting allows; the text names it."""


class ServiceError(SyncError):
    """The destination failed for reasons that concern every row."""


class CredentialsError(ServiceError):
    """The destination refused the credentials."""


class ServiceUnavailableError(ServiceError):
    """The destination cannot be reached, or fails on everything."""


class BudgetExhaustedError(ServiceError):
    """The rate or daily budget of the account is used up."""
