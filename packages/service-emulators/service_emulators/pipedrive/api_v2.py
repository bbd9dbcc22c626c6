"""Handlers of API v2: records and searches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from service_emulators.pipedrive.builtin_fields import LABELS
from service_emulators.pipedrive.calls import Reply
from service_emulators.pipedrive.catalog import SEARCHABLE_TYPES
from service_emulators.pipedrive.counts import extra_value
from service_emulators.pipedrive.entities import DEALS, ENTITIES, ORGANIZATIONS, PERSONS, SEARCHABLE
from service_emulators.pipedrive.errors import invalid
from service_emulators.pipedrive.listing import page_reply
from service_emulators.pipedrive.records import View
from service_emulators.pipedrive.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.pipedrive.calls import Call
    from service_emulators.pipedrive.catalog import Catalog
    from service_emulators.pipedrive.entities import Entity
    from service_emulators.pipedrive.listing import Listing
    from service_emulators.pipedrive.records import Records
    from service_emulators.pipedrive.search import SearchIndex
    from service_emulators.pipedrive.store import Record, Store

_PAGE = frozenset({"limit", "cursor"})
_ITEM_TYPES = ("deal", "person", "organization", "product", "lead", "file", "mail_attachment", "project")
_FIELD_TYPES = ("deal", "lead", "person", "organization", "product", "project")
_ITEM_FIELDS = ("address", "code", "custom_fields", "email", "name", "notes", "phone", "title", "description")
_ITEM_MAX_LIMIT = 100
_MATCHES = ("exact", "beginning", "middle")
_EXTRA_ITEM_FIELDS = ("deal.cc_email", "person.picture", "product.price")


class ApiV2:
    """API v2 without the *Fields endpoints."""

    def __init__(self, store: Store, catalog: Catalog, records: Records, listing: Listing, index: SearchIndex) -> None:
        self._store = store
        self._catalog = catalog
        self._records = records
        self._listing = listing
        self._index = index

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the handlers by `METHOD path`."""
        routes: dict[str, Callable[[Call], Reply]] = {}
        for entity in ENTITIES.values():
            routes[f"GET /{entity.name}"] = partial(self._list, entity)
            routes[f"POST /{entity.name}"] = partial(self._create, entity)
            routes[f"GET /{entity.name}/{{id}}"] = partial(self._get, entity)
            routes[f"PATCH /{entity.name}/{{id}}"] = partial(self._update, entity)
            routes[f"DELETE /{entity.name}/{{id}}"] = partial(self._delete, entity)
            if entity.searches:
                routes[f"GET /{entity.name}/search"] = partial(self._search, entity)
        routes["GET /deals/archived"] = partial(self._list, DEALS, archived=True)
        routes["GET /itemSearch"] = self._item_search
        routes["GET /itemSearch/field"] = self._field_search
        return routes

    def _list(self, entity: Entity, call: Call, *, archived: bool = False) -> Reply:
        records, cursor = self._listing.page(entity, call, archived=archived)
        view = self._listing.view(entity, call)
        return page_reply([self._show(entity, record, view) for record in records], cursor)

    def _get(self, entity: Entity, call: Call) -> Reply:
        call.allow(entity.get_extras)
        return Reply(
            self._show(entity, self._records.visible(entity, call.record_id()), self._listing.view(entity, call))
        )

    def _create(self, entity: Entity, call: Call) -> Reply:
        call.allow(())
        record = self._records.create(entity, call.json_object(), call.user_id)
        return Reply(self._show(entity, record, View()), entity.created_status)

    def _update(self, entity: Entity, call: Call) -> Reply:
        call.allow(())
        record_id = call.record_id()
        return Reply(self._show(entity, self._records.update(entity, record_id, call.json_object()), View()))

    def _delete(self, entity: Entity, call: Call) -> Reply:
        call.allow(())
        record_id = call.record_id()
        self._records.delete(entity, record_id)
        return Reply({"id": record_id})

    def _show(self, entity: Entity, record: Record, view: View) -> dict[str, Any]:
        shown = self._records.show(entity, record, view)
        if view.labels:
            labels = dict(LABELS[entity.name])
            shown["labels"] = [{"id": number, "label": labels[number]} for number in record.values["label_ids"]]
        for name in view.extras:
            if name not in shown:
                shown[name] = extra_value(self._store, entity, record.id, name)
        return shown

    def _search(self, entity: Entity, call: Call) -> Reply:
        call.allow(_PAGE | {"term", "fields", "exact_match", "include_fields"} | set(entity.search_filters))
        call.several("include_fields", _EXTRA_ITEM_FIELDS)
        exact = call.boolean("exact_match")
        table = TABLES[entity.name]
        also = [
            table.c[column] == (call.query[name] if name == "status" else call.integer(name))
            for name, column in entity.search_filters.items()
            if name in call.query
        ]
        fields = call.several("fields", entity.searches) or entity.searches
        where = self._index.find(entity, _term(call, exact=exact), fields, exact=exact, also=also)
        records, cursor = self._listing.keyset(entity, call, [where])
        return page_reply({"items": [self._hit(entity, record, exact=exact) for record in records]}, cursor)

    def _item_search(self, call: Call) -> Reply:
        call.allow(
            _PAGE | {"term", "item_types", "fields", "search_for_related_items", "exact_match", "include_fields"}
        )
        exact = call.boolean("exact_match")
        call.boolean("search_for_related_items")
        call.several("include_fields", _EXTRA_ITEM_FIELDS)
        types = call.several("item_types", _ITEM_TYPES) or _ITEM_TYPES
        fields = call.several("fields", _ITEM_FIELDS)
        term = _term(call, exact=exact)
        limit = call.limit(_ITEM_MAX_LIMIT, cap=False)
        items: list[dict[str, Any]] = []
        for item in types:
            entity = SEARCHABLE.get(item)
            searched = [name for name in entity.searches if not fields or name in fields] if entity else []
            if entity is None or not searched:
                continue
            where = self._index.find(entity, term, searched, exact=exact, also=())
            table = TABLES[entity.name]
            found = self._store.select(entity, [where], [table.c.id], limit - len(items) + 1)
            items.extend(self._hit(entity, record, exact=exact) for record in found)
        # One page only: the order of the real service (by score) is not known, so there is no key to go on from.
        return page_reply({"items": items[:limit], "related_items": []}, None)

    def _field_search(self, call: Call) -> Reply:
        call.allow(_PAGE | {"term", "entity_type", "match", "field"})
        match = call.choice("match", _MATCHES, "exact")
        item = call.choice("entity_type", _FIELD_TYPES, "")
        term = _term(call, exact=match == "exact")
        code = call.query.get("field")
        if not code:
            raise invalid("field", "Parameter 'field' is required")
        entity = SEARCHABLE.get(item)
        if entity is None:
            return page_reply([], None)
        custom = self._catalog.fields(entity.name).get(code)
        if custom is None and (code not in entity.searches or code == "custom_fields"):
            raise invalid("field", f"'{code}' is not a field of {entity.name}")
        if custom is not None and custom.type not in SEARCHABLE_TYPES:
            raise invalid("field", f"fields of type {custom.type} are not searchable", code)
        where = self._index.find_field(entity, term, code, match)
        records, cursor = self._listing.keyset(entity, call, [where])
        return page_reply([{"id": record.id, entity.title: record.values[entity.title]} for record in records], cursor)

    def _hit(self, entity: Entity, record: Record, *, exact: bool) -> dict[str, Any]:
        values = record.values
        item: dict[str, Any] = {"id": record.id, "type": entity.item, entity.title: values[entity.title]}
        if entity is PERSONS:
            item["phones"] = [phone["value"] for phone in values["phones"]]
            item["emails"] = [email["value"] for email in values["emails"]]
        if entity is ORGANIZATIONS:
            item["address"] = values["address"]["value"] if values["address"] else None
        if entity is DEALS:
            item.update({name: values[name] for name in ("value", "currency", "status", "is_archived")})
            stage = self._store.get(ENTITIES["stages"], values["stage_id"])
            item["stage"] = {"id": values["stage_id"], "name": stage.values["name"] if stage else None}
            item["person"] = self._reference(PERSONS, values["person_id"])
        if entity.name == "products":
            item["code"] = values["code"]
        if entity in (PERSONS, DEALS):
            item["organization"] = self._reference(ORGANIZATIONS, values["org_id"])
        item["visible_to"] = values["visible_to"]
        item["owner"] = {"id": values["owner_id"]}
        custom = self._catalog.fields(entity.name)
        item["custom_fields"] = [text for field, text in self._index.values(entity, record) if field in custom]
        if "notes" in entity.searches:
            item["notes"] = self._index.notes(entity, record.id)
        return {"result_score": 1.0 if exact else 0.5, "item": item}

    def _reference(self, entity: Entity, record_id: int | None) -> dict[str, Any] | None:
        record = None if record_id is None else self._store.get(entity, record_id)
        if record is None:
            return None
        shown: dict[str, Any] = {"id": record.id, "name": record.values["name"]}
        if entity is ORGANIZATIONS:
            shown["address"] = record.values["address"]["value"] if record.values["address"] else None
        return shown


def _term(call: Call, *, exact: bool) -> str:
    term = call.query.get("term", "")
    least = 1 if exact else 2
    if len(term) < least:
        raise invalid("term", f"must be at least {least} characters long")
    return term
