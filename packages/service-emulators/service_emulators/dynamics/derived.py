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
        row["owningbusinessunit"] = environment.business_unit_id
    return row


def derive(table: Table, row: Row, given: Row, environment: Environment) -> None:
    """Brings what follows from other columns up to date.

    Args:
        table: the table.
        row: the row with all its values; changed in place.
        given: what is being written.
        environment: knows currencies.
    """
    if "ownerid" in given and "owninguser" in table.columns:
        person = row["ownerid" + TARGET_SUFFIX] == "systemuser"
        row["owninguser"] = row["ownerid"] if person else None
        row["owningteam"] = None if person else row["ownerid"]
    elif "ownerid" in row and row.get("owninguser") is None and row.get("owningteam") is None:
        row["owninguser"] = row["ownerid"]
    if "fullname" in table.columns and _NAME & given.keys():
        row["fullname"] = " ".join(part for name in ("firstname", "lastname") if (part := row.get(name))) or None
    for prefix in table.addresses:
        if any(name.startswith(prefix) for name in given):
            row[f"{prefix}composite"] = _composite(row, prefix)
    _amounts(table, row, given, environment)


def _composite(row: Row, prefix: str) -> str | None:
    """Returns an address in one piece, in the order of lines, city, state, postal code, country (from memory)."""
    place = [row.get(prefix + "city"), row.get(prefix + "stateorprovince")]
    town = " ".join(part for part in (", ".join(p for p in place if p), row.get(prefix + "postalcode")) if part)
    lines = [*(row.get(prefix + name) for name in _LINES), town, row.get(prefix + "country")]
    return "\r\n".join(line for line in lines if line) or None


def _amounts(table: Table, row: Row, given: Row, environment: Environment) -> None:
    if not table.amounts:
        return
    currency = "transactioncurrencyid"
    if not (currency in given or any(name in given for name in table.amounts)):
        return
    if row.get(currency) is None:
        row[currency] = environment.currency_id
    row["exchangerate"] = rate = environment.rate(row[currency])
    for name in table.amounts:
        amount = row.get(name)
        if amount is not None or row.get(name + _BASE) is not None:
            row[name + _BASE] = None if amount is None else round(amount / rate, 4)
