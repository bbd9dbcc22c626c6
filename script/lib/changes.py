"""What the demo changes in JD Edwards between two runs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from service_emulators.client import JdeControl

NAMES, COMPANY_PHONES, PEOPLE_PHONES, CREDIT_LIMITS = 25, 5, 5, 3
FEWEST_CUSTOMERS = 100
"""With fewer there is not enough to change."""

_HEAD_COMPANY = {"CO": "00000"}


class TooFewError(Exception):
    """The made-up data has too few rows to change."""


@dataclass(frozen=True)
class Changes:
    """What was changed.

    Attributes:
        names: Numbers of customers with a new name.
        credit_limits: Numbers of customers with a new credit limit.
        phones: Numbers of customers with a new number of their first business phone.
        people: Number and line, like `1001-2`, of contacts of customers with a new first business phone.
    """

    names: set[int]
    credit_limits: set[int]
    phones: set[int]
    people: set[str]

    def __str__(self) -> str:
        phones = len(self.phones) + len(self.people)
        return f"{len(self.names)} customers, {phones} phones and {len(self.credit_limits)} credit limits"


def change(jde: JdeControl) -> Changes:
    """Change rows in JD Edwards.

    Args:
        jde: Control interface of the emulator.

    Raises:
        TooFewError: There are not enough phones.
    """
    customers = sorted(row["AN8"] for row in jde.rows("F03012", where=_HEAD_COMPANY))
    picked = iter(customers[:: max(1, len(customers) // 200)])
    names = {next(picked) for _ in range(NAMES)}
    for number in names:
        name = jde.rows("F0101", where={"AN8": number})[0]["ALPH"].strip()
        jde.update_rows("F0101", where={"AN8": number}, values={"ALPH": f"{name[:28]} (changed)"})
    limits = {next(picked) for _ in range(CREDIT_LIMITS)}
    for number in limits:
        where = {"AN8": number, **_HEAD_COMPANY}
        jde.update_rows("F03012", where=where, values={"ACL": (jde.rows("F03012", where=where)[0]["ACL"] or 0) + 1000})
    companies, people = _main_phones(jde, set(customers) - names - limits)
    for offset, ((number, line), phone) in enumerate([*companies, *people]):
        where = {"AN8": number, "IDLN": line, "RCK7": phone}
        jde.update_rows("F0115", where=where, values={"PH1": f"555-01{offset:02d}"})
    return Changes(
        names, limits, {number for (number, _), _ in companies}, {f"{number}-{line}" for (number, line), _ in people}
    )


_Phone = tuple[tuple[int, int], int]
"""Address number and line, and the phone's own number."""


def _main_phones(jde: JdeControl, numbers: set[int]) -> tuple[list[_Phone], list[_Phone]]:
    """Return the first business phones of some companies and of some people."""
    main: dict[tuple[int, int], int] = {}
    for row in sorted(jde.rows("F0115"), key=lambda row: row["RCK7"]):
        if row["AN8"] in numbers and row["PHTP"].strip() in {"", "BUS"}:
            main.setdefault((row["AN8"], row["IDLN"]), row["RCK7"])
    companies = [one for one in sorted(main.items()) if one[0][1] == 0][:COMPANY_PHONES]
    people = [one for one in sorted(main.items()) if one[0][1] > 0][:PEOPLE_PHONES]
    if len(companies) + len(people) < COMPANY_PHONES + PEOPLE_PHONES:
        raise TooFewError("the made-up data has too few phones to change")
    return companies, people
