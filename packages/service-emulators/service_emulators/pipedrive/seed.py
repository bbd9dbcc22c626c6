"""What a new company starts with: users, a pipeline, and the custom fields of the demonstration."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from service_emulators.handed_out import hand_out
from service_emulators.pipedrive.entities import PIPELINES, STAGES
from service_emulators.pipedrive.tables import COMPANY, USERS

if TYPE_CHECKING:
    from service_emulators.pipedrive.catalog import Catalog
    from service_emulators.pipedrive.records import Records
    from service_emulators.pipedrive.store import Store

ADMIN_ID = 13
USER_ID = 14
COMPANY_DOMAIN = "emulator-sandbox"
_STAGES = ("Qualified", "Contact made", "Demo scheduled", "Proposal made", "Negotiations started")

DEMO_FIELDS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "organizations": (
        ("JDE Number", "varchar", ()),
        ("JDE Status", "enum", ("Active", "On hold", "Closed")),
        ("Credit Limit", "double", ()),
        ("Payment Terms", "varchar", ()),
        ("Tax ID", "varchar", ()),
        ("Customer Group", "varchar", ()),
        ("Phone", "phone", ()),
        ("E-mail", "varchar", ()),
        ("Hold Reason", "varchar", ()),
    ),
    "persons": (
        ("JDE Number", "varchar", ()),
        ("Job Title", "varchar", ()),
        ("Contact Type", "varchar", ()),
    ),
    "deals": (("JDE Number", "varchar", ()),),
    "products": (("JDE Number", "varchar", ()),),
}
"""Label, type and option labels of the custom fields a new company has."""


def secret(seed: int, purpose: str) -> str:
    """Returns a deterministic 40-hex credential of an emulated company; nothing real hangs on it."""
    credential = hashlib.sha1(f"{seed}/{purpose}".encode(), usedforsecurity=False).hexdigest()
    return hand_out(credential, f"{purpose} of Pipedrive")


def populate(store: Store, catalog: Catalog, records: Records, *, seed: int, demo_fields: bool) -> None:
    """Fills an empty database; one that was filled before is left alone."""
    connection = store.connection
    if connection.execute(select(COMPANY.c.id)).first() is not None:
        return
    connection.execute(
        insert(COMPANY).values(id=54_000 + seed, name="Emulator Sandbox", domain=COMPANY_DOMAIN, seed=seed)
    )
    people = ((ADMIN_ID, "Integration User", "integration", True), (USER_ID, "Sam Sales", "sam", False))
    for number, name, mailbox, admin in people:
        connection.execute(
            insert(USERS).values(
                id=number,
                name=name,
                email=f"{mailbox}@{COMPANY_DOMAIN}.example",
                is_admin=admin,
                created="2024-01-01T00:00:00Z",
            )
        )
    pipeline = records.create(PIPELINES, {"name": "Pipeline"}, ADMIN_ID)
    for stage in _STAGES:
        records.create(STAGES, {"name": stage, "pipeline_id": pipeline.id}, ADMIN_ID)
    if demo_fields:
        for entity, fields in DEMO_FIELDS.items():
            for label, kind, options in fields:
                catalog.create(entity, label, kind, list(options))
    store.commit()
