"""Handlers of API v1 for what v2 does not have: notes and users; and v1's view of the fields."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service_emulators.pipedrive import values
from service_emulators.pipedrive.builtin_fields import ACTIVITY_TYPES, FIELD_PATHS
from service_emulators.pipedrive.calls import Reply
from service_emulators.pipedrive.catalog import SEARCHABLE_TYPES
from service_emulators.pipedrive.entities import ENTITIES, NOTE_PARENTS, NOTES
from service_emulators.pipedrive.errors import ApiError, invalid_v1
from service_emulators.pipedrive.tables import COMPANY, TABLES, USERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, RowMapping

    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.calls import Call
    from service_emulators.pipedrive.catalog import Catalog
    from service_emulators.pipedrive.fields_api import FieldsApi
    from service_emulators.pipedrive.search import SearchIndex
    from service_emulators.pipedrive.store import Record, Store

GONE = frozenset({"organizations", "persons", "deals", "activities", "products", "pipelines", "stages", "itemSearch"})
"""v1 paths that are out of support since August 2026; they may still answer somewhere, nobody promises it."""

_PINS = tuple(name for name in NOTES.properties if name.startswith("pinned_"))
_NAMED = {"deal_id": ("deal", "title"), "person_id": ("person", "name"), "org_id": ("organization", "name")}


class ApiV1:
    """API v1."""

    def __init__(
        self, store: Store, catalog: Catalog, fields: FieldsApi, index: SearchIndex, clock: EmulatorClock
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._fields = fields
        self._index = index
        self._clock = clock

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the handlers by `METHOD path`."""
        routes: dict[str, Callable[[Call], Reply]] = {
            "GET /users": self._users,
            "GET /users/me": self._me,
            "GET /users/{id}": self._user,
            "GET /activityTypes": self._activity_types,
            "GET /notes": self._notes,
            "POST /notes": self._add_note,
            "GET /notes/{id}": self._note,
            "PUT /notes/{id}": self._change_note,
            "DELETE /notes/{id}": self._delete_note,
        }
        for path, entity in FIELD_PATHS.items():
            routes[f"GET /{path}"] = partial(self._field_list, entity)
            if entity != "activities":
                routes[f"GET /{path}/{{id}}"] = partial(self._field, entity)
        return routes

    def _users(self, call: Call) -> Reply:
        rows = self._store.connection.execute(select(USERS).order_by(USERS.c.id)).mappings()
        return Reply([_user(row, call) for row in rows])

    def _me(self, call: Call) -> Reply:
        user = self._store.connection.execute(select(USERS).where(USERS.c.id == call.user_id)).mappings().one()
        company = self._store.connection.execute(select(COMPANY)).mappings().one()
        return Reply(
            {
                **_user(user, call),
                "company_id": company["id"],
                "company_name": company["name"],
                "company_domain": company["domain"],
                "company_country": "DE",
                "company_industry": "Wholesale",
                "language": {"language_code": "en", "country_code": "US"},
            }
        )

    def _activity_types(self, _call: Call) -> Reply:
        return Reply(
            [
                {
                    "id": number,
                    "order_nr": number,
                    "name": key.capitalize(),
                    "key_string": key,
                    "icon_key": key,
                    "active_flag": True,
                    "color": None,
                    "is_custom_flag": False,
                    "add_time": _v1_time(_LONG_AGO),
                    "update_time": _v1_time(_LONG_AGO),
                }
                for number, key in enumerate(ACTIVITY_TYPES, 1)
            ]
        )

    def _user(self, call: Call) -> Reply:
        user = (
            self._store.connection.execute(select(USERS).where(USERS.c.id == call.record_id())).mappings().one_or_none()
        )
        if user is None:
            raise ApiError(404, {"success": False, "error": "User not found or not accessible."})
        return Reply(_user(user, call))

    def _field_list(self, entity: str, call: Call) -> Reply:
        call.allow({"start", "limit"})
        return _page(self._all_fields(entity), call)

    def _field(self, entity: str, call: Call) -> Reply:
        wanted = call.record_id()
        for field in self._all_fields(entity):
            if field["id"] == wanted:
                return Reply(field)
        raise ApiError(410, {"success": False, "error": "The field is not found"})

    def _all_fields(self, entity: str) -> list[dict[str, Any]]:
        first = 1 + 100 * list(FIELD_PATHS.values()).index(entity)
        shown = [
            _field(first + position, item.code, item.name, item.type, item.options, _v1_time(_LONG_AGO), custom=False)
            for position, item in enumerate(self._fields.builtin(entity))
        ]
        for item in self._catalog.fields(entity).values():
            options = tuple((option["id"], option["label"]) for option in item.options)
            field = _field(item.id, item.code, item.name, item.type, options, _v1_time(item.add_time), custom=True)
            shown.append({**field, "update_time": _v1_time(item.update_time)})
        return shown

    def _notes(self, call: Call) -> Reply:
        call.allow(
            {"start", "limit", "sort", "updated_since", "start_date", "end_date", "user_id", *NOTE_PARENTS, *_PINS}
        )
        notes = TABLES["notes"]
        where: list[ColumnElement[bool]] = [notes.c.is_deleted.is_(False)]
        where.extend(notes.c[name] == call.integer(name) for name in ("user_id", *_NAMED) if name in call.query)
        if "updated_since" in call.query:
            where.append(
                notes.c.update_time >= _checked("updated_since", values.timestamp, call.query["updated_since"])
            )
        if "start_date" in call.query:
            where.append(notes.c.add_time >= _checked("start_date", values.day, call.query["start_date"]))
        if "end_date" in call.query:
            where.append(notes.c.add_time < _checked("end_date", values.day, call.query["end_date"]) + "T24")
        found = self._store.select(NOTES, where, _sort(call))
        flags = {name: call.query[name] == "1" for name in _PINS if name in call.query}
        others = [name for name in ("lead_id", "project_id", "task_id") if name in call.query]
        chosen = [
            note
            for note in found
            if all(note.values[name] == flag for name, flag in flags.items())
            and all(str(note.values[name]) == call.query[name] for name in others)
        ]
        return _page([self._show_note(note, call) for note in chosen], call)

    def _add_note(self, call: Call) -> Reply:
        given = self._accept_note(call)
        if not given.get("content"):
            raise invalid_v1("content is required")
        if not any(given.get(name) is not None for name in NOTE_PARENTS):
            raise invalid_v1("a note must be attached to a lead, deal, person, organization, project or task")
        moment = self._clock.now()
        now = values.format_time(moment)
        record = {name: item.default for name, item in NOTES.properties.items()}
        record.update({"user_id": call.user_id, "add_time": now, **given})
        record.update({"update_time": now, "last_update_user_id": call.user_id, "is_deleted": False})
        note = self._store.insert(NOTES, record, {}, moment.timestamp())
        self._touch_parents(note)
        return Reply(self._show_note(note, call))

    def _note(self, call: Call) -> Reply:
        return Reply(self._show_note(self._live_note(call), call))

    def _change_note(self, call: Call) -> Reply:
        note = self._live_note(call)
        self._touch_parents(note)
        note.values.update(self._accept_note(call))
        note.values["update_time"] = values.format_time(self._clock.now())
        note.values["last_update_user_id"] = call.user_id
        self._store.save(NOTES, note)
        self._touch_parents(note)
        return Reply(self._show_note(note, call))

    def _delete_note(self, call: Call) -> Reply:
        note = self._live_note(call)
        note.values["is_deleted"] = True
        note.deleted_at = self._clock.seconds()
        self._store.save(NOTES, note)
        self._touch_parents(note)
        return Reply(data=True)

    def _live_note(self, call: Call) -> Record:
        note = self._store.get(NOTES, call.record_id())
        if note is None or note.values["is_deleted"]:
            error = {"success": False, "error": "Note not found", "data": None, "additional_data": None}
            raise ApiError(404, error)
        return note

    def _accept_note(self, call: Call) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in call.json_object().items():
            if name == "content":
                given[name] = _checked(name, values.text(values.LONG_TEXT, 1), value)
            elif name in _PINS:
                given[name] = bool(_checked(name, values.one_of(0, 1), value))
            elif name == "lead_id":
                given[name] = _checked(name, values.text(), value)
            elif name in NOTE_PARENTS or name == "user_id":
                given[name] = self._reference(name, value)
            elif name == "add_time":
                given[name] = _checked(name, _parse_v1_time, value)
            else:
                raise invalid_v1(f"Parameter '{name}' is not allowed for this request")
        return given

    def _reference(self, name: str, value: Any) -> int | None:
        if value is None:
            return None
        number: int = _checked(name, values.integer, value)
        entity = NOTE_PARENTS.get(name)
        if entity is not None and not self._store.exists(entity, number):
            raise invalid_v1(f"{name}: {number} was not found in {entity}")
        return number

    def _touch_parents(self, note: Record) -> None:
        for name, entity in NOTE_PARENTS.items():
            if entity is not None and note.values[name] is not None:
                self._index.touch(entity, note.values[name])

    def _show_note(self, note: Record, call: Call) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": note.id, "active_flag": not note.values["is_deleted"]}
        shown.update({name: note.values[name] for name in NOTES.properties})
        shown["add_time"] = _v1_time(note.values["add_time"])
        shown["update_time"] = _v1_time(note.values["update_time"])
        for name, (key, title) in _NAMED.items():
            parent = (
                self._store.get(ENTITIES[str(NOTE_PARENTS[name])], note.values[name]) if note.values[name] else None
            )
            shown[key] = {title: parent.values[title]} if parent else None
        user = (
            self._store.connection.execute(select(USERS).where(USERS.c.id == note.values["user_id"])).mappings().first()
        )
        if user is not None:
            shown["user"] = {
                "email": user["email"],
                "name": user["name"],
                "icon_url": None,
                "is_you": user["id"] == call.user_id,
            }
        return shown


