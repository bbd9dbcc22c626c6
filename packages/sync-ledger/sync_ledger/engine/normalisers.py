"""Normalisers: what two spellings of one thing have in common, so that match rules can compare them.

Each takes a text and returns its key, or None when the text says too little to tell one record from another: an empty
text, a placeholder such as `000000`, the domain of a public mail service. A rule without a key matches nothing.
"""

from __future__ import annotations

import re
import typing as t
import unicodedata

from sync_ledger.errors import ConfigError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Normaliser = Callable[[str], str | None]

_SHORTEST_NUMBER = 5
"""Tax numbers, phone numbers and the like of fewer characters are extensions or placeholders."""

_LEGAL_FORMS_LISTED = (
    "ab ag aps as asa bv bvba co company corp corporation cv dba eg eirl ek eurl gbr gesmbh gmbh inc incorporated jsc"
    " kft kg kgaa kk lda limited llc llp lp ltd ltda mbh nv oao ohg oo ood oy oyj plc pllc pte pty pvt sa sagl sapi"
    " sarl sas sc scs se sl slu snc sp spa spk spol spzoo sprl srl sro ua ug zoo zrt"
)
_LEGAL_FORMS = frozenset(_LEGAL_FORMS_LISTED.split())
_JOINERS = frozenset({"and", "et", "of", "the", "u", "und", "y"})

_PUBLIC_MAIL_LISTED = (
    "163.com aol.com bluewin.ch comcast.net free.fr freenet.de gmail.com gmx.at gmx.ch gmx.de gmx.net googlemail.com"
    " hotmail.com hotmail.de hotmail.fr icloud.com laposte.net libero.it live.com mail.com mail.ru me.com msn.com"
    " orange.fr outlook.com outlook.de proton.me protonmail.com qq.com t-online.de verizon.net wanadoo.fr web.de"
    " yahoo.co.uk yahoo.com yahoo.de yandex.ru ymail.com"
)
_PUBLIC_MAIL = frozenset(_PUBLIC_MAIL_LISTED.split())


def exact(text: str) -> str | None:
    """Return the text without blanks around it."""
    return text.strip() or None


def email(text: str) -> str | None:
    """Return an e-mail address in small letters: `Ana@ACME.example ` is `ana@acme.example`."""
    address = text.strip().casefold().removeprefix("mailto:")
    name, at, host = address.rpartition("@")
    return address if at and name and "." in host and not re.search(r"\s", address) else None


def domain(text: str) -> str | None:
    """Return the domain of a web or e-mail address: `https://www.acme.example/de` is `acme.example`.

    Domains of public mail services say nothing of a company and have no key.
    """
    host = text.strip().casefold().rpartition("@")[2]
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", host)
    host = re.split(r"[/?#:\s]", host, maxsplit=1)[0].strip(".")
    while host.startswith("www."):
        host = host.removeprefix("www.").strip(".")
    return host if re.search(r"[^.]\.[^.]", host) and host not in _PUBLIC_MAIL else None


def digits(text: str) -> str | None:
    """Return the digits of a text."""
    return "".join(character for character in text if character in "0123456789") or None


def tax_id(text: str) -> str | None:
    """Return letters and digits of a tax or registration number in capitals: `DE 123.456/789` is `DE123456789`."""
    # Once more after the capitals: those of a few letters have an accent of their own.
    key = "".join(character for character in _plain(_plain(text).upper()) if character.isalnum())
    return key if len(key) >= _SHORTEST_NUMBER and not _placeholder(key) else None


def name(text: str) -> str | None:
    """Return a company's name without accents, punctuation, capitals and legal form: `Müller & Co. KG` is `muller`."""
    words = _words(text)
    short = list(words)
    while len(short) > 1 and short[-1] in (_LEGAL_FORMS | _JOINERS):
        short.pop()
    return " ".join(short) or None


def phone(country_code: str = "") -> Normaliser:
    """Return a normaliser of phone numbers.

    Args:
        country_code: Calling code for numbers without one, such as `49`; without it they only match each other.
    """

    def normalise(text: str) -> str | None:
        # An extension is no part of the line's number, a zero in brackets is not dialled from abroad.
        number = re.split(r"(?i)\s*(?:ext\.?|x|#|;ext=)\s*\d+\s*$", text.strip())[0].replace("(0)", "")
        figures = digits(number) or ""
        if len(figures) < _SHORTEST_NUMBER or _placeholder(figures):
            return None
        if number.lstrip("( ").startswith("+"):
            return f"+{figures}"
        if figures.startswith("00"):
            return f"+{figures.lstrip('0')}"
        return f"+{country_code}{figures.removeprefix('0')}" if country_code else figures

    return normalise


def named(wanted: str) -> Normaliser:
    """Return a normaliser by the name it has in the setting `match_rules`.

    Raises:
        ConfigError: If there is none.
    """
    kind, _, argument = wanted.partition(":")
    if kind == "phone" and re.fullmatch(r"[1-9][0-9]{0,2}|", argument):
        return phone(argument)
    if wanted not in NORMALISERS:
        raise ConfigError(
            f"setting match_rules: there is no normaliser {wanted!r}; take {', '.join(sorted(NORMALISERS))}, or"
            " phone:49 with the calling code of numbers that have none"
        )
    return NORMALISERS[wanted]


NORMALISERS: Mapping[str, Normaliser] = {
    "digits": digits,
    "domain": domain,
    "email": email,
    "exact": exact,
    "name": name,
    "phone": phone(),
    "tax_id": tax_id,
}


def _plain(text: str) -> str:
    """Return a text without accents and marks."""
    return "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))


def _words(text: str) -> list[str]:
    plain = _plain(_plain(text).casefold())
    plain = re.sub(r"(?<=\b\w)\.\s?(?=\w\b)", "", plain)  # S. A. and S.A. are SA
    return re.findall(r"\w+", re.sub(r"['\u2019`\u00b4]", "", plain).replace("_", " "))


def _placeholder(text: str) -> bool:
    """Whether a number was only put in to fill the field, such as UNKNOWN or 000000."""
    return not digits(text) or len(set(text)) == 1
