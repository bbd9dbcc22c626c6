"""Lists of v2: filters, orders and keyset pages (fact sheet section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from service_emulators.pipedrive.calls import Cursor, Reply, read_cursor
from service_emulators.pipedrive.errors import invalid, not_found
from service_emulators.pipedrive.records import KEPT_SECONDS, View
from service_emulators.pipedrive.tables import TABLES
from service_emulators.pipedrive.values import UnfitError, timestamp

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.calls import Call
    from service_emulators.pipedrive.catalog import Catalog
    from service_emulators.pipedrive.entities import Entity
    from service_emulators.pipedrive.store import Record, Store
    from service_emulators.pipedrive.switches import PipedriveSwitches

_COMMON = frozenset({"limit", "cursor", "sort_by", "sort_direction"})
_MAX_CUSTOM = 15
_MAX_IDS = 100
_DEAL_STATUSES = ("open", "won", "lost", "deleted")


class Listing:
    """Turns list requests into pages."""

    def __init__(self, store: Store, catalog: Catalog, switches: PipedriveSwitches, clock: EmulatorClock) -> None:
        self._store = store
        self._catalog = catalog
        self._switches = switches
        self._clock = clock

    def view(self, entity: Entity, call: Call) -> View:
        """Returns how the request wants records shown."""
        codes: tuple[str, ...] | None = None
        if call.query.get("custom_fields"):
            codes = tuple(dict.fromkeys(call.query["custom_fields"].split(",")))
            if len(codes) > _MAX_CUSTOM:
                raise invalid("custom_fields", f"a maximum of {_MAX_CUSTOM} keys is allowed")
            known = self._catalog.fields(entity.name)
            for code in codes:
                if code not in known:
                    raise invalid("custom_fields", f"'{code}' is not a custom field", code)
        return View(
            custom_codes=codes,
            option_labels=call.boolean("include_option_labels"),
            labels=call.boolean("include_labels"),
            extras=call.several("include_fields", entity.include_fields),
        )

    def page(self, entity: Entity, call: Call, *, archived: bool = False) -> tuple[list[Record], str | None]:
        """Returns one page of records and the cursor of the next one.

        Args:
            entity: entity.
            call: request.
            archived: the list of archived deals instead of the others.

        Raises:
            ApiError: a parameter is unknown or wrong.
        """
        times = {name for name in ("updated_since", "updated_until") if getattr(entity, name)}
        call.allow(_COMMON | entity.list_extras | set(entity.filters) | times)
        table = TABLES[entity.name]
        where: list[ColumnElement[bool]] = []
        if call.integer("filter_id") is not None:
            raise not_found()  # the emulator keeps no filters
        where.extend(self._filters(entity, call))
        if entity.name == "deals":
            where.append(table.c.is_archived.is_(archived))
        else:
            where.append(table.c.is_deleted.is_(False))
        for name in sorted(times & set(call.query)):
            try:
                moment = timestamp(call.query[name])
            except UnfitError as error:
                raise invalid(name, str(error)) from error
            where.append(table.c.update_time >= moment if name == "updated_since" else table.c.update_time < moment)
        if self._switches.list_lag_ms:
            where.append(table.c.written_at <= self._clock.seconds() - self._switches.list_lag_ms / 1000)
        sort = call.choice("sort_by", entity.sorts, "id")
        direction = call.choice("sort_direction", ("asc", "desc"), "asc")
        return self.keyset(entity, call, where, sort, direction)

    def keyset(
        self,
        entity: Entity,
        call: Call,
        where: list[ColumnElement[bool]],
        sort: str = "id",
        direction: str = "asc",
        maximum: int = 500,
    ) -> tuple[list[Record], str | None]:
        """Returns one page in an order that inserts and updates elsewhere do not disturb."""
        table = TABLES[entity.name]
        limit = call.limit(maximum, cap=self._switches.limit_over_max == "cap")
        # Activities may have no due date; NULL would fall out of every comparison.
        key: ColumnElement[Any] = func.coalesce(table.c.due_date, "") if sort == "due_date" else table.c[sort]
        cursor = read_cursor(call, sort, direction)
        ascending = direction == "asc"
        if cursor is not None:
            beyond = key > cursor.value if ascending else key < cursor.value
            later = table.c.id > cursor.id if ascending else table.c.id < cursor.id
            where = [*where, or_(beyond, and_(key == cursor.value, later))]
        order = [key.asc(), table.c.id.asc()] if ascending else [key.desc(), table.c.id.desc()]
        records = self._store.select(entity, where, order, limit + 1)
        if len(records) <= limit:
            return records, None
        last = records[limit - 1]
        value = last.id if sort == "id" else last.values[sort] or ""
        return records[:limit], Cursor(sort, value, direction, last.id).encode()

    def _filters(self, entity: Entity, call: Call) -> list[ColumnElement[bool]]:
        table = TABLES[entity.name]
        where: list[ColumnElement[bool]] = []
        if "ids" in entity.list_extras and "ids" in call.query:
            where.append(table.c.id.in_(_ids(call)))
        for name, kind in entity.filters.items():
            if kind == "status":
                where.append(self._deal_status(call))
            elif name not in call.query:
                continue
            elif name == "deal_id" and entity.name == "persons":
                deals = TABLES["deals"]
                where.append(table.c.id.in_(select(deals.c.person_id).where(deals.c.id == call.integer(name))))
            elif kind == "integer":
                where.append(table.c[name] == call.integer(name))
            elif kind == "boolean":
                where.append(table.c[name].is_(call.boolean(name)))
            else:
                where.append(table.c[name] == call.query[name])
        return where

    def _deal_status(self, call: Call) -> ColumnElement[bool]:
        table = TABLES["deals"]
        live = table.c.is_deleted.is_(False)
        statuses = call.several("status", _DEAL_STATUSES)
        if not statuses:
            return live
        wanted = and_(live, table.c.status.in_([status for status in statuses if status != "deleted"]))
        if "deleted" in statuses:
            kept = table.c.deleted_at > self._clock.seconds() - KEPT_SECONDS
            return or_(wanted, and_(table.c.is_deleted.is_(True), kept))
        return wanted


def page_reply(data: Any, cursor: str | None) -> Reply:
    """Returns the envelope of a v2 list; at the end `next_cursor` is null."""
    return Reply(data, extra={"additional_data": {"next_cursor": cursor}})


def _ids(call: Call) -> list[int]:
    raw = call.query["ids"].split(",")
    if len(raw) > _MAX_IDS:
        raise invalid("ids", f"a maximum of {_MAX_IDS} ids is allowed")
    if not all(item.isascii() and item.isdigit() for item in raw):
        raise invalid("ids", "must be a comma-separated list of integers")
    return [int(item) for item in raw]
