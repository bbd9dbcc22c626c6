"""Singer messages for commands: from a tap that is started for them, or from a file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import typing as t
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sync_mapper import damaged
from sync_mapper.errors import InputError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Message = dict[str, t.Any]
_PATIENCE_SECONDS = 30
"""How long a tap may take to end after it was told to; then it is killed."""


@contextmanager
def messages(*, tap: str | None = None, file: str | None = None) -> Iterator[Iterator[Message]]:
    """Give the messages of a tap or of a file; leaving early ends the tap.

    Args:
        tap: Command line of a tap; what it logs is shown if it fails.
        file: File of Singer messages.

    Raises:
        InputError: The tap cannot be started or fails, the file cannot be read, or a line is no message.
    """
    if tap is not None:
        with _running(tap) as lines:
            yield _decoded(lines)
        return
    assert file is not None  # noqa: S101 - callers have one of the two
    try:
        with Path(file).open("rb") as opened:
            yield _decoded(opened)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error


@contextmanager
def _running(tap: str) -> Iterator[Iterable[bytes]]:
    with tempfile.TemporaryFile() as log:
        try:
            words = shlex.split(tap)
            # In a session of its own it can be ended with all it started: behind `uv run` or a script stands the tap.
            process = subprocess.Popen(  # noqa: S603 - the user's own command
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        except (OSError, ValueError, IndexError) as error:
            raise InputError(f"--tap: the command cannot be started: {error}") from error
        assert process.stdout is not None  # noqa: S101 - it was asked for
        with process, process.stdout as lines:
            try:
                yield _to_its_end(process, lines, log)
            finally:
                if process.poll() is None:
                    _stop(process)


def _to_its_end(process: subprocess.Popen[bytes], lines: Iterable[bytes], log: t.IO[bytes]) -> Iterator[bytes]:
    """Return the lines of a tap; one that fails gives an error where they end, after what it logged."""
    yield from lines
    if process.wait():
        log.seek(0)
        sys.stderr.write(log.read().decode("utf-8", "replace"))
        raise InputError(f"--tap: the tap ended with exit code {process.returncode}; see its own messages")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Tell a tap to end. Its output is still read meanwhile: one that waits to write would never hear of it."""
    _signal(process, signal.SIGTERM)
    try:
        process.communicate(timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.kill()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a tap and what it started; where there are no groups of processes, to the tap."""
    if not hasattr(os, "killpg"):
        process.terminate()
        return
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:  # it has just ended
        return


def _decoded(lines: Iterable[bytes]) -> Iterator[Message]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            message = _message(decode, line)
        except ValueError as error:
            raise InputError(f"Line {number} of the input is not valid JSON: {error}") from error
        except RecursionError as error:
            raise InputError(f"Line {number} of the input is nested too deeply to be read") from error
        if not isinstance(message, dict) or "type" not in message:
            raise InputError(f"Line {number} of the input is no Singer message: it has no type")
        yield message


def _message(decode: Callable[[bytes], t.Any], line: bytes) -> t.Any:
    try:
        return decode(line)
    except msgspec.DecodeError as error:
        try:
            message = damaged.readable(line)
        except ValueError:
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("record"), dict):  # only rows may be damaged
            raise error from None  # the one that names the place
        return message
