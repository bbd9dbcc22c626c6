"""The counters that `include_fields` adds to a record.

What the emulator does not keep (mails, files, followers, deals related through other records) counts 0 or is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from service_emulators.pipedrive.tables import TABLES

if TYPE_CHECKING:
    from service_emulators.pipedrive.entities import Entity
    from service_emulators.pipedrive.store import Store

_REFERENCES = {"organizations": "org_id", "persons": "person_id", "deals": "deal_id"}
_COUNTED: dict[str, tuple[str, dict[str, Any]]] = {
    "people_count": ("persons", {}),
    "activities_count": ("activities", {}),
    "done_activities_count": ("activities", {"done": (True,)}),
    "undone_activities_count": ("activities", {"done": (False,)}),
    "notes_count": ("notes", {}),
    "open_deals_count": ("deals", {"status": ("open",)}),
    "closed_deals_count": ("deals", {"status": ("won", "lost")}),
    "won_deals_count": ("deals", {"status": ("won",)}),
    "lost_deals_count": ("deals", {"status": ("lost",)}),
}


def extra_value(store: Store, entity: Entity, record_id: int, name: str) -> Any:
    """Returns the value of one optional property."""
    reference = _REFERENCES.get(entity.name)
    if name in _COUNTED and reference is not None:
        other, conditions = _COUNTED[name]
        table = TABLES[other]
        statement = (
            select(func.count())
            .select_from(table)
            .where(
                table.c[reference] == record_id,
                table.c.is_deleted.is_(False),
                *(table.c[column].in_(wanted) for column, wanted in conditions.items()),
            )
        )
        return store.connection.execute(statement).scalar_one()
    if name == "smart_bcc_email":
        return f"emulator+{entity.item}{record_id}@pipedrivemail.example"
    return 0 if name.endswith("_count") else None
