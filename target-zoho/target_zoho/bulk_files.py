"""Files of bulk writes: a CSV file in a zip file, both ways (Zoho CRM sheet section 8)."""

from __future__ import annotations

import csv
import io
import re
import typing as t
import zipfile
import zlib

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_DAMAGED: t.Final = (
    zipfile.BadZipFile,
    zlib.error,  # bytes that were changed on the way
    EOFError,
    OSError,
    NotImplementedError,  # a way of packing `zipfile` does not know
    RuntimeError,  # a password
    UnicodeDecodeError,
    csv.Error,
)
"""What `zipfile` and `csv` raise for a file that is none."""

_TO_QUOTE: t.Final = re.compile('[",\r\n]')


class UnreadableError(Exception):
    """A result file is none."""


def csv_file(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file with a header, in UTF-8; cells with any sort of line end are quoted.

    The writer of Python 3.10 refuses a null character, and with it the whole file for one row.
    """
    return "".join(",".join(map(_cell, line)) + "\r\n" for line in (columns, *lines)).encode()


def _cell(text: str) -> str:
    if not _TO_QUOTE.search(text):
        return text
    escaped = text.replace('"', '""')
    return f'"{escaped}"'


def zipped(name: str, content: bytes) -> bytes:
    """Return a zip file of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def rows_of(content: bytes) -> Iterator[dict[str, str | None]]:
    """Return the rows of the CSV files in a zip file, cells by the names of the header.

    Raises:
        UnreadableError: If it is none.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                text = archive.read(name).decode("utf-8-sig")
                yield from csv.DictReader(io.StringIO(text.replace("\0", ""), newline=""))  # 3.10 refuses them
    except _DAMAGED as error:
        raise UnreadableError(f"its result file cannot be read ({error})") from None
