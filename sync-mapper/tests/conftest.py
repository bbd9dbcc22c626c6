from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sysconfig
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from sync_mapper.errors import MapperError, MappingError
from sync_mapper.mapper import SyncMapper
from sync_mapper.messages import MapperWriter

COMMAND = str(Path(sysconfig.get_path("scripts")) / "sync-mapper")


@dataclass
class Result:
    """What a run of the console script gave."""

    code: int
    messages: list[dict[str, t.Any]]
    log: str

    def of(self, kind: str, stream: str | None = None) -> list[dict[str, t.Any]]:
        found = [message for message in self.messages if message["type"] == kind]
        return [message for message in found if stream is None or message["stream"] == stream]

    def rows(self, stream: str) -> list[dict[str, t.Any]]:
        return [message["record"] for message in self.of("RECORD", stream)]

    @property
    def streams(self) -> list[str]:
        return [message["stream"] for message in self.of("SCHEMA")]

    @property
    def errors(self) -> list[str]:
        return [line for line in self.log.splitlines() if "| ERROR" in line]


class Pipe:
    """The mapper as Meltano runs it: a process of its own between two pipes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, messages: t.Iterable[dict[str, t.Any] | str], **config: t.Any) -> Result:
        lines = [item if isinstance(item, str) else json.dumps(item) for item in messages]
        return self.run_bytes("".join(f"{line}\n" for line in lines).encode(), **config)

    def run_bytes(self, data: bytes, **config: t.Any) -> Result:
        (self.folder / "config.json").write_text(json.dumps(config))
        done = subprocess.run(
            [COMMAND, "--config", "config.json"],
            input=data,
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1"},
            timeout=60,
            check=False,
        )
        out = [json.loads(line) for line in done.stdout.split(b"\n") if line]
        return Result(done.returncode, out, done.stderr.decode())


class InProcess:
    """The same mapper without a process of its own: a hundred times faster."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self.caplog = caplog

    def run(self, messages: t.Iterable[dict[str, t.Any] | str], **config: t.Any) -> Result:
        lines = [item if isinstance(item, str) else json.dumps(item) for item in messages]
        writer = _Collecting()
        self.caplog.clear()
        self.caplog.set_level(logging.INFO)
        code = 0
        errors: list[str] = []
        try:
            mapper = SyncMapper(config=json.loads(json.dumps(config)), message_writer=writer)
            mapper.listen(io.StringIO("".join(f"{line}\n" for line in lines)))
        except MappingError as error:
            code, errors = 1, list(error.problems)
        except MapperError as error:
            code, errors = 1, [str(error)]
        log = [f"| {entry.levelname} | {entry.getMessage()}" for entry in self.caplog.records]
        return Result(code, writer.messages, "\n".join([*log, *(f"| ERROR | {error}" for error in errors)]))


class _Collecting(MapperWriter):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, t.Any]] = []

    def write_message(self, message: t.Any) -> None:
        self.messages.append(json.loads(bytes(self.format_message(message))))


@pytest.fixture
def pipe(tmp_path: Path) -> Pipe:
    """The console script in a process of its own."""
    return Pipe(tmp_path)


@pytest.fixture
def mapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> InProcess:
    """The mapper in this process, with a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SyncMapper, "_setup_signal_handlers", lambda self: None)
    return InProcess(tmp_path, caplog)
