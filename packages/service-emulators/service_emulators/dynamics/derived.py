"""Columns the service fills itself: defaults, names, addresses in one piece, amounts in the base currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.dynamics.schema.model import TARGET_SUFFIX

if TYPE_CHECKING:
    from service_emulators.dynamics.environment import Environment
    from service_emulators.dynamics.schema.model import Table
    from service_emulators.dynamics.store import Row

_BASE = "_base"
_NAME = {"firstname", "lastname"}
_LINES = ("line1", "line2", "line3")


def new_row(table: Table, environment: Environment, user_id: str) -> Row:
    """Returns what a row has that was given nothing."""
    row: Row = dict(table.defaults)
    if "ownerid" in table.columns:
        row["ownerid"] = user_id
        row["ownerid" + TARGET_SUFFIX] = "systemuser"
        row["owninguser"] = user_id
        row["owningbusinessunit"] = environment.business_unit_id
    return row


def derive(table: Table, row: Row, given: Row, environment: Environment) -> Row:
    """Returns what follows from other columns, by logical name.

    Args:
        table: the table.
        row: the row with all its values.
        given: what is being written.
        environment: knows currencies.
    """
    found: Row = {}
    if "ownerid" in given and "owninguser" in table.columns:
        person = row["ownerid" + TARGET_SUFFIX] == "systemuser"
        found["owninguser"] = row["ownerid"] if person else None
        found["owningteam"] = None if person else row["ownerid"]
    if "fullname" in table.columns and _NAME & given.keys():
        found["fullname"] = " ".join(part for name in ("firstname", "lastname") if (part := row.get(name))) or None
    if "parentcustomerid" in given and table.name == "contact":
        company = row["parentcustomerid" + TARGET_SUFFIX] == "account"
        found["accountid"] = row["parentcustomerid"] if company else None
        found["parentcontactid"] = None if company else row["parentcustomerid"]
    for prefix in table.addresses:
        if any(name.startswith(prefix) for name in given):
            found[f"{prefix}composite"] = _composite(row, prefix)
    found.update(_amounts(table, row, given, environment))
    return found


def _composite(row: Row, prefix: str) -> str | None:
    """Returns an address in one piece, in the order of lines, city, state, postal code, country (from memory)."""
    place = [row.get(prefix + "city"), row.get(prefix + "stateorprovince")]
    town = " ".join(part for part in (", ".join(p for p in place if p), row.get(prefix + "postalcode")) if part)
    lines = [*(row.get(prefix + name) for name in _LINES), town, row.get(prefix + "country")]
    return "\r\n".join(line for line in lines if line) or None


def _amounts(table: Table, row: Row, given: Row, environment: Environment) -> Row:
    """Returns currency, exchange rate and the amounts in the base currency."""
    currency = "transactioncurrencyid"
    if not (currency in given or any(name in given for name in table.amounts)) or not table.amounts:
        return {}
    currency_id = row.get(currency) or environment.currency_id
    rate = environment.rate(currency_id)
    found: Row = {currency: currency_id, "exchangerate": rate}
    for name in table.amounts:
        amount = row.get(name)
        if amount is not None or row.get(name + _BASE) is not None:
            found[name + _BASE] = None if amount is None else round(amount / rate, 4)
    return found
