"""The undo file: each record as it was before it was archived, flagged or deleted, one JSON object a line.

A line is on disk before the service is asked, so that whatever happens afterwards the record can be brought back.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy.engine import make_url

from sync_ledger.engine.payload import from_json_text, to_json_text
from sync_ledger.errors import ConfigError, InputError
from sync_ledger.ledger.clock import now

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_BEGINNING: t.Final = '{"at":'
_KEYS: t.Final = frozenset({"destination", "entity", "external_id", "remote_id", "did", "record", "payload"})


@dataclass(frozen=True)
class Removal:
    """A record as it was before something was done with it.

    Attributes:
        destination: Account it is in.
        entity: Entity.
        external_id: External ID.
        remote_id: Id of the record.
        did: `archive`, `flag` or `delete`.
        record: Field -> normalised value, all the service returned.
        payload: What the link said was last sent.
        flag: With `flag`, field -> value that was set.
    """

    destination: str
    entity: str
    external_id: str
    remote_id: str
    did: str
    record: Mapping[str, t.Any]
    payload: Mapping[str, t.Any]
    flag: Mapping[str, t.Any]


class UndoFile:
    """The file deletions are written to before they are carried out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, run_id: int, removals: Iterable[Removal]) -> None:
        """Append records, and return when they are on disk.

        Raises:
            ConfigError: If the file cannot be written; nothing must be deleted then.
        """
        at = now().isoformat()
        lines = [to_json_text({"at": at, "run_id": run_id, **vars(removal)}) + "\n" for removal in removals]
        try:
            with self.path.open("a+b") as file:
                # A line that was cut by a crash must not swallow the first of these. One write: several processes may
                # append to one file.
                start = "\n" if _cut(file) else ""
                file.write((start + "".join(lines)).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(
                f"the undo file {self.path} cannot be written ({error.strerror}), so nothing is deleted; correct "
                "setting undo_file"
            ) from error


def undo_path(setting: str | None, ledger_url: str) -> Path:
    """Return where the undo file is: as set, else beside a ledger that is a file, else in the working directory."""
    if setting:
        return Path(setting)
    url = make_url(ledger_url)
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(f"{url.database}.undo.jsonl")
    return Path("sync-ledger.undo.jsonl")


def read_undo_file(path: Path) -> list[Removal]:
    """Read the file, the last line of each record only; lines that were cut by a crash do not count.

    Raises:
        InputError: If it is no undo file.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise InputError(f"The undo file {path} cannot be read: {why}") from error
    removals: dict[tuple[str, str, str], Removal] = {}
    for number, line in enumerate(lines, 1):
        if not line or line[0] == " ":  # erased
            continue
        found = _removal(line)
        if found is not None:
            removals[found.destination, found.entity, found.external_id] = found
        elif not line.startswith(_BEGINNING) and number < len(lines):  # the last one may be cut anywhere
            raise InputError(f"{path}, line {number}, is no record of an undo file")
    return list(removals.values())


def _cut(file: t.BinaryIO) -> bool:
    """Whether the last line of a file has no end."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def of_destination(removals: Iterable[Removal], destination: str) -> Sequence[Removal]:
    """Return the removals made at one account."""
    return [removal for removal in removals if removal.destination == destination]


def _removal(line: str) -> Removal | None:
    try:
        found = from_json_text(line)
    except msgspec.DecodeError:
        return None
    if not isinstance(found, dict) or not set(found) >= _KEYS:
        return None
    return Removal(flag=found.get("flag", {}), **{key: found[key] for key in _KEYS})


def erase_from(path: Path, wanted: Callable[[Removal], bool], *, dry_run: bool = False) -> int:
    """Erase the lines of some records from the file and return how many there were; without a file there are none.

    They are overwritten with blanks where they stand, so that runs may go on appending and no other line is touched.

    Raises:
        InputError: If the file cannot be read or written.
    """
    found = at = 0
    try:
        with path.open("r+b") as file:
            for line in iter(file.readline, b""):
                removal = _removal(line.decode("utf-8", "replace"))
                if removal is not None and wanted(removal):
                    found += 1
                    if not dry_run:
                        file.seek(at)
                        file.write(b" " * len(line.rstrip(b"\n")))
                        file.seek(at + len(line))
                at += len(line)
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise InputError(f"The undo file {path} cannot be erased from: {error.strerror}") from error
    return found
