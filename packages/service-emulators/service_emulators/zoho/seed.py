"""What a new org starts with: users, modules, and as an option the custom fields of the demonstration."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
from faker import Faker
from sqlalchemy import insert, select

from service_emulators.zoho.catalog import Field, api_name_of
from service_emulators.zoho.default_fields import MODULES, SYSTEM_FIELDS
from service_emulators.zoho.tables import ORG, USERS

if TYPE_CHECKING:
    from service_emulators.zoho.catalog import Catalog
    from service_emulators.zoho.records import Records
    from service_emulators.zoho.store import Store

FIRST_ID = 5_725_767_000_000_000_000
_RECORDS_FROM = 411_000
_SEEDS = 1_000_000  # so that ids stay below 2**63
_PEOPLE = (
    ("Integration", "User", "integration", "Administrator", True),
    ("Sam", "Sales", "sam", "Standard", True),
    ("Former", "Colleague", "former", "Standard", False),
)

_STATUSES = ("Active", "On hold", "Closed")
DEMO_FIELDS: dict[str, tuple[tuple[str, str, int | None, tuple[str, ...]], ...]] = {
    "Accounts": (
        ("JDE Number", "text", 20, ()),
        ("JDE Status", "picklist", None, _STATUSES),
        ("Hold Reason", "text", 100, ()),
        ("Credit Limit", "double", 16, ()),
        ("Credit Currency", "text", 3, ()),
        ("Payment Terms", "text", 100, ()),
        ("Tax ID", "text", 20, ()),
        ("Email", "email", 100, ()),
        ("Customer Group", "text", 100, ()),
        ("Customer Class", "text", 100, ()),
    ),
    "Vendors": (
        ("JDE Number", "text", 20, ()),
        ("JDE Status", "picklist", None, _STATUSES),
        ("Hold Reason", "text", 100, ()),
        ("Payment Terms", "text", 100, ()),
        ("Tax ID", "text", 20, ()),
    ),
    "Contacts": (
        ("JDE Number", "text", 20, ()),
        ("Contact Type", "text", 100, ()),
    ),
}
"""Label, type, length and picklist values of the custom fields of the demonstration; `JDE Number` is unique."""

DEMO_VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("Accounts", "Industry"): ("Manufacturing", "Retail", "Distribution", "Services"),
}
"""Values of the demonstration that Zoho's own lists lack, by module and field."""

KEY_LABEL = "JDE Number"


def populate(store: Store, catalog: Catalog, *, seed: int, time_zone: str) -> bool:
    """Fills an empty database; one that was filled before is left alone. Returns whether it was empty."""
    connection = store.connection
    if connection.execute(select(ORG.c.id)).first() is not None:
        return False
    first = FIRST_ID + seed % _SEEDS * 1_000_000_000_000
    connection.execute(
        insert(ORG).values(
            id=first + 15_000,
            zgid=str(60_000_000_000 + seed),
            name="Emulator Sandbox",
            time_zone=time_zone,
            seed=seed,
            next_id=first + _RECORDS_FROM,
        )
    )
    for first_name, last_name, mailbox, profile, active in _PEOPLE:
        connection.execute(
            insert(USERS).values(
                id=store.new_id(),
                first_name=first_name,
                last_name=last_name,
                email=f"{mailbox}@emulator-sandbox.example",
                profile=profile,
                active=active,
                created_time="2024-01-01T00:00:00Z",
            )
        )
    for api_name, module in MODULES.items():
        catalog.create_module(
            api_name,
            module.singular,
            SYSTEM_FIELDS + module.text,
            display_field=module.display_field,
            duplicate_field=module.duplicate_field,
            custom=False,
        )
    store.commit()
    return True


def add_demo_fields(store: Store, catalog: Catalog) -> None:
    """Adds the custom fields and picklist values of the demonstration that are not there."""
    for name, fields in DEMO_FIELDS.items():
        for label, data_type, length, options in fields:
            module = catalog.modules()[name]
            if api_name_of(label) in module.fields:
                continue
            field = Field(
                id=store.new_id(),
                api_name=api_name_of(label),
                label=label,
                data_type=data_type,
                length=length,
                decimals=2 if data_type == "currency" else None,
                custom=True,
                unique={"case_sensitive": False} if label == KEY_LABEL else None,
                options=catalog.options(options),
            )
            catalog.create_field(module, field)
    for (name, api_name), values in DEMO_VALUES.items():
        module = catalog.modules()[name]
        field = module.fields[api_name]
        known = {option.actual_value for option in field.options}
        more = catalog.options(value for value in values if value not in known)
        catalog.save_field(module, msgspec.structs.replace(field, options=[*field.options, *more]))
    store.commit()


def add_own_records(store: Store, catalog: Catalog, records: Records, *, seed: int, number: int, user_id: int) -> None:
    """Adds accounts, contacts and vendors that users of the org made themselves: none of them knows JD Edwards.

    Args:
        store: the data.
        catalog: modules.
        records: the way records are made.
        seed: decides them.
        number: how many of each.
        user_id: who made them.
    """
    fake = Faker("de_DE")
    fake.seed_instance(seed)
    chance = random.Random(seed)  # noqa: S311 - made-up data, not secrets
    modules = catalog.modules()
    accounts = []
    for _ in range(number):
        values: dict[str, Any] = {"Account_Name": fake.company(), "Billing_City": fake.city(), "Phone": _phone(chance)}
        accounts.append(records.create(modules["Accounts"], values, user_id=user_id))
    for place in range(number):
        last_name = fake.last_name()
        values = {
            "First_Name": fake.first_name(),
            "Last_Name": last_name,
            "Email": f"{api_name_of(last_name).lower() or 'someone'}.{place}@users-own.example",
            "Account_Name": {"id": str(chance.choice(accounts)["id"])},
        }
        records.create(modules["Contacts"], values, user_id=user_id)
    for _ in range(number):
        values = {"Vendor_Name": fake.company(), "City": fake.city(), "Phone": _phone(chance)}
        records.create(modules["Vendors"], values, user_id=user_id)
    store.commit()


def _phone(chance: random.Random) -> str:
    return f"+49 30 {chance.randrange(100_000, 1_000_000)}"
