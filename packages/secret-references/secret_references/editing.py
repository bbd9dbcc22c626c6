"""A text in the user's editor, through a file that nobody else can read and that is wiped afterwards."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from secret_references.errors import SecretError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_MEMORY = Path("/dev/shm")  # noqa: S108 - memory, not disk; the folder made in it is private


@contextlib.contextmanager
def private_file(text: str) -> Iterator[Path]:
    """Give a file with a text, in memory where the system has such a place; it is overwritten and removed at the end.

    Signals that end the program remove it too.
    """
    memory = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK) else None
    with _ended_by_exception():
        folder = Path(tempfile.mkdtemp(prefix="secrets-", dir=memory))  # readable for this user only
        try:
            file = folder / "secrets.yml"
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
            yield file
        finally:
            for left in folder.rglob("*"):  # an editor leaves copies
                _wipe(left)
            shutil.rmtree(folder, ignore_errors=True)


def edit(file: Path, environment: Mapping[str, str]) -> None:
    """Let the user edit a file with `$VISUAL` or `$EDITOR`.

    Raises:
        SecretError: The editor cannot be started or failed.
    """
    editor = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode  # noqa: S603 - the user's own
    except (OSError, ValueError):
        raise SecretError(f"the editor {editor} cannot be started; name one in EDITOR") from None
    if code:
        raise SecretError(f"the editor {editor} ended with exit code {code}; nothing was changed")


def _wipe(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as file:
                file.write(b"\0" * path.stat().st_size)
                file.flush()
                os.fsync(file.fileno())


@contextlib.contextmanager
def _ended_by_exception() -> Iterator[None]:
    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
