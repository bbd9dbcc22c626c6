"""Reads a `multipart/form-data` body (RFC 7578), as far as a file upload needs it."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True)
class Part:
    """One part of a form.

    Attributes:
        name: of the form field.
        filename: as sent; empty when the part is no file.
        content: the bytes.
    """

    name: str
    filename: str
    content: bytes


def read_parts(content_type: str, body: bytes) -> list[Part]:
    """Returns the parts of a form; none when the body is no such form.

    Args:
        content_type: header of the request, with the boundary.
        body: the whole body.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        return []
    # The first delimiter may stand at the very start; all others follow a line end that belongs to them.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    parts: list[Part] = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        head, separator, content = piece.partition(b"\r\n\r\n")
        if separator:
            parts.append(_part(head, content))
    return parts


def _part(head: bytes, content: bytes) -> Part:
    header = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        key, separator, value = line.partition(":")
        if separator:
            header[key.strip()] = value.strip()
    name = header.get_param("name", "", "content-disposition")
    return Part(name if isinstance(name, str) else "", header.get_filename() or "", content)
