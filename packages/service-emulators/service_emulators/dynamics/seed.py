"""What an environment may start with beside its own tables: columns of the demonstration, rows that people made."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING, Any

from faker import Faker

from service_emulators.dynamics.definitions.columns import shadow
from service_emulators.dynamics.rows import Write
from service_emulators.dynamics.schema.model import AlternateKey, Column, Option
from service_emulators.dynamics.users import User
from service_emulators.traffic import Tally

if TYPE_CHECKING:
    from service_emulators.dynamics.parts import Parts

PREFIX = "jde"
KEY_LABEL = "JDE Number"
_FIRST_OPTION = 727_000_000  # of the publisher `jde`
_STATUS = ("Active", "On hold", "Closed")
_GROUPS = ("North", "South", "East", "West", "Central")
_CLASSES = ("A customer", "B customer", "C customer")


def _text(label: str) -> Column:
    return _column(label, "String", max_length=100)


def _choice(label: str, options: tuple[str, ...]) -> Column:
    values = [Option(value=_FIRST_OPTION + place, label=option) for place, option in enumerate(options)]
    return _column(label, "Picklist", options=values)


def _flag(label: str) -> Column:
    values = [Option(value=0, label="No"), Option(value=1, label="Yes")]
    return _column(label, "Boolean", options=values, default=False)


def _column(label: str, type_: str, **more: Any) -> Column:
    name = f"{PREFIX}_{label.removeprefix('JDE ').replace(' ', '')}"
    return Column(name=name.lower(), schema_name=name, label=label, type=type_, custom=True, **more)


DEMO_COLUMNS: dict[str, tuple[Column, ...]] = {
    "account": (
        _text(KEY_LABEL),
        _flag("JDE Customer"),
        _flag("JDE Supplier"),
        _choice("JDE Status", _STATUS),
        _text("JDE Hold Reason"),
        _text("JDE Currency"),
        _column("JDE Open Balance", "Decimal", min_value=-100_000_000_000, max_value=100_000_000_000, precision=4),
        _text("JDE Payment Terms"),
        _text("JDE Supplier Terms"),
        _text("JDE Price Group"),
        _text("JDE Tax ID"),
        _choice("JDE Group", _GROUPS),
        _choice("JDE Class", _CLASSES),
    ),
    "contact": (_text(KEY_LABEL), _text("JDE Contact Type")),
}
"""Columns of the demonstration by table, as `target-dynamics setup` makes them; `JDE Number` is an alternate key."""


def add_demo_columns(parts: Parts) -> None:
    """Adds the columns of the demonstration that are not there, and their keys with an active index."""
    for name, columns in DEMO_COLUMNS.items():
        for column in columns:
            if column.name in parts.catalog.tables()[name].columns:
                continue
            for one in (column, shadow(column)):
                if one is not None:
                    parts.catalog.add_column(parts.catalog.tables()[name], one)
        key = AlternateKey(
            id=str(uuid.uuid4()),
            table=name,
            name="jde_number_key",
            schema_name="jde_Number_Key",
            label=KEY_LABEL,
            columns=["jde_number"],
        )
        parts.indexes.build(key)
    parts.store.commit()
    parts.catalog.settle()


def add_own_records(parts: Parts, *, seed: int, number: int) -> None:
    """Adds accounts and contacts that users of the environment made themselves: none of them knows JD Edwards.

    Args:
        parts: the environment.
        seed: decides them.
        number: how many of each.
    """
    fake = Faker("de_DE")
    fake.seed_instance(seed)
    chance = random.Random(seed)  # noqa: S311 - made-up data, not secrets
    write = Write(User(parts.environment.user_id, ""), Tally())
    tables = parts.catalog.tables()
    accounts = []
    for _ in range(number):
        values: dict[str, Any] = {
            "name": fake.company(),
            "address1_city": fake.city(),
            "telephone1": f"+49 30 {chance.randrange(100_000, 1_000_000)}",
        }
        accounts.append(parts.rows.create(tables["account"], values, write))
    for place in range(number):
        last_name = fake.last_name()
        parent = chance.choice(accounts)["accountid"]
        values = {
            "firstname": fake.first_name(),
            "lastname": last_name,
            "emailaddress1": f"someone.{place}@users-own.example",
            "parentcustomerid_account@odata.bind": f"/accounts({parent})",
        }
        parts.rows.create(tables["contact"], values, write)
    parts.store.commit()
