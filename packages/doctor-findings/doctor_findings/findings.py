"""Findings and the way they are told."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import asdict, dataclass
from enum import Enum

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_STATUS_WIDTH, _CHECK_WIDTH = 8, 16


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
        status: How it went; a run cannot work with a failed one.
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
    """Report what does not stop a run, but may surprise."""
    return Finding(check, Status.WARNING, text, remedy)


def failed(check: str, text: str, remedy: str) -> Finding:
    """Report what stops a run."""
    return Finding(check, Status.FAILED, text, remedy)


def of_error(check: str, error: Exception, *, otherwise: str) -> Finding:
    """Report an error whose text names its remedy behind the last semicolon.

    Args:
        check: What was looked at.
        error: What happened; its text is one line without secrets.
        otherwise: The remedy if the error names none.
    """
    text, _, remedy = str(error).rpartition("; ")
    return failed(check, text, remedy) if text else failed(check, remedy, otherwise)


def tell(findings: Iterable[Finding], *, as_json: bool, echo: Callable[[str], object]) -> int:
    """Print findings as they come and return the exit code: 1 when a check has failed.

    Args:
        findings: The findings.
        as_json: One JSON object in place of lines.
        echo: Prints a line.
    """
    counts: Counter[Status] = Counter()
    found: list[Finding] = []
    for finding in findings:
        counts[finding.status] += 1
        found.append(finding)
        if as_json:
            continue
        echo(f"{finding.status.value.ljust(_STATUS_WIDTH)} {finding.check.ljust(_CHECK_WIDTH)} {finding.text}")
        if finding.remedy:
            echo(f"{'':{_STATUS_WIDTH + _CHECK_WIDTH + 1}} → {finding.remedy}")
    if as_json:
        report = {**{status.value: counts[status] for status in Status}, "findings": [asdict(one) for one in found]}
        echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        told = ", ".join(f"{counts[status]} {status.value}" for status in Status)
        echo(f"\n{told}{'; what needs the failed ones was left out' if counts[Status.FAILED] else ''}")
    return 1 if counts[Status.FAILED] else 0
