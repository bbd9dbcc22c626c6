"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(str, Enum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was looked at, in a word or two.
        status: How it went; a load cannot work with a failed one.
        text: What was found, one line without secrets.
        remedy: What helps; empty when nothing is wrong.
    """

    check: str
    status: Status
    text: str
    remedy: str = ""


def good(check: str, text: str) -> Finding:
    """Report that all is well."""
    return Finding(check, Status.OK, text)


def warning(check: str, text: str, remedy: str) -> Finding:
    """Report what does not stop a load, but may surprise."""
    return Finding(check, Status.WARNING, text, remedy)


def failed(check: str, text: str, remedy: str) -> Finding:
    """Report what stops a load."""
    return Finding(check, Status.FAILED, text, remedy)


def of_error(check: str, error: Exception, *, otherwise: str) -> Finding:
    """Report an error of the client or the settings; its last clause is the remedy.

    Args:
        check: What was looked at.
        error: What happened; its text is one line without secrets.
        otherwise: The remedy if the error names none.

    Returns:
        A failed finding.
    """
    text, _, remedy = str(error).rpartition("; ")
    return failed(check, text, remedy) if text else failed(check, remedy, otherwise)