_LONG_AGO = "2024-01-01T00:00:00Z"


def _v1_time(value: str) -> str:
    return value.replace("T", " ").removesuffix("Z")


def _parse_v1_time(value: Any) -> str:
    if not isinstance(value, str):
        raise values.UnfitError("must be a string")
    return values.timestamp(value.replace(" ", "T", 1) + "Z")


def _checked(name: str, check: values.Checker, value: Any) -> Any:
    try:
        return check(value)
    except values.UnfitError as error:
        raise invalid_v1(f"{name} {error}") from error


def _sort(call: Call) -> list[Any]:
    """Reads `sort=update_time ASC, id ASC`."""
    notes = TABLES["notes"]
    order: list[Any] = []
    for part in call.query.get("sort", "id ASC").split(","):
        name, _, direction = part.strip().partition(" ")
        if name not in {"id", "add_time", "update_time", "user_id"} or direction.upper() not in {"", "ASC", "DESC"}:
            raise invalid_v1(f"can not sort by '{part.strip()}'")
        order.append(notes.c[name].desc() if direction.upper() == "DESC" else notes.c[name].asc())
    return order


def _page(items: list[dict[str, Any]], call: Call) -> Reply:
    start, limit = call.window_v1()
    page = items[start : start + limit]
    more = len(items) > start + limit
    pagination: dict[str, Any] = {"start": start, "limit": limit, "more_items_in_collection": more}
    if more:
        pagination["next_start"] = start + limit
    # An empty list is null in several v1 endpoints.
    return Reply(page or None, extra={"additional_data": {"pagination": pagination}})


