"""Child processes that never outlive the command that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_SECONDS = 10


class Stopped(BaseException):
    """A signal asked the command to stop.

    Attributes:
        code: Exit code, 128 and the signal's number as in a shell.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.code = 128 + signum


def stop_on_signals() -> None:
    """Turn Ctrl-C, SIGTERM and a closed terminal into `Stopped`, so that every `finally` is run."""

    def stop(signum: int, _frame: object) -> None:
        for other in signals:
            signal.signal(other, signal.SIG_IGN)  # once is enough: what follows must not be cut short
        raise Stopped(signum)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for signum in signals:
        signal.signal(signum, stop)


@contextlib.contextmanager
def child(command: list[str], **options: t.Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a process group of its own; at the end nothing of the group is left."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything it started."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
        # A group whose leader is gone may still have members; they get SIGKILL in the second round.


def run(main: t.Callable[[], int]) -> t.NoReturn:
    """Run a command's main function and leave with its exit code; a signal is one line."""
    stop_on_signals()
    try:
        code = main()
    except Stopped as stopped:
        print("Stopped.", file=sys.stderr)
        code = stopped.code
    sys.exit(code)
