"""What the service works out by itself when a record is created or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from service_emulators.pipedrive.entities import PIPELINES, STAGES
from service_emulators.pipedrive.errors import invalid
from service_emulators.pipedrive.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.pipedrive.store import Store
    from service_emulators.pipedrive.switches import PipedriveSwitches


class Effects:
    """Derived values by entity.

    Args:
        store: storage.
        switches: what is optional.
    """

    def __init__(self, store: Store, switches: PipedriveSwitches) -> None:
        self._store = store
        self._switches = switches
        self._rules: dict[str, Callable[[dict[str, Any], dict[str, Any], bool, str], None]] = {
            "persons": self._person,
            "deals": self._deal,
            "activities": self._activity,
            "pipelines": self._order,
            "stages": self._stage,
            "organizations": self._organization,
        }

    def apply(self, entity: str, record: dict[str, Any], given: dict[str, Any], now: str, *, creating: bool) -> None:
        """Completes a record in place.

        Args:
            entity: entity name.
            record: all properties, the given ones already in it.
            given: properties of this request.
            now: present moment, v2 format.
            creating: POST rather than PATCH.

        Raises:
            ApiError: the given properties contradict each other.
        """
        rule = self._rules.get(entity)
        if rule is not None:
            rule(record, given, creating, now)

    def deleted(self, entity: str, record_id: int) -> None:
        """Follows up on a deletion: persons of a deleted organization stay, without it."""
        if entity == "organizations":
            persons = TABLES["persons"]
            self._store.connection.execute(update(persons).where(persons.c.org_id == record_id).values(org_id=None))

    def _organization(self, record: dict[str, Any], given: dict[str, Any], _creating: bool, _now: str) -> None:
        address = given.get("address")
        if address and self._switches.geocoding and not any(address[name] for name in address if name != "value"):
            *_, country = address["value"].split(",")
            record["address"] = {**address, "country": country.strip()}

    def _person(self, record: dict[str, Any], given: dict[str, Any], creating: bool, _now: str) -> None:
        parts = [name for name in ("first_name", "last_name") if name in given]
        if "name" in given:
            if parts:
                raise invalid(parts[0], "give either name, or first_name and last_name")
            first, _, last = given["name"].strip().partition(" ")
            record["first_name"], record["last_name"] = first, last.strip() or None
        elif parts:
            record["name"] = " ".join(part for part in (record["first_name"], record["last_name"]) if part)
        elif creating and self._switches.person_name_required:
            raise invalid("name", "Parameter 'name' is required")

    def _deal(self, record: dict[str, Any], given: dict[str, Any], creating: bool, now: str) -> None:
        if creating or "pipeline_id" in given or "stage_id" in given:
            self._place(record, given)
        if creating or "stage_id" in given or "pipeline_id" in given:
            record["stage_change_time"] = None if creating else now
        if given.get("is_archived") and "archive_time" not in given:
            record["archive_time"] = now
        if given.get("is_archived") is False:
            record["archive_time"] = None
        status = given.get("status")
        if status is None:
            return
        for name in ("won", "lost"):
            if status != name:
                record[f"{name}_time"] = record[f"local_{name}_date"] = None
            elif f"{name}_time" not in given:
                record[f"{name}_time"] = now
            if record[f"{name}_time"]:
                record[f"local_{name}_date"] = record[f"{name}_time"][:10]
        if "close_time" not in given:
            record["close_time"] = None if status == "open" else now
        record["local_close_date"] = record["close_time"][:10] if record["close_time"] else None

    def _place(self, record: dict[str, Any], given: dict[str, Any]) -> None:
        stages = TABLES["stages"]
        if "stage_id" in given:
            stage = self._store.get(STAGES, given["stage_id"])
            pipeline = stage.values["pipeline_id"] if stage else None
            if given.get("pipeline_id", pipeline) != pipeline:
                raise invalid("stage_id", "the stage belongs to another pipeline")
            record["pipeline_id"] = pipeline
            return
        if "pipeline_id" not in given:
            first = self._store.select(
                PIPELINES, [TABLES["pipelines"].c.is_deleted.is_(False)], [TABLES["pipelines"].c.order_nr], 1
            )
            if not first:
                raise invalid("pipeline_id", "the company has no pipeline")
            record["pipeline_id"] = first[0].id
        found = self._store.select(
            STAGES,
            [stages.c.pipeline_id == record["pipeline_id"], stages.c.is_deleted.is_(False)],
            [stages.c.order_nr],
            1,
        )
        if not found:
            raise invalid("pipeline_id", "the pipeline has no stage")
        record["stage_id"] = found[0].id

    def _activity(self, record: dict[str, Any], given: dict[str, Any], creating: bool, now: str) -> None:
        if creating and "subject" not in given:
            record["subject"] = record["type"].capitalize()
        if "participants" in given:
            primary = [item["person_id"] for item in record["participants"] if item["primary"]]
            record["person_id"] = primary[0] if primary else None
        if "done" in given:
            record["marked_as_done_time"] = now if given["done"] else None

    def _order(self, record: dict[str, Any], _given: dict[str, Any], creating: bool, _now: str) -> None:
        if creating:
            record["order_nr"] = 1 + (
                self._store.connection.execute(select(func.max(TABLES["pipelines"].c.order_nr))).scalar() or 0
            )

    def _stage(self, record: dict[str, Any], given: dict[str, Any], creating: bool, _now: str) -> None:
        if creating or "pipeline_id" in given:
            stages = TABLES["stages"]
            statement = select(func.max(stages.c.order_nr)).where(stages.c.pipeline_id == record["pipeline_id"])
            record["order_nr"] = 1 + (self._store.connection.execute(statement).scalar() or 0)
        if record["is_deal_rot_enabled"] and record["days_to_rotten"] is None:
            raise invalid("days_to_rotten", "is required when is_deal_rot_enabled is true")
