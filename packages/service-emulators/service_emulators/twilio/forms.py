"""Requests as handlers read them: forms with repeated keys, and the checks that both Messages and Calls need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from xml.parsers.expat import ExpatError, ParserCreate

from service_emulators.twilio.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Collection

_E164 = re.compile(r"\+(?:1[2-9]\d{9}|1500555\d{4}|(?!1)[1-9]\d{6,13})")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:\-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]")


@dataclass
class Call:
    """One request after sign-in.

    Attributes:
        path: path as it was asked for.
        args: placeholders of the route.
        query: parameters of the address; the last one of a name counts.
        form: parameters of the body, all values of each name.
        test: sent with test credentials.
        cost: what the handler says the account pays for it, in segments; a voice call counts as one.
    """

    path: str
    args: dict[str, str]
    query: dict[str, str]
    form: dict[str, list[str]] = field(default_factory=dict)
    test: bool = False
    cost: int = 0

    def value(self, name: str) -> str | None:
        """Returns a parameter of the form; an empty one is none."""
        values = self.form.get(name)
        return values[-1] or None if values else None

    def only(self, known: Collection[str], *, strict: bool) -> None:
        """Checks the names of all parameters of the form.

        Raises:
            TwilioError: the API has no such parameter.
        """
        unknown = sorted(set(self.form) - set(known))
        if unknown and strict:
            raise bad_request(20001, f"Unknown parameters: {', '.join(unknown)}")


def read_form(body: bytes) -> dict[str, list[str]]:
    """Returns a form body; a name may come several times."""
    form: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        form.setdefault(name, []).append(value)
    return form


def is_e164(number: str) -> bool:
    """Returns whether a text is a telephone number in E.164 form that could be one."""
    return _E164.fullmatch(number) is not None


def check_callback(url: str | None) -> None:
    """Checks the address of a status callback.

    Raises:
        TwilioError: not an absolute http or https address with a valid host name.
    """
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc.rpartition("@")[2]) is not None
    except ValueError:
        good = False
    if not good:
        raise bad_request(21609, f"The StatusCallback URL {url} is not a valid URL.")


def is_twiml(text: str) -> bool:
    """Returns whether a text is XML, and a response."""
    roots: list[str] = []
    parser = ParserCreate()
    parser.StartElementHandler = lambda name, _attributes: roots.append(name)
    try:
        parser.Parse(text, True)
    except ExpatError:
        return False
    return roots[0] == "Response"
