"""`sync-mapper` as a process: rows as they came at the source go in, rows as the destination wants them come out.

Only Singer messages cross the pipe, so that the ledger knows nothing of the mapper's insides. A STATE after each row
comes back behind all that the row has become, which tells whose it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import typing as t
from dataclasses import dataclass, field

from sync_ledger.engine.payload import to_json_text
from sync_ledger.errors import ConfigError
from sync_ledger.messages import MessageReader

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from sync_ledger.rows import Origin

COMMAND: t.Final = "sync-mapper"
UNMAPPED: t.Final = "_unmapped"

_MARK: t.Final = "row"
_SECONDS_TO_END: t.Final = 30


@dataclass
class Mapped:
    """What has become of one row.

    Attributes:
        records: Stream and record of each row made of it.
        unmapped: The records of `_unmapped` that tell why nothing could be made of it.
    """

    records: list[tuple[str, dict[str, t.Any]]] = field(default_factory=list)
    unmapped: list[dict[str, t.Any]] = field(default_factory=list)


@dataclass(frozen=True)
class MappedStream:
    """A stream the mapping makes of one of the source.

    Attributes:
        properties: Names of its properties.
        key_properties: Names of those that make its external ID.
    """

    properties: tuple[str, ...]
    key_properties: tuple[str, ...]


class MapperProcess:
    """The mapper with one mapping file; a context manager around one process.

    Args:
        mapping: The mapping file.

    Raises:
        ConfigError: If there is no such file or no mapper.
    """

    def __init__(self, mapping: Path) -> None:
        command = shutil.which(COMMAND)
        if command is None:
            raise ConfigError(
                f"There is no {COMMAND} on PATH; install it beside sync-ledger, or add its folder to PATH"
            )
        if not mapping.is_file():
            raise ConfigError(f"--mapping {mapping}: there is no such file")
        self._command = [command, "--config=ENV"]
        self.mapping = mapping
        self._reader = MessageReader()

    def __enter__(self) -> Self:
        self._names: dict[str, tuple[tuple[str, ...], dict[str, None]]] = {}
        self._streams: dict[str, dict[str, MappedStream]] = {}
        # What a person replays is wanted, however much of it fails: the guard over a whole load is off.
        environment = {
            **os.environ,
            "SYNC_MAPPER_MAPPING_FILE": str(self.mapping.resolve()),
            "SYNC_MAPPER_UNMAPPED_GUARD_PERCENT": "0",
            "LOGLEVEL": "ERROR",
        }
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603 - the mapper found on PATH, without a shell
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment
        )
        return self

    def __exit__(self, error: object, *_: object) -> None:
        process = self._process
        if error is not None:
            process.kill()  # it may be in the middle of an answer that nobody reads any more
        pipe = t.cast("t.IO[bytes]", process.stdin)
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        t.cast("t.IO[bytes]", process.stdout).close()
        self._log.close()

    def streams(self, source: str) -> Mapping[str, MappedStream]:
        """Return what the mapping makes of a stream of the source whose rows it has had."""
        return self._streams.get(source, {})

    def map(self, rows: Sequence[tuple[Origin, Mapping[str, t.Any]]]) -> list[Mapped]:
        """Map rows, each given with where it came from.

        Raises:
            ConfigError: If the mapper refuses the mapping, in its own words.
        """
        lines: list[dict[str, t.Any]] = []
        for source in self._declare(rows):
            key, names = self._names[source]
            schema = {"type": "object", "properties": {name: {} for name in names}}
            lines.append({"type": "SCHEMA", "stream": source, "schema": schema, "key_properties": list(key)})
            lines.append(_mark(source))
        for number, (origin, record) in enumerate(rows):
            lines.append({"type": "RECORD", "stream": origin.stream, "record": record})
            lines.append(_mark(number))
        writer = threading.Thread(target=self._write, args=(lines,), daemon=True)
        writer.start()
        found = self._read(len(rows))
        writer.join()
        return found

    def _declare(self, rows: Sequence[tuple[Origin, Mapping[str, t.Any]]]) -> list[str]:
        """Gather the properties of each stream from its rows; return the streams that have new ones."""
        changed: dict[str, None] = {}
        for origin, record in rows:
            key, names = self._names.setdefault(origin.stream, (tuple(origin.key), {}))
            wanted = [*origin.key, *record, *origin.missing]
            if not (names and names.keys() >= set(wanted)):
                names.update(dict.fromkeys(wanted))
                changed[origin.stream] = None
            if key != tuple(origin.key):
                self._names[origin.stream] = (tuple(origin.key), names)
                changed[origin.stream] = None
        return list(changed)

    def _write(self, lines: Sequence[Mapping[str, t.Any]]) -> None:
        pipe = t.cast("t.IO[bytes]", self._process.stdin)
        with contextlib.suppress(BrokenPipeError):  # the reader notices that the mapper has ended, and says why
            for line in lines:
                pipe.write(to_json_text(line).encode() + b"\n")
            pipe.flush()

    def _read(self, rows: int) -> list[Mapped]:
        found: list[Mapped] = []
        current, streams = Mapped(), {}
        for message in self._messages():
            kind, stream = message["type"], str(message.get("stream"))
            if kind == "RECORD":
                if stream == UNMAPPED:
                    current.unmapped.append(message["record"])
                else:
                    current.records.append((stream, message["record"]))
            elif kind == "SCHEMA" and stream != UNMAPPED:
                properties = tuple(message["schema"].get("properties", {}))
                streams[stream] = MappedStream(properties, tuple(message.get("key_properties") or ()))
            elif kind == "STATE":
                mark = message["value"][_MARK]
                if isinstance(mark, str):
                    self._streams[mark] = streams
                else:
                    found.append(current)
                current, streams = Mapped(), {}
                if len(found) == rows:
                    return found
        raise ConfigError(self._last_words())

    def _messages(self) -> Iterator[dict[str, t.Any]]:
        for line in self._process.stdout or ():
            yield self._reader.deserialize_json(line.decode())

    def _last_words(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        lines = [_plain(line) for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        words = "; ".join(lines) or f"it ended with exit code {code} and no message"
        return f"{COMMAND} cannot map with {self.mapping}: {words}"


def _mark(mark: int | str) -> dict[str, t.Any]:
    return {"type": "STATE", "value": {_MARK: mark}}


def _plain(line: str) -> str:
    """Return what a line of the mapper's log says, without time, level and name."""
    parts = line.split(" | ", 3)
    return parts[-1] if len(parts) == 4 else line  # noqa: PLR2004 - as singer-sdk formats its log
