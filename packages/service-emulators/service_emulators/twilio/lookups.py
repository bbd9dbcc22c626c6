"""Lookup v2: whether a number can be one, and what kind of line it is (fact sheet section 11)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from service_emulators.twilio.errors import bad_request, not_found
from service_emulators.twilio.forms import is_e164

if TYPE_CHECKING:
    from service_emulators.twilio.forms import Call
    from service_emulators.twilio.store import Store

_PAID = [
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
]
_COUNTRIES = {"1": "US", "44": "GB", "49": "DE", "33": "FR", "34": "ES", "61": "AU", "86": "CN", "91": "IN", "7": "RU"}
_NATIONAL = {country: code for code, country in _COUNTRIES.items()}
_SHORTEST, _LONGEST, _AMERICAN = 8, 15, 11


class Lookups:
    """GET /v2/PhoneNumbers/{number}.

    Args:
        store: what is known of phones.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def fetch(self, call: Call) -> tuple[int, Any]:
        """Returns what is known of a number; `line_type_intelligence` is the only paid field with an answer."""
        given = call.args["number"]
        country = call.query.get("CountryCode", "US")
        digits = re.sub(r"[^\d]", "", given)
        if not digits:
            raise not_found(call.path)
        number = f"+{digits}" if given.startswith("+") else f"+{_NATIONAL.get(country, '1')}{digits.lstrip('0')}"
        fields = [name for name in call.query.get("Fields", "").split(",") if name]
        unknown = sorted(set(fields) - set(_PAID))
        if unknown:
            raise bad_request(60617, f"Unknown fields: {', '.join(unknown)}")
        valid = is_e164(number)
        code = max((one for one in _COUNTRIES if number[1:].startswith(one)), key=len, default=None)
        result: dict[str, Any] = {
            "calling_country_code": code,
            "country_code": _COUNTRIES.get(code or ""),
            "phone_number": number,
            "national_format": number[1 + len(code or "") :],
            "valid": valid,
            "validation_errors": None if valid else [_problem(number)],
            **dict.fromkeys(_PAID),
            "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{number}",
        }
        for name in fields:
            result[name] = {"error_code": 60606}
        if "line_type_intelligence" in fields:
            result["line_type_intelligence"] = {
                "error_code": None,
                "mobile_country_code": None,
                "mobile_network_code": None,
                "carrier_name": "Emulated carrier",
                "type": self._store.phone(number)["line_type"] if valid else None,
            }
        return 200, result


def _problem(number: str) -> str:
    length = len(number) - 1
    shortest, longest = (_AMERICAN, _AMERICAN) if number.startswith("+1") else (_SHORTEST, _LONGEST)
    if length < shortest:
        return "TOO_SHORT"
    return "TOO_LONG" if length > longest else "INVALID_BUT_POSSIBLE"
