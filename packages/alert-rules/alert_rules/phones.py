"""Phone numbers of the address book as E.164, and mail addresses as such; what is neither is told with the reason."""

from __future__ import annotations

import re
import typing as t

import phonenumbers
from phonenumbers import PhoneNumberType

from alert_rules.errors import BadRowError, BadValueError

_MAIL = re.compile(r"[^\s@<>\"(),:;\\]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}\Z")
_E164 = re.compile(r"\+[1-9]\d{6,14}\Z")
_LONGEST_MAIL: t.Final = 254
"""Characters of a mail address (RFC 5321, section 4.5.3.1, erratum 1690)."""
_NO_TEXTS: t.Final = {
    PhoneNumberType.FIXED_LINE: "a landline",
    PhoneNumberType.PREMIUM_RATE: "a premium number",
    PhoneNumberType.UAN: "a company number",
    PhoneNumberType.VOICEMAIL: "a mailbox",
}
_REASONS: t.Final = {
    phonenumbers.ValidationResult.TOO_SHORT: "it has too few digits",
    phonenumbers.ValidationResult.TOO_LONG: "it has too many digits",
    phonenumbers.ValidationResult.INVALID_LENGTH: "no number there has so many digits",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "there is no such country code",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
}


def region(code: str) -> str:
    """Return a region code in capitals.

    Raises:
        BadValueError: There is no such region.
    """
    given = code.strip().upper()
    if given not in phonenumbers.SUPPORTED_REGIONS:
        raise BadValueError(f"{code!r} is no region", "give two letters such as US, DE or GB")
    return given


def e164(text: str, default_region: str | None, *, texts: bool = True) -> str:
    """Return a phone number as E.164.

    Args:
        text: Number as people write it.
        default_region: Region of numbers without country code; None when there is none.
        texts: Whether it has to be one that can get text messages.

    Raises:
        BadRowError: It is no number that can be reached.
    """
    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and not default_region:
            problem = "a phone number has no country code, and there is no default region"
            raise BadRowError(problem, "write it like +15550100, or set region for the rule or the file") from error
        raise BadRowError("a phone number cannot be read", "correct it in the address book") from error
    if number.extension:
        raise BadRowError("a phone number has an extension, which neither texts nor calls reach", "give one of its own")
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in _REASONS:
        raise BadRowError(f"a phone number is none: {_REASONS[possible]}", "correct it in the address book")
    kind = phonenumbers.number_type(number)
    if texts and kind in _NO_TEXTS:
        raise BadRowError(f"a phone number is {_NO_TEXTS[kind]}, which gets no texts", "give a mobile number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_written_out(text: str) -> bool:
    """Return whether a text has the form of E.164, whatever is known of the number."""
    return _E164.match(text.strip()) is not None


def mail(text: str) -> str:
    """Return a mail address in small letters: mailboxes are the same however they are written.

    Raises:
        BadRowError: It is none.
    """
    given = text.strip().lower()
    if len(given) > _LONGEST_MAIL or _MAIL.match(given) is None:
        raise BadRowError("a mail address is none", "correct it in the address book")
    return given


def shown(number: str) -> str:
    """Return an E.164 number grouped for reading."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
