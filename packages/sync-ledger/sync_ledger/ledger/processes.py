"""Processes of this host: whether the one that opened a run is still there."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

_MARGIN = timedelta(minutes=1)
"""The kernel's reckoning of when a process began and the clock of the ledger may be so far apart."""

_PROC = Path("/proc")


def lives(pid: int, seen: datetime | None) -> bool:
    """Whether a process of this host is the one that gave a sign of life at a moment.

    Numbers are given out anew: a process that began after that moment is another one. Where the system does not tell
    when it began, a process of that number counts as the one.
    """
    if pid == os.getpid():
        return False  # An earlier process had this number: it is ours now.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, of another user
    began = began_at(pid)
    return began is None or seen is None or began <= seen + _MARGIN


def began_at(pid: int) -> datetime | None:
    """Return when a process began; None where the system does not tell (it does on Linux)."""
    try:
        # The name of the program, in brackets, may hold blanks and brackets of its own; the 22nd field is ticks since
        # the system was started (proc(5)).
        ticks = int((_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19])
        lines = (_PROC / "stat").read_text("utf-8").splitlines()
        booted = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
        return datetime.fromtimestamp(booted, timezone.utc) + timedelta(seconds=ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