def _user(row: RowMapping, call: Call) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "default_currency": "EUR",
        "locale": "en_US",
        "lang": 1,
        "email": row["email"],
        "phone": None,
        "activated": True,
        "last_login": _v1_time(row["created"]),
        "created": _v1_time(row["created"]),
        "modified": _v1_time(row["created"]),
        "has_created_company": row["is_admin"],
        "access": [
            {
                "app": app,
                "admin": row["is_admin"],
                "permission_set_id": f"00000000-0000-4000-8000-00000000000{position}",
            }
            for position, app in enumerate(("sales", "global", "account_settings"))
        ],
        "active_flag": True,
        "timezone_name": "Europe/Berlin",
        "timezone_offset": "+01:00",
        "role_id": 1,
        "icon_url": None,
        "is_you": row["id"] == call.user_id,
        "is_deleted": False,
    }


def _field(
    number: int, key: str, name: str, kind: str, options: tuple[tuple[int | str, str], ...], time: str, *, custom: bool
) -> dict[str, Any]:
    return {
        "id": number,
        "key": key,
        "name": name,
        "order_nr": number,
        "field_type": kind,
        "add_time": time,
        "update_time": time,
        "last_updated_by_user_id": None,
        "created_by_user_id": None,
        "active_flag": True,
        "edit_flag": custom,
        "index_visible_flag": True,
        "details_visible_flag": True,
        "add_visible_flag": not custom,
        "important_flag": False,
        "bulk_edit_allowed": True,
        "searchable_flag": kind in SEARCHABLE_TYPES,
        "filtering_allowed": True,
        "sortable_flag": True,
        "mandatory_flag": key in {"name", "title"},
        "options": [{"id": option, "label": label} for option, label in options] or None,
    }
