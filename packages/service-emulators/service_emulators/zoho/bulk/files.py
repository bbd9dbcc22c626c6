"""The zipped CSV files of bulk jobs: those that come in, and those that go out."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_ROWS = 25_000
MAX_BYTES = 25 * 1024 * 1024
DELIMITERS = ",;:|"


class FileRefusedError(Exception):
    """A file that a job cannot take.

    Attributes:
        code: the service's code.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes:
        header: names of the columns.
        rows: cells of the data rows; short rows are filled up with empty cells.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def is_zip(content: bytes) -> bool:
    """Returns whether bytes are a zip archive."""
    return zipfile.is_zipfile(io.BytesIO(content))


def names_in(content: bytes) -> list[str]:
    """Returns the names of the files in an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [item.filename for item in archive.infolist() if not item.is_dir()]


def read_table(content: bytes, name: str, encoding: str | None = None) -> Table:
    """Reads a CSV file of an archive.

    Args:
        content: the archive.
        name: of the file.
        encoding: character encoding the job names; None is UTF-8.

    Raises:
        FileRefusedError: it is damaged, too long, or not text in that encoding.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(name).file_size > 20 * MAX_BYTES:
                raise FileRefusedError("FILE_TOO_LARGE", "File size too large to process")
            raw = archive.read(name)
        text = raw.decode(encoding or "utf-8").removeprefix("\ufeff")
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError, LookupError) as error:
        raise FileRefusedError("FILE_NOT_SUPPORTED", "File not supported for bulk write") from error
    try:
        lines = [tuple(line) for line in csv.reader(io.StringIO(text), delimiter=_delimiter(text)) if line]
    except csv.Error as error:
        raise FileRefusedError("FILE_NOT_SUPPORTED", "File not supported for bulk write") from error
    if not lines:
        raise FileRefusedError("FILE_NOT_SUPPORTED", "File not supported for bulk write")
    if len(lines) - 1 > MAX_ROWS:
        raise FileRefusedError("FILE_TOO_LARGE", "File size too large to process")
    width = len(lines[0])
    return Table(lines[0], tuple((*line, *("",) * (width - len(line))) for line in lines[1:]))


def write_archive(files: Iterable[tuple[str, Sequence[str], Iterable[Sequence[str]]]]) -> bytes:
    """Returns a zip archive of CSV files.

    Args:
        files: name, header and rows of each.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, header, rows in files:
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(header)
            writer.writerows(rows)
            archive.writestr(name, text.getvalue())
    return packed.getvalue()


def _delimiter(text: str) -> str:
    """Returns the delimiter that stands most often in the header row outside of quotes; a comma when none does."""
    counts = dict.fromkeys(DELIMITERS, 0)
    quoted = False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif not quoted:
            if character in "\r\n":
                break
            if character in counts:
                counts[character] += 1
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])
