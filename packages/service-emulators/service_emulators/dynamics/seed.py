"""What an environment may start with beside its own tables: columns of the demonstration, rows that people made."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING, Any

from faker import Faker

from service_emulators.dynamics.rows import Write
from service_emulators.dynamics.schema.model import AlternateKey, Column
from service_emulators.dynamics.users import User
from service_emulators.traffic import Tally

if TYPE_CHECKING:
    from service_emulators.dynamics.parts import Parts

PREFIX = "jde"
KEY_LABEL = "JDE Number"
DEMO_COLUMNS: dict[str, tuple[Column, ...]] = {
    table: (
        Column(name="jde_number", schema_name="jde_Number", label=KEY_LABEL, type="String", max_length=20, custom=True),
    )
    for table in ("account", "contact")
}
"""Columns of the demonstration by table, as `target-dynamics setup` makes them; `JDE Number` is an alternate key."""


def add_demo_columns(parts: Parts) -> None:
    """Adds the columns of the demonstration that are not there, and their keys with an active index."""
    for name, columns in DEMO_COLUMNS.items():
        for column in columns:
            table = parts.catalog.tables()[name]
            if column.name not in table.columns:
                parts.catalog.add_column(table, column)
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
