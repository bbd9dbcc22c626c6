"""What a new org starts with: users, modules, and as an option the custom fields of the demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from service_emulators.zoho.default_fields import MODULES, SYSTEM_FIELDS
from service_emulators.zoho.tables import ORG, USERS

if TYPE_CHECKING:
    from service_emulators.zoho.catalog import Catalog
    from service_emulators.zoho.store import Store

FIRST_ID = 5_725_767_000_000_000_000
_RECORDS_FROM = 411_000
_PEOPLE = (
    ("Integration", "User", "integration", "Administrator", True),
    ("Sam", "Sales", "sam", "Standard", True),
    ("Former", "Colleague", "former", "Standard", False),
)


def populate(store: Store, catalog: Catalog, *, seed: int, time_zone: str) -> None:
    """Fills an empty database; one that was filled before is left alone."""
    connection = store.connection
    if connection.execute(select(ORG.c.id)).first() is not None:
        return
    first = FIRST_ID + seed * 1_000_000_000_000
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
