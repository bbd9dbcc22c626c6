"""Processes of `target-twilio` that can be killed. Started as a program, it forks one for every order.

Forked rather than started, since the imports take longer than all that is done here: a fork runs the same `main` as the
command does. Orders come as lines of JSON: `{"arguments": [...], "stdin": FILE, "stdout": FILE, "stderr": FILE}` begins
a process and is answered with its number, `{"wait": NUMBER}` with what ended it: its exit code, or minus the number of
the signal.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import traceback
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Forks:
    """The program, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, *arguments: str, stdin: Path, stdout: Path, stderr: Path) -> int:
        """Begin a process and return its number."""
        files = {"stdin": str(stdin), "stdout": str(stdout), "stderr": str(stderr)}
        return self._ask({"arguments": list(arguments), **files})

    def wait(self, number: int) -> int:
        """Wait for the end of a process and return what ended it."""
        return self._ask({"wait": number})

    def run(self, *arguments: str, stdin: Path) -> tuple[int, str]:
        """Run a process to its end; return its exit code and what it wrote to its standard error."""
        files = {name: stdin.with_name(f"{name}.txt") for name in ("stdout", "stderr")}
        for file in files.values():
            file.unlink(missing_ok=True)
        code = self.wait(self.begin(*arguments, stdin=stdin, **files))
        return code, files["stderr"].read_text()

    def _ask(self, order: dict[str, t.Any]) -> int:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextlib.contextmanager
def forking() -> Iterator[Forks]:
    """Start the program."""
    command = [sys.executable, str(Path(__file__))]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}  # the SDK warns of an old Python
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        yield Forks(process)
        process.stdin.close()
        process.wait()


def _run(order: dict[str, t.Any]) -> t.NoReturn:
    from target_twilio import __main__ as target  # noqa: PLC0415 - only the program needs it

    code: t.Any = 1
    try:
        for number, (name, flags) in enumerate(
            {"stdin": os.O_RDONLY, "stdout": os.O_WRONLY | os.O_CREAT, "stderr": os.O_WRONLY | os.O_CREAT}.items()
        ):
            os.dup2(os.open(order[name], flags, 0o600), number)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, closefd=False) for number, mode in enumerate(("r", "w", "w"))
        )
        sys.argv = ["target-twilio", *order["arguments"]]
        target.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except Exception:  # noqa: BLE001 - a fork must not go on as this program
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    import target_twilio.target  # noqa: F401, PLC0415 - what takes long is done once, before the first fork

    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        else:
            answer = os.fork() or _run(order)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
