"""Arithmetic of orders and ledgers, in the database's whole numbers: amounts in cents, prices with four decimals."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.seed.control_tables import TERMS

if TYPE_CHECKING:
    from datetime import date


def extended(quantity: int, price: int) -> int:
    """Return quantity times price as an amount, rounded half up."""
    return (quantity * price + 50) // 100


def due_on(day: date, terms: str) -> date:
    """Return when an invoice of that day falls due."""
    return day + timedelta(days=next((net for code, _, _, _, net in TERMS if code == terms), 0))


def discount_of(amount: int, terms: str) -> int:
    """Return the discount terms allow on an amount; the percentage has three decimals, 1 % is 10."""
    share = next((discount for code, _, discount, _, _ in TERMS if code == terms), 0)
    return amount * share // 1000


def pay_items(net: int, tax: int, count: int) -> list[tuple[int, int]]:
    """Divide net amount and tax among pay items; the first one takes what does not divide."""
    parts = [(net // count, tax // count) for _ in range(count)]
    first = (net - sum(one for one, _ in parts[1:]), tax - sum(one for _, one in parts[1:]))
    return [first, *parts[1:]]
